import type { Cell, InputStep } from '@glovebox/ml'
import { isPicture, type Picture, pixelsOf } from './picture.ts'

/**
 * One input: flat or nested arrays of numbers in row-major order, a typed array among them. Of a model that takes rows of data, the cells in the order of its
 * columns, or by their names; of one that takes texts, the text. Of one that takes pictures, a picture.
 */
export type Sample =
  | ArrayLike<number>
  | readonly Sample[]
  | readonly Cell[]
  | { readonly [column: string]: Cell }
  | Picture
  | string

/** What a model takes, and how pictures of bytes become that: byte · scale + offset. */
export interface SampleInput {
  /** Of the model's input; its product is the number of values of a sample. */
  readonly shape: readonly number[]
  /** For samples that are pixels. */
  readonly pixels: { readonly scale: number; readonly offset: number }
}

/** What a model takes, and what its client does first to get there. */
export interface PreparedInput extends SampleInput {
  /** None: a sample is what the model takes. */
  readonly before: readonly InputStep[]
}

/** How `flattenSample` reads a sample. */
export interface SampleOptions {
  /** The values are pixels from 0 to 255, to be scaled as the model says; otherwise they are taken as they are. */
  readonly pixels?: boolean
}

/** A sample as one flat array of the numbers that the model takes. Throws RangeError and TypeError that say what was expected. */
export function flattenSample(
  sample: Sample,
  input: SampleInput,
  options: SampleOptions = {},
  name = 'sample',
): Float64Array {
  if (isPicture(sample))
    return flattenSample(pixelsOf(sample, input.shape, name), input, { ...options, pixels: true }, name)
  const size = input.shape.reduce((product, n) => product * n, 1)
  const values = new Float64Array(size)
  const count = fill(values, 0, sample, name)
  if (count !== size)
    throw new RangeError(`"${name}" expected ${size} numbers (${input.shape.join('x')}), got ${count}`)
  if (options.pixels) {
    const { scale, offset } = input.pixels
    values.forEach((value, i) => {
      if (value < 0 || value > 255)
        throw new RangeError(`"${name}" expected pixels from 0 to 255, got a value outside at ${i}`)
      values[i] = value * scale + offset
    })
  }
  return values
}

/** Writes what fits and counts all, so that the error can say how many there were. */
function fill(values: Float64Array, at: number, sample: unknown, name: string): number {
  if (!isArrayLike(sample)) throw new TypeError(`"${name}" expected an array of numbers, got ${show(sample)}`)
  let next = at
  for (let i = 0; i < sample.length; i++) {
    const value = sample[i]
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw new RangeError(`"${name}" expected finite numbers, got ${value} at ${next}`)
      if (next < values.length) values[next] = value
      next++
    } else if (Array.isArray(value) || ArrayBuffer.isView(value)) {
      next = fill(values, next, value, name)
    } else {
      throw new TypeError(`"${name}" expected numbers, got ${show(value)} at ${next}`)
    }
  }
  return next
}

function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value)
}

function show(value: unknown): string {
  return value === null ? 'null' : typeof value
}

/** A sample of a model that prepares rows or texts, cell by cell. Throws TypeError and RangeError that name columns, never what they hold. */
export function cellsOf(sample: Sample, before: readonly InputStep[], name = 'sample'): Cell[] {
  if (typeof sample === 'string') return [sample]
  const [first] = before
  if (isRecord(sample)) {
    if (first?.op !== 'columns')
      throw new TypeError(`"${name}" expected an array, as this model does not name its columns`)
    const known = new Set(first.columns.map((column) => column.name))
    const unknown = Object.keys(sample).find((key) => !known.has(key))
    if (unknown !== undefined)
      throw new RangeError(`"${name}" has a column "${unknown}"; the model knows ${[...known].join(', ')}`)
    // Columns have the names that the server gave them: "constructor" is none of the sample's own.
    return first.columns.map(({ name }) => (Object.hasOwn(sample, name) ? (sample[name] ?? null) : null))
  }
  if (!isArrayLike(sample)) throw new TypeError(`"${name}" expected an array of cells, got ${show(sample)}`)
  return Array.from(sample as ArrayLike<Cell>)
}

function isRecord(value: unknown): value is { readonly [column: string]: Cell } {
  return value !== null && typeof value === 'object' && !isArrayLike(value)
}
