import { requireArrayLike, requireObject, typeName } from '../base/require.ts'

/** A row with its weights as integers, those that are not 0, by ascending index. */
export interface IntegerRow {
  readonly indices: readonly number[]
  readonly values: readonly number[]
}

/** Integer rows in blocks of four as the kernel `weightedSums` takes them; see kernels/table.ts. */
export interface CombinationPlan {
  readonly bytes: ArrayBuffer
  readonly blocks: number
  /** Of all blocks: each is four multiply-adds a coefficient. */
  readonly terms: number
  /** No weight is larger. */
  readonly most: number
}

/** One row of a matrix: a weight for each input, or those that are not 0 and the indices of their inputs, each at most once. */
export type CombinationRow =
  | ArrayLike<number>
  | { readonly indices: ArrayLike<number>; readonly values: ArrayLike<number> }

/** Weights up to 2^22 are one digit; larger ones are written in balanced digits to the base 2^22. */
export const digitBits = 22
const base = 2 ** digitBits

/** Weights times `scale`, rounded; each below `room`. */
export function integerRows(
  rows: readonly CombinationRow[],
  inputs: number,
  scale: number,
  room: number,
): readonly IntegerRow[] {
  return rows.map((row, j) => {
    requireObject(`rows[${j}]`, 'an array of weights or { indices, values }', row)
    const integer = (value: number, name: string): number => {
      if (!Number.isFinite(value)) throw new RangeError(`"${name}" expected a finite number, got ${typeName(value)}`)
      const rounded = Math.round(value * scale)
      if (!(Math.abs(rounded) < room))
        throw new RangeError(
          `"${name}" at scale 2^${Math.log2(scale).toFixed(1)} does not fit the modulus of the level: use a smaller scale or a higher level`,
        )
      return rounded
    }
    const entries: [index: number, value: number][] = []
    if ('indices' in row) {
      requireArrayLike(`rows[${j}].indices`, 'an array of indices', row.indices)
      requireArrayLike(`rows[${j}].values`, 'an array of weights', row.values)
      if (row.indices.length !== row.values.length)
        throw new RangeError(
          `"rows[${j}]" expected as many indices as values, got ${row.indices.length} and ${row.values.length}`,
        )
      const seen = new Set<number>()
      for (let i = 0; i < row.indices.length; i++) {
        const index = row.indices[i]!
        if (!Number.isInteger(index) || index < 0 || index >= inputs || seen.has(index))
          throw new RangeError(
            `"rows[${j}].indices[${i}]" expected an index from 0 to ${inputs - 1} that was not there before, got ${String(index)}`,
          )
        seen.add(index)
        entries.push([index, integer(row.values[i]!, `rows[${j}].values[${i}]`)])
      }
      entries.sort(([a], [b]) => a - b)
    } else {
      requireArrayLike(`rows[${j}]`, 'an array of weights or { indices, values }', row)
      if (row.length !== inputs)
        throw new RangeError(`"rows[${j}]" expected ${inputs} weights, one for each input, got ${row.length}`)
      for (let k = 0; k < inputs; k++) entries.push([k, integer(row[k]!, `rows[${j}][${k}]`)])
    }
    const present = entries.filter(([, value]) => value !== 0)
    return { indices: present.map(([index]) => index), values: present.map(([, value]) => value) }
  })
}

/** One plan for each digit of the weights, the lowest first: one in all where no weight exceeds 2^22. */
export function planCombinations(rows: readonly IntegerRow[]): readonly CombinationPlan[] {
  const plans: CombinationPlan[] = []
  for (let left = rows; ; ) {
    if (mostOf(left) <= base) {
      plans.push(planBlocks(left))
      return plans
    }
    // Exact: integers of 53 bits at most, and what remains has fewer.
    const low = (value: number): number => value - base * Math.round(value / base)
    plans.push(planBlocks(mapRows(left, low)))
    left = mapRows(left, (value) => (value - low(value)) / base)
  }
}

function mostOf(rows: readonly IntegerRow[]): number {
  return rows.reduce((most, { values }) => values.reduce((m, value) => Math.max(m, Math.abs(value)), most), 1)
}

function mapRows(rows: readonly IntegerRow[], map: (value: number) => number): readonly IntegerRow[] {
  return rows.map(({ indices, values }) => {
    const mapped = values.map(map)
    const present = (_: number, i: number): boolean => mapped[i] !== 0
    return { indices: indices.filter(present), values: mapped.filter(present) }
  })
}

const [headerWords, termWords] = [6, 10]
const none = 0xffffffff

/** Four rows to a block; those of one support side by side, as a block takes the union of its rows' supports. */
function planBlocks(rows: readonly IntegerRow[]): CombinationPlan {
  const order = rows.map((_, j) => j).sort((a, b) => compare(rows[a]!.indices, rows[b]!.indices))
  const blocks = Array.from({ length: Math.ceil(rows.length / 4) }, (_, b) => {
    const members = order.slice(4 * b, 4 * b + 4)
    const indices = [...new Set(members.flatMap((j) => rows[j]!.indices))].sort((a, b) => a - b)
    return { members, indices }
  })
  const terms = blocks.reduce((sum, { indices }) => sum + indices.length, 0)
  const bytes = new ArrayBuffer(4 * (headerWords * blocks.length + termWords * terms))
  const words = new Uint32Array(bytes)
  const doubles = new Float64Array(bytes)
  let at = 0
  for (const { members, indices } of blocks) {
    words.fill(none, at, at + 4)
    words.set(members, at)
    words[at + 4] = indices.length
    at += headerWords
    const term = new Map(indices.map((index, i) => [index, at + termWords * i]))
    for (const [index, word] of term) words[word + 8] = index
    members.forEach((j, lane) => {
      const row = rows[j]!
      row.indices.forEach((index, i) => {
        doubles[term.get(index)! / 2 + lane] = row.values[i]!
      })
    })
    at += termWords * indices.length
  }
  return { bytes, blocks: blocks.length, terms, most: mostOf(rows) }
}

/** By the first index in which they differ. */
function compare(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
