import { createHash } from 'node:crypto'
import { createField } from '../field/field.ts'
import { createProductTree } from '../field/product-tree.ts'
import { type LabelParams, labelFelts } from '../hashing/label.ts'
import { type TagParams, writeFelts } from '../hashing/tag.ts'

/** What of the parameters rows are made by: plain, so that threads take it. */
export interface RowParams extends TagParams, LabelParams {
  readonly t: number
  /** Coefficients of a polynomial. */
  readonly coefficients: number
  readonly itemsPerBin: number
}

/** Members of rows, row after row. */
export interface RowJob {
  readonly ids: Float64Array
  /** Items of each row. */
  readonly counts: Uint32Array
  /** 4 words of each item: the first 16 bytes of its tag. */
  readonly words: Uint32Array
  /** Encrypted labels of the items; empty for none. */
  readonly labels: Uint8Array
}

export interface MadeRows {
  /** Of every row as `Row` has them. */
  readonly coefficients: Uint32Array
  /** Of every row 32 bytes. */
  readonly digests: Uint8Array
}

export type RowMaker = (job: RowJob) => MadeRows

export function rowParams(params: RowParams): RowParams {
  const { feltsPerItem, feltBits, prefixBits, bins, labelBytes, labelPolynomials, t, coefficients, itemsPerBin } =
    params
  return { feltsPerItem, feltBits, prefixBits, bins, labelBytes, labelPolynomials, t, coefficients, itemsPerBin }
}

/** Values of a row's coefficients: [polynomial][felt][degree]. */
export function rowLength({ feltsPerItem, labelPolynomials, coefficients }: RowParams): number {
  return (1 + labelPolynomials) * feltsPerItem * coefficients
}

/** SHA-256 of a row's id, as a double, and its coefficients, both little-endian. */
export function rowDigest(id: number, coefficients: Uint32Array): Uint8Array {
  return createHash('sha256')
    .update(new Uint8Array(Float64Array.of(id).buffer))
    .update(bytesOf(coefficients))
    .digest()
}

export function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Makes the polynomials of rows. */
export function createRowMaker(params: RowParams): RowMaker {
  const { feltsPerItem: k, labelPolynomials, labelBytes, coefficients: length, itemsPerBin } = params
  const tree = createProductTree(createField(params.t), itemsPerBin)
  const points = new Uint32Array(k * itemsPerBin)
  const values = new Uint32Array(labelPolynomials * k * itemsPerBin)
  const felts = new Uint32Array(k)

  function makeRow({ words, labels }: RowJob, from: number, items: number, out: Uint32Array, at: number): void {
    for (let i = 0; i < items; i++) {
      writeFelts(params, words, 4 * (from + i), felts, 0)
      for (let j = 0; j < k; j++) points[j * itemsPerBin + i] = felts[j]!
      if (labelPolynomials === 0) continue
      const label = labelFelts(params, labels.subarray((from + i) * labelBytes, (from + i + 1) * labelBytes))
      for (let j = 0; j < label.length; j++) values[j * itemsPerBin + i] = label[j]!
    }
    for (let j = 0; j < k; j++) {
      tree.load(points, j * itemsPerBin, items)
      tree.matching(out, at + j * length)
      for (let p = 0; p < labelPolynomials; p++)
        tree.interpolate(values, (p * k + j) * itemsPerBin, out, at + ((1 + p) * k + j) * length)
    }
  }

  return (job) => {
    const size = rowLength(params)
    const coefficients = new Uint32Array(job.ids.length * size)
    const digests = new Uint8Array(job.ids.length * 32)
    for (let row = 0, from = 0; row < job.ids.length; row++) {
      const items = job.counts[row]!
      makeRow(job, from, items, coefficients, row * size)
      digests.set(rowDigest(job.ids[row]!, coefficients.subarray(row * size, (row + 1) * size)), row * 32)
      from += items
    }
    return { coefficients, digests }
  }
}
