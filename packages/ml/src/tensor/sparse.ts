import { GloveboxError } from '@glovebox/he'

/**
 * A sparse matrix by rows (CSR): row r has the entries start[r] to start[r+1]-1, their columns ascending and distinct.
 * Entries may be 0: the pattern is the structure of the layer, which layouts are chosen by, not of its weights.
 */
export interface SparseMatrix {
  /** Number of rows. */
  readonly rows: number
  /** Number of columns. */
  readonly columns: number
  /** Where each row begins among the entries; one more at the end. */
  readonly start: Int32Array
  /** The column of each entry. */
  readonly index: Int32Array
  /** The number of each entry. */
  readonly value: Float64Array
}

/** 2^25 entries take 400 MB while they are built; more is a mistake or an attack. */
const maxEntries = 2 ** 25

/** Builds row after row; entries added twice are summed. Throws GloveboxError `too-large`. */
export function buildSparse(
  rows: number,
  columns: number,
  fill: (row: number, add: (column: number, value: number) => void) => void,
): SparseMatrix {
  requireEntries(Math.max(rows, columns))
  const start = new Int32Array(rows + 1)
  const sums = new Float64Array(columns)
  const seenIn = new Int32Array(columns).fill(-1)
  const touched = new Int32Array(columns)
  let index = new Int32Array(1024)
  let value = new Float64Array(1024)
  let row = 0
  let count = 0
  const add = (column: number, v: number): void => {
    if (seenIn[column] === row) {
      sums[column]! += v
    } else {
      seenIn[column] = row
      sums[column] = v
      touched[count++] = column
    }
  }
  for (let used = 0; row < rows; row++) {
    count = 0
    fill(row, add)
    if (used + count > index.length) {
      requireEntries(used + count)
      const capacity = Math.max(used + count, 2 * index.length)
      index = grow(index, new Int32Array(capacity))
      value = grow(value, new Float64Array(capacity))
    }
    touched.subarray(0, count).sort()
    for (let k = 0; k < count; k++, used++) {
      index[used] = touched[k]!
      value[used] = sums[touched[k]!]!
    }
    start[row + 1] = used
  }
  const used = start[rows]!
  return { rows, columns, start, index: index.slice(0, used), value: value.slice(0, used) }
}

function grow<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

function requireEntries(count: number): void {
  if (count > maxEntries) {
    throw new GloveboxError(
      'too-large',
      `a layer has ${count} weights or elements; at most ${maxEntries} are supported`,
    )
  }
}

/** Row i picks element `picks[i]` times `factor(i)`; a pick of -1 gives an empty row. */
export function pickMatrix(picks: Int32Array, columns: number, factor: (i: number) => number = () => 1): SparseMatrix {
  return buildSparse(picks.length, columns, (row, add) => {
    if (picks[row]! >= 0) add(picks[row]!, factor(row))
  })
}

export function identityMatrix(size: number): SparseMatrix {
  return pickMatrix(
    Int32Array.from({ length: size }, (_, i) => i),
    size,
  )
}

/** outer · inner. */
export function multiplyMatrices(outer: SparseMatrix, inner: SparseMatrix): SparseMatrix {
  return buildSparse(outer.rows, inner.columns, (row, add) => {
    for (let k = outer.start[row]!; k < outer.start[row + 1]!; k++) {
      const middle = outer.index[k]!
      const w = outer.value[k]!
      for (let j = inner.start[middle]!; j < inner.start[middle + 1]!; j++) add(inner.index[j]!, w * inner.value[j]!)
    }
  })
}

export function addMatrices(a: SparseMatrix, b: SparseMatrix): SparseMatrix {
  return buildSparse(a.rows, a.columns, (row, add) => {
    for (const m of [a, b]) for (let k = m.start[row]!; k < m.start[row + 1]!; k++) add(m.index[k]!, m.value[k]!)
  })
}

export function isIdentity(m: SparseMatrix): boolean {
  return isDiagonal(m) && m.value.every((v) => v === 1)
}

/** Whether every row has its own column and nothing else. */
export function isDiagonal(m: SparseMatrix): boolean {
  return m.rows === m.columns && m.value.length === m.rows && m.index.every((c, i) => c === i && m.start[i] === i)
}

/** matrix · x for one vector. */
export function multiplyVector(m: SparseMatrix, x: Float64Array): Float64Array {
  const out = new Float64Array(m.rows)
  for (let row = 0; row < m.rows; row++) {
    let sum = 0
    for (let k = m.start[row]!; k < m.start[row + 1]!; k++) sum += m.value[k]! * x[m.index[k]!]!
    out[row] = sum
  }
  return out
}
