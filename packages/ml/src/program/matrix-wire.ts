import type { ByteReader, ByteWriter } from '@glovebox/he'
import { z } from 'zod'
import type { SparseMatrix } from '../tensor/sparse.ts'
import { readNumbers } from './wire.ts'

/** Size of a matrix, and of what follows behind the header: of a dense one no indices. */
export interface MatrixForm {
  readonly rows: number
  readonly columns: number
  readonly entries: number
  readonly dense: boolean
}

const dimension = z
  .number()
  .int()
  .min(1)
  .max(2 ** 24)

export const matrixSchema: z.ZodType<MatrixForm> = z.object({
  rows: dimension,
  columns: dimension,
  entries: z
    .number()
    .int()
    .min(0)
    .max(2 ** 25),
  dense: z.boolean(),
})

/** Ends of the rows and columns of the entries, u32 each; nothing for a dense matrix. */
export function writeIndices(writer: ByteWriter, matrix: SparseMatrix): void {
  if (matrix.value.length === matrix.rows * matrix.columns) return
  for (let row = 1; row <= matrix.rows; row++) writer.u32(matrix.start[row]!)
  for (const column of matrix.index) writer.u32(column)
}

/** Reads a matrix and checks its structure. */
export function readSparse(
  body: ByteReader,
  name: string,
  { rows, columns, entries, dense }: MatrixForm,
  width: 4 | 8,
): SparseMatrix {
  const field = `matrix of ${name}`
  if (dense !== (entries === rows * columns)) throw body.malformed(field, 'as many entries as it is dense', entries)
  if (dense) {
    // First what bounds the sizes: that the numbers are there.
    const value = readNumbers(body, field, entries, width)
    const start = Int32Array.from({ length: rows + 1 }, (_, row) => row * columns)
    return { rows, columns, start, index: Int32Array.from(value, (_, k) => k % columns), value }
  }
  const ends = readIntegers(body, field, rows, entries)
  const start = new Int32Array(rows + 1)
  start.set(ends, 1)
  const index = readIntegers(body, field, entries, columns - 1)
  for (let row = 0; row < rows; row++) {
    const [first, end] = [start[row]!, start[row + 1]!]
    if (end < first) throw body.malformed(field, 'rows one after the other', end)
    for (let k = first + 1; k < end; k++)
      if (index[k]! <= index[k - 1]!) throw body.malformed(field, 'ascending columns', index[k]!)
  }
  if (start[rows] !== entries) throw body.malformed(field, `${entries} entries`, start[rows]!)
  return { rows, columns, start, index, value: readNumbers(body, field, entries, width) }
}

function readIntegers(body: ByteReader, field: string, count: number, most: number): Int32Array {
  const bytes = body.slice(4 * count, field)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const value = view.getUint32(4 * i, true)
    if (value > most) throw body.malformed(field, `integers up to ${most}`, value)
    values[i] = value
  }
  return values
}
