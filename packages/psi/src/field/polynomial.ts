import { type Field, reduceBy } from './field.ts'

// Polynomials are runs of coefficients in typed arrays, constant first, at an offset.

/** A run of elements within an array. */
export interface Run {
  readonly array: Float64Array
  readonly at: number
  readonly length: number
}

/**
 * Adds to `out` the product of a and b, unreduced: every value of `out` grows by min(a.length, b.length) products of elements, which the caller has
 * room for (`Field.lazy`). Four coefficients of a in a pass.
 */
export function addProduct(
  out: Float64Array,
  at: number,
  { array: a, at: aAt, length: n }: Run,
  { array: b, at: bAt, length: m }: Run,
): void {
  let i = 0
  for (; i + 4 <= n; i += 4) {
    const [a0, a1, a2, a3] = [a[aAt + i]!, a[aAt + i + 1]!, a[aAt + i + 2]!, a[aAt + i + 3]!]
    let [b1, b2, b3] = [0, 0, 0]
    const o = at + i
    for (let j = 0; j < m; j++) {
      const b0 = b[bAt + j]!
      out[o + j] = out[o + j]! + a0 * b0 + a1 * b1 + (a2 * b2 + a3 * b3)
      b3 = b2
      b2 = b1
      b1 = b0
    }
    out[o + m] = out[o + m]! + a1 * b1 + a2 * b2 + a3 * b3
    out[o + m + 1] = out[o + m + 1]! + a2 * b1 + a3 * b2
    out[o + m + 2] = out[o + m + 2]! + a3 * b1
  }
  for (; i < n; i++) {
    const a0 = a[aAt + i]!
    for (let j = 0; j < m; j++) out[at + i + j] = out[at + i + j]! + a0 * b[bAt + j]!
  }
}

/** Reduces `count` values from 0 to 2^53 - 1 modulo t. */
export function reduceRun({ t, inverse }: Field, values: Float64Array, at: number, count: number): void {
  for (let i = at; i < at + count; i++) values[i] = reduceBy(t, inverse, values[i]!)
}

/** Adds the product of a and b to the elements of `out` and reduces: for any lengths, with as few reductions as the field allows. */
export function multiplyInto(field: Field, out: Float64Array, at: number, a: Run, b: Run): void {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  for (let i = 0; i < short.length; i += field.lazy) {
    const part = { array: short.array, at: short.at + i, length: Math.min(field.lazy, short.length - i) }
    addProduct(out, at + i, part, long)
    reduceRun(field, out, at + i, part.length + long.length - 1)
  }
}

/** The polynomial's value at an element x, by Horner's rule. */
export function evaluate({ t, inverse }: Field, coefficients: ArrayLike<number>, x: number): number {
  let value = 0
  for (let i = coefficients.length - 1; i >= 0; i--) value = reduceBy(t, inverse, value * x + coefficients[i]!)
  return value
}

/** Coefficients that `evaluateAll` adds up before it multiplies by a power of x. */
const baby = 16

/**
 * The values at `count` points: powers of x up to the 16th, and Horner's rule on the 16th (Paterson and Stockmeyer, On the number of nonscalar
 * multiplications necessary to evaluate polynomials, 1973).
 */
export function evaluateAll(
  { t, inverse, lazy }: Field,
  { array, at, length }: Run,
  points: Float64Array,
  count: number,
  out: Float64Array,
): void {
  const step = Math.min(baby, lazy)
  const powers = new Float64Array(step)
  const giants = Math.ceil(length / step)
  for (let i = 0; i < count; i++) {
    const x = points[i]!
    let xStep = 1 % t
    for (let j = 0; j < step; j++) {
      powers[j] = xStep
      xStep = reduceBy(t, inverse, xStep * x)
    }
    let value = 0
    for (let g = giants - 1; g >= 0; g--) {
      const start = at + g * step
      const end = Math.min(step, length - g * step)
      let sum = 0
      for (let j = 0; j < end; j++) sum += powers[j]! * array[start + j]!
      value = reduceBy(t, inverse, reduceBy(t, inverse, value * xStep) + reduceBy(t, inverse, sum))
    }
    out[i] = value
  }
}
