import { requireArray } from '../base/require.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'

/**
 * Polynomials W_jk, encoded once, for sums of products with ciphertexts; see `multiplySum`. Immutable; `using` gives the memory back:
 * 8 N + 192 bytes for each polynomial that is there and each prime of the level.
 */
export interface Weights extends Disposable {
  /** The ring of its context. */
  readonly ring: Ring
  /** Of the ciphertexts that it is multiplied with, from 0 to `params.maxLevel`; higher ones are taken at this level. */
  readonly level: number
  /** Of the coefficients, 1 or more: the scale of a result is that of the ciphertexts times it. Integers have 1. */
  readonly scale: number
  /** Rows: how many sums are formed, 1 or more. */
  readonly outputs: number
  /** Polynomials of a row: how many ciphertexts are summed up, 1 or more. */
  readonly inputs: number
  /** Address of W_jk, level + 1 limbs; undefined for 0. Throws GloveboxError `disposed`. */
  at(output: number, input: number): Ptr | undefined
}

/** Rows of one length; `put` writes one polynomial, level + 1 limbs in NTT form, at its address. null is 0 and takes no memory. */
export function newWeights<T>(
  ring: Ring,
  rows: readonly (readonly (T | null)[])[],
  { level, scale }: { readonly level: number; readonly scale: number },
  put: (dst: Ptr, polynomial: T, name: string) => void,
): Weights {
  requireArray('rows', 'an array of rows', rows)
  if (rows.length === 0) throw new RangeError('"rows" expected at least one, got none')
  rows.forEach((row, j) => {
    requireArray(`rows[${j}]`, 'an array of coefficient arrays or null', row)
    if (row.length === 0 || row.length !== rows[0]!.length)
      throw new RangeError(
        `"rows[${j}]" expected ${rows[0]!.length || 'one or more'} polynomials${j > 0 ? ' as the first row has' : ''}, got ${row.length}`,
      )
  })
  const inputs = rows[0]!.length
  // The place of each polynomial among those that are there.
  let count = 0
  const places = rows.flatMap((row) => row.map((polynomial) => (polynomial === null ? -1 : count++)))
  const slab = ring.limbs(Math.max(1, count) * (level + 1))
  const bytes = (level + 1) * ring.limbBytes
  try {
    rows.forEach((row, j) => {
      row.forEach((polynomial, k) => {
        const place = places[j * inputs + k]!
        if (polynomial !== null) put(slab.ptr + place * bytes, polynomial, `rows[${j}][${k}]`)
      })
    })
  } catch (error) {
    slab[Symbol.dispose]()
    throw error
  }
  return {
    ring,
    level,
    scale,
    outputs: rows.length,
    inputs,
    at(output, input) {
      const { ptr } = slab
      const place = places[output * inputs + input]!
      return place < 0 ? undefined : ptr + place * bytes
    },
    [Symbol.dispose]: () => slab[Symbol.dispose](),
  }
}
