import type { Row } from '../evaluate/loaded.ts'
import { encryptLabel, labelFelts } from '../hashing/label.ts'
import { bucketOf, feltsOf, locationsOf } from '../hashing/tag.ts'
import type { SetParams } from '../params/set-params.ts'

/** An item by its OPRF output, 64 bytes, and its label. */
export interface Entry {
  readonly output: Uint8Array
  readonly label?: Uint8Array
}

interface Place {
  readonly felts: Uint32Array
  readonly labels: Uint32Array
}

/** Rows of a set by the definition, in obvious code: first bundle with room, polynomials from roots and by Lagrange's formula. */
export function plainRows(params: SetParams, entries: readonly Entry[]): Row[] {
  const bins = new Map<string, Place[]>()
  const room = params.itemsPerBin
  const put = (bucket: number, group: number, bin: number, place: Place): void => {
    for (let bundle = 0; ; bundle++) {
      const key = `${bucket}/${group}/${bundle}/${bin}`
      const list = bins.get(key) ?? []
      const clash = params.labelBytes > 0 && list.some(({ felts }) => felts.some((x, j) => x === place.felts[j]))
      if (list.length >= room || clash) continue
      bins.set(key, [...list, place])
      return
    }
  }
  entries.forEach(({ output, label }, i) => {
    const bucket = bucketOf(params, output)
    const place = {
      felts: feltsOf(params, output),
      labels: label ? labelFelts(params, encryptLabel(output.subarray(32), label)) : new Uint32Array(0),
    }
    const locations =
      (params.powers?.hashFunctions ?? 0) > 0
        ? locationsOf(params, output)
        : [i % Math.min(params.bins, params.binsPerGroup)]
    for (const location of locations)
      put(bucket, Math.floor(location / params.binsPerGroup), location % params.binsPerGroup, place)
  })
  const keys = new Set([...bins.keys()].map((key) => key.split('/').slice(0, 3).join('/')))
  const rows: Row[] = []
  for (const key of keys) {
    const [bucket, group, bundle] = key.split('/').map(Number) as [number, number, number]
    for (let bin = 0; bin < Math.min(params.binsPerGroup, params.bins - group * params.binsPerGroup); bin++) {
      const places = bins.get(`${key}/${bin}`) ?? []
      rows.push({ bucket, group, bundle, bin, items: places.length, coefficients: coefficientsOf(params, places) })
    }
  }
  return rows.sort((a, b) => a.bucket - b.bucket || a.group - b.group || a.bundle - b.bundle || a.bin - b.bin)
}

function coefficientsOf(params: SetParams, places: readonly Place[]): Uint32Array {
  const { coefficients: length, feltsPerItem: k, polynomials, t } = params
  const out = new Uint32Array(polynomials * k * length)
  for (let polynomial = 0; polynomial < polynomials; polynomial++) {
    for (let j = 0; j < k; j++) {
      const roots = places.map(({ felts }) => felts[j]!)
      const values = polynomial === 0 ? [] : places.map(({ labels }) => labels[(polynomial - 1) * k + j]!)
      const poly = polynomial === 0 ? fromRoots(roots, t) : lagrange(roots, values, t)
      poly.forEach((c, i) => {
        out[(polynomial * k + j) * length + i] = Number(c)
      })
    }
  }
  return out
}

function fromRoots(roots: readonly number[], t: number): bigint[] {
  const T = BigInt(t)
  let poly = [1n]
  for (const root of roots) {
    const next = [0n, ...poly]
    poly.forEach((c, i) => {
      next[i] = (((next[i]! - c * BigInt(root)) % T) + T) % T
    })
    poly = next
  }
  return poly
}

function lagrange(points: readonly number[], values: readonly number[], t: number): bigint[] {
  const T = BigInt(t)
  const out = new Array<bigint>(points.length).fill(0n)
  points.forEach((x, i) => {
    const others = points.filter((_, m) => m !== i)
    const numerator = fromRoots(others, t)
    const denominator = others.reduce((product, y) => (product * BigInt(x - y + t)) % T, 1n)
    const factor = (BigInt(values[i]!) * powerOf(denominator, T - 2n, T)) % T
    numerator.forEach((c, d) => {
      out[d] = (out[d]! + c * factor) % T
    })
  })
  return out
}

function powerOf(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus)
    if (e & 1n) result = (result * b) % modulus
  return result
}

/** 64 bytes that stand for an OPRF output, the same for the same number. */
export function outputOf(seed: number): Uint8Array {
  const bytes = new Uint8Array(64)
  let state = (seed + 1) * 0x9e3779b9
  for (let i = 0; i < 64; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x85ebca6b)
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35) + 0x6d2b79f5
    bytes[i] = (state ^ (state >>> 16)) & 255
  }
  return bytes
}
