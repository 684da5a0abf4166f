import { requireArrayLike, requireObject } from '../base/require.ts'
import type { Slots } from '../schemes/ckks/encoder.ts'

/** Correct bits after the point over all slots: -log2 of the absolute error, at most 53; -Infinity for a slot that is not finite. */
export interface PrecisionStatistics {
  /** The worst slot's, in bits. */
  readonly min: number
  /** The best slot's, in bits. */
  readonly max: number
  /** Over all slots, in bits. */
  readonly mean: number
  /** Over all slots, in bits. */
  readonly median: number
  /** Index of the worst slot, from 0; the first of several. */
  readonly worst: number
}

/** What was computed, held against what should have come out. */
export interface PrecisionReport {
  /** How many were compared, 1 or more: those of `got`. */
  readonly slots: number
  /** Of the real parts. */
  readonly real: PrecisionStatistics
  /** Of the imaginary parts. */
  readonly imaginary: PrecisionStatistics
  /** A small table: bits with two decimals, real and imaginary. */
  toString(): string
}

/** What a slot without any error counts as: about what a double holds. */
const exact = 53

function statistics(expected: ArrayLike<number>, got: ArrayLike<number>, count: number): PrecisionStatistics {
  const bits = Float64Array.from({ length: count }, (_, i) => {
    const error = Math.abs((expected[i] ?? 0) - (got[i] ?? 0))
    // NaN and infinities are no bits at all.
    return Number.isFinite(error) ? Math.min(exact, -Math.log2(error)) : -Infinity
  })
  const sorted = bits.slice().sort()
  const half = count >> 1
  return {
    min: sorted[0]!,
    max: sorted[count - 1]!,
    mean: bits.reduce((sum, b) => sum + b, 0) / count,
    median: count % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2,
    worst: bits.indexOf(sorted[0]!),
  }
}

/**
 * How many bits after the point are right: smallest, largest, mean and median over the slots, real and imaginary parts apart. A slot that is exactly right,
 * and an error below 2^-53, count as 53 bits. Slots beyond the end of `expected` should be 0 when `got` has more.
 * @throws RangeError where `got` has fewer slots than `expected`, both have none, or real and imaginary parts differ in length; TypeError for what is no
 * array of numbers or `{ re, im }`.
 */
export function precision(expected: Slots, got: Slots): PrecisionReport {
  const [a, b] = [complex('expected', expected), complex('got', got)]
  const slots = b.re.length
  if (slots === 0 || a.re.length > slots)
    throw new RangeError(`"got" expected at least the ${Math.max(1, a.re.length)} slots of "expected", got ${slots}`)
  const real = statistics(a.re, b.re, slots)
  const imaginary = statistics(a.im, b.im, slots)
  return {
    slots,
    real,
    imaginary,
    toString() {
      const columns = ['min', 'mean', 'median', 'max'] as const
      const cell = (text: string): string => text.padStart(8)
      const row = (name: string, s: PrecisionStatistics): string =>
        `${name.padEnd(10)}${columns.map((c) => cell(s[c].toFixed(2))).join('')}  slot ${s.worst}`
      return [
        `${'bits'.padEnd(10)}${columns.map(cell).join('')}  worst`,
        row('real', real),
        row('imaginary', imaginary),
      ].join('\n')
    },
  }
}

function complex(name: string, values: Slots): { re: ArrayLike<number>; im: ArrayLike<number> } {
  requireObject(name, 'an array of numbers or {re, im}', values)
  const { re, im } = 're' in values ? values : { re: values, im: [] }
  requireArrayLike(name, 'an array of numbers or {re, im}', re)
  requireArrayLike(`${name}.im`, 'an array of numbers', im)
  if ('re' in values && im.length !== re.length)
    throw new RangeError(`"${name}" expected as many imaginary as real parts, got ${re.length} and ${im.length}`)
  return { re, im }
}
