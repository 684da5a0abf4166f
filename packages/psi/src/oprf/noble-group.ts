import { mulAddUnsafe } from '@noble/curves/abstract/curve.js'
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { bytesToNumberLE } from '@noble/curves/utils.js'
import { sha512 } from '@noble/hashes/sha2.js'
import type { Group } from './group.ts'

const { Point } = ristretto255
const { Fn } = Point
type Element = InstanceType<typeof Point>

function decode(bytes: Uint8Array): Element | undefined {
  try {
    return Point.fromBytes(bytes)
  } catch {
    return undefined
  }
}

function encode(element: Element | undefined): Uint8Array | undefined {
  return element === undefined || element.is0() ? undefined : element.toBytes()
}

/**
 * By `@noble/curves`: JavaScript, so also for browsers; a product takes about a millisecond. Its products with secrets take the same steps for every
 * scalar, but a bigint of an engine is not constant in time.
 */
export const nobleGroup: Group = {
  name: 'noble',
  hash: (message) => sha512(message),
  multiplyDerived: (scalar, uniform) =>
    encode(ristretto255_hasher.deriveToCurve!(uniform).multiply(Fn.fromBytes(scalar))),
  multiply: (scalar, element) => {
    const point = decode(element)
    return point === undefined ? undefined : encode(point.multiply(Fn.fromBytes(scalar)))
  },
  multiplyBase: (scalar) => Point.BASE.multiply(Fn.fromBytes(scalar)).toBytes(),
  isElement: (bytes) => {
    const point = decode(bytes)
    return point !== undefined && !point.is0()
  },
  combine: (scalars, elements) =>
    mulAddUnsafe(
      Point,
      elements.map((element) => Point.fromBytes(element)),
      scalars.map((scalar) => Fn.fromBytes(scalar)),
    ).toBytes(),
  reduceScalar: (bytes) => Fn.toBytes(Fn.create(bytesToNumberLE(bytes))),
  multiplyScalars: (a, b) => Fn.toBytes(Fn.mul(Fn.fromBytes(a), Fn.fromBytes(b))),
  subtractScalars: (a, b) => Fn.toBytes(Fn.sub(Fn.fromBytes(a), Fn.fromBytes(b))),
  invertScalar: (scalar) => Fn.toBytes(Fn.inv(Fn.fromBytes(scalar))),
}
