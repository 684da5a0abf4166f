import type { SparseMatrix } from '../tensor/sparse.ts'
import { type Layout, powerOfTwo } from './layout.ts'

/** Layouts of the input and output of a map whose rows look through windows. */
export interface WindowLayouts {
  readonly input: Layout
  readonly output: Layout
  readonly windows: number
  readonly taps: number
  readonly channels: number
  /** Whether every element has a slot. Elements that are in no window take free slots while there are some. */
  readonly complete: boolean
}

/**
 * Finds local structure in a map, whatever layer it came from: rows with the same columns share a window (the columns, ascending),
 * and their places in it are channels. A convolution has one window per position; a dense layer has one window in all.
 *
 * The input is laid out with tap t of window g in slot t·B + g, the output with channel c of window g in slot c·B + g, where B is the number of windows
 * as a power of two. Then only rotations by multiples of B are needed: at most as many as there are channels. An element is copied
 * into every window that it is in, which only the client can do: this is im2col.
 */
export function windowLayouts(matrix: SparseMatrix): WindowLayouts {
  const { windowOf, members, supports } = groupRows(matrix)
  const taps = supports.reduce((most, support) => Math.max(most, support.length), 1)
  const channels = members.reduce((most, rows) => Math.max(most, rows.length), 1)
  const stride = powerOfTwo(supports.length)
  const input = new Int32Array(powerOfTwo(taps) * stride).fill(-1)
  supports.forEach((support, g) => {
    support.forEach((column, t) => {
      input[t * stride + g] = column
    })
  })
  const placed = new Set(input)
  let free = 0
  let complete = true
  for (let element = 0; element < matrix.columns; element++) {
    if (placed.has(element)) continue
    while (free < input.length && input[free] !== -1) free++
    if (free < input.length) input[free] = element
    else complete = false
  }
  const output = new Int32Array(powerOfTwo(channels) * stride).fill(-1)
  members.forEach((rows, g) => {
    rows.forEach((row, c) => {
      output[c * stride + g] = row
    })
  })
  return {
    input: { size: matrix.columns, tiles: 1, period: input.length, elements: input },
    output: { size: windowOf.length, tiles: 1, period: output.length, elements: output },
    windows: supports.length,
    taps,
    channels,
    complete,
  }
}

/** Slots that the input takes, without making the layout. */
export function windowSlots(matrix: SparseMatrix): number {
  const { supports, members } = groupRows(matrix)
  const taps = supports.reduce((most, support) => Math.max(most, support.length), 1)
  const channels = members.reduce((most, rows) => Math.max(most, rows.length), 1)
  return powerOfTwo(supports.length) * powerOfTwo(Math.max(taps, channels))
}

interface Groups {
  readonly windowOf: Int32Array
  /** Rows of every window. */
  readonly members: readonly number[][]
  /** Columns of every window. */
  readonly supports: readonly Int32Array[]
}

function groupRows(matrix: SparseMatrix): Groups {
  const windowOf = new Int32Array(matrix.rows)
  const members: number[][] = []
  const supports: Int32Array[] = []
  const byHash = new Map<number, number[]>()
  for (let row = 0; row < matrix.rows; row++) {
    const support = matrix.index.subarray(matrix.start[row]!, matrix.start[row + 1]!)
    // FNV-1a; equal hashes are compared.
    const hash = support.reduce((h, column) => Math.imul(h ^ column, 0x01000193), 0x811c9dc5)
    const candidates = byHash.get(hash) ?? []
    let window = candidates.find((g) => sameColumns(supports[g]!, support))
    if (window === undefined) {
      window = supports.push(support) - 1
      members.push([])
      byHash.set(hash, [...candidates, window])
    }
    windowOf[row] = window
    members[window]!.push(row)
  }
  return { windowOf, members, supports }
}

function sameColumns(a: Int32Array, b: Int32Array): boolean {
  return a.length === b.length && a.every((column, i) => column === b[i])
}
