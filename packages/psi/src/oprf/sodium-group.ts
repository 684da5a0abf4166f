import type { Group } from './group.ts'
import { isZero } from './scalar.ts'

/** The compiled functions below libsodium's wrappers, which take addresses; 0 is success. */
interface Sodium {
  readonly HEAPU8: Uint8Array
  _malloc(bytes: number): number
  _crypto_hash_sha512(out: number, message: number, low: number, high: number): number
  _crypto_core_ristretto255_from_hash(out: number, uniform: number): number
  _crypto_core_ristretto255_is_valid_point(element: number): number
  _crypto_core_ristretto255_add(out: number, a: number, b: number): number
  _crypto_core_ristretto255_scalar_reduce(out: number, bytes: number): void
  _crypto_core_ristretto255_scalar_mul(out: number, a: number, b: number): void
  _crypto_core_ristretto255_scalar_sub(out: number, a: number, b: number): void
  _crypto_core_ristretto255_scalar_invert(out: number, scalar: number): number
  _crypto_scalarmult_ristretto255(out: number, scalar: number, element: number): number
  _crypto_scalarmult_ristretto255_base(out: number, scalar: number): number
}

/** Two operands, a result, and a message of a few times the longest input: allocated once. */
const arenaBytes = 2 ** 18

let opening: Promise<Group> | undefined

/**
 * By libsodium's WebAssembly build, ten times as fast as `nobleGroup`, and constant in time as far as an engine's compiler leaves it so. It is one
 * megabyte, so it is loaded when it is asked for, and only Node asks. Calls are made without the wrappers, on one buffer, which is wiped after each call.
 */
export function openSodiumGroup(): Promise<Group> {
  opening ??= open()
  return opening
}

async function open(): Promise<Group> {
  const { default: wrappers } = await import('libsodium-wrappers-sumo')
  await wrappers.ready
  const sodium = (wrappers as unknown as { libsodium: Sodium }).libsodium
  const arena = sodium._malloc(arenaBytes)
  const [a, b, out] = [arena, arena + 64, arena + 128]
  const put = (at: number, bytes: Uint8Array): void => sodium.HEAPU8.set(bytes, at)
  const take = (length: number): Uint8Array => {
    const result = sodium.HEAPU8.slice(out, out + length)
    sodium.HEAPU8.fill(0, arena, out + length)
    return result
  }
  const multiply = (scalar: Uint8Array, element: Uint8Array): Uint8Array | undefined => {
    put(a, scalar)
    put(b, element)
    const failed = sodium._crypto_scalarmult_ristretto255(out, a, b)
    const product = take(32)
    return failed ? undefined : product
  }
  const binary = (name: '_crypto_core_ristretto255_scalar_mul' | '_crypto_core_ristretto255_scalar_sub') => {
    return (x: Uint8Array, y: Uint8Array): Uint8Array => {
      put(a, x)
      put(b, y)
      sodium[name](out, a, b)
      return take(32)
    }
  }
  return {
    name: 'libsodium',
    hash: (message) => {
      if (message.length > arenaBytes - 192) throw new RangeError('"message" is longer than a message of the suite')
      put(out + 64, message)
      sodium._crypto_hash_sha512(out, out + 64, message.length, 0)
      sodium.HEAPU8.fill(0, out + 64, out + 64 + message.length)
      return take(64)
    },
    multiplyDerived: (scalar, uniform) => {
      put(b, uniform)
      sodium._crypto_core_ristretto255_from_hash(b, b)
      put(a, scalar)
      const failed = sodium._crypto_scalarmult_ristretto255(out, a, b)
      const product = take(32)
      return failed ? undefined : product
    },
    multiply,
    multiplyBase: (scalar) => {
      put(a, scalar)
      sodium._crypto_scalarmult_ristretto255_base(out, a)
      return take(32)
    },
    isElement: (bytes) => {
      if (bytes.length !== 32 || isZero(bytes)) return false
      put(a, bytes)
      return sodium._crypto_core_ristretto255_is_valid_point(a) === 1
    },
    combine: (scalars, elements) => {
      let sum = new Uint8Array(32)
      for (const [i, scalar] of scalars.entries()) {
        // For libsodium the identity is a failure: a product with 0.
        const product = multiply(scalar, elements[i]!)
        if (product === undefined) continue
        put(a, sum)
        put(b, product)
        sodium._crypto_core_ristretto255_add(out, a, b)
        sum = take(32) as Uint8Array<ArrayBuffer>
      }
      return sum
    },
    reduceScalar: (bytes) => {
      put(a, bytes)
      sodium._crypto_core_ristretto255_scalar_reduce(out, a)
      return take(32)
    },
    multiplyScalars: binary('_crypto_core_ristretto255_scalar_mul'),
    subtractScalars: binary('_crypto_core_ristretto255_scalar_sub'),
    invertScalar: (scalar) => {
      put(a, scalar)
      sodium._crypto_core_ristretto255_scalar_invert(out, a)
      return take(32)
    },
  }
}
