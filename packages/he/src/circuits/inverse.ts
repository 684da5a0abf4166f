import { GloveboxError } from '../base/errors.ts'
import { requireArrayLike, requireObject } from '../base/require.ts'
import { type Ciphertext, requireRing } from '../rlwe/ciphertext.ts'
import { type Evaluator, requireEvaluator } from './evaluator.ts'
import { requireFinite } from './polynomial.ts'
import { newScratch } from './scratch.ts'

/** What an inverse is wanted for. */
export interface InverseOptions {
  /** Where all values lie: [low, high], both positive or both negative, at most a factor of 2^40 apart. */
  readonly range: readonly [number, number]
  /** Bits of |1 - x y|, the relative error of the result y, from 1 to 40, not only whole ones; noise comes on top. */
  readonly precision: number
}

/** What an inverse over a range will take. */
export interface InversePlan {
  /** Iterations behind the first guess, 0 or more, two products each. */
  readonly iterations: number
  /** Levels at most: 2 and one for each iteration; 1 without any. */
  readonly depth: number
  /** The largest relative error over the range, without noise: from 0 to 2^-precision. */
  readonly error: number
  /** The first guess y = offset + slope x: positive or negative as the range is. */
  readonly offset: number
  /** See `offset`; always negative. */
  readonly slope: number
}

/**
 * The first guess is the line with the least |1 - x y| on the range: 1 - x y = T_2(t) / T_2(t_0), where t takes the range to [-1, 1] and 0 to t_0. Every
 * iteration squares that residual. Depends on the options only.
 * @throws RangeError for a range that holds 0, is empty or too wide, and a precision out of range; TypeError for what is no object or range.
 */
export function planInverse(options: InverseOptions): InversePlan {
  requireObject('options', '{ range, precision }', options)
  const { range, precision } = options
  requireArrayLike('range', '[low, high]', range)
  const [low, high] = range
  requireFinite('range[0]', low)
  requireFinite('range[1]', high)
  if (!(low <= high && (low > 0 || high < 0)))
    throw new RangeError(`"range" expected [low, high], both positive or both negative, got [${low}, ${high}]`)
  if (!(precision >= 1 && precision <= 40))
    throw new RangeError(`"precision" expected 1 to 40 bits, got ${String(precision)}`)
  // With c the centre and h half the width, T_2(t) = 2 ((x - c) / h)² - 1; divided by its value at 0 it is 1 - x y.
  const c = low / 2 + high / 2
  const r = (high / 2 - low / 2) / c
  const offset = 4 / (c * (2 - r * r))
  const slope = -2 / (c * c * (2 - r * r))
  const residual = (r * r) / (2 - r * r)
  const ratio = low > 0 ? high / low : low / high
  // Beyond, the residual comes to 1, and no iteration makes it smaller; noise grows as the square of the ratio.
  if (!(ratio <= 2 ** 40 && Math.abs(offset) < Infinity && Math.abs(slope) < Infinity && slope !== 0))
    throw new RangeError(
      `"range" expected a ratio of at most 2^40 between its ends, and ends whose squares are doubles, got [${low}, ${high}]`,
    )
  let iterations = 0
  let error = residual
  while (error > 2 ** -precision) {
    error *= error
    iterations++
  }
  return { iterations, depth: iterations === 0 ? 1 : 2 + iterations, error, offset, slope }
}

/**
 * 1/x in every slot, for values in a range away from 0: Goldschmidt's iteration from the best line. y_0 = offset + slope x, e_0 = 1 - x y_0, y_(i+1) = y_i
 * (1 + e_i), e_(i+1) = e_i². Goldschmidt 1964; Cheon, Kim, Kim, Lee, Lee 2019 (eprint 2019/417), section 3.1. Takes `planInverse(options).depth` levels: 7
 * for [1/16, 1] at 20 bits. Needs the relinearisation key. Slots outside the range hold anything, the empty ones too; noise grows with 1/low.
 * @throws RangeError as {@link planInverse}; GloveboxError `level-exhausted` with the number of levels that are needed, `missing-key` and `unsupported` for
 * three parts where there are iterations, `parameters-mismatch` for a value of another context; TypeError for another kind.
 */
export function inverse(evaluator: Evaluator, ct: Ciphertext, options: InverseOptions): Ciphertext {
  requireEvaluator(evaluator)
  requireRing(evaluator.ring, 'ct', ct, 'ciphertext')
  const { iterations, depth, offset, slope } = planInverse(options)
  if (ct.level < depth) {
    throw new GloveboxError(
      'level-exhausted',
      `the inverse over [${options.range.join(', ')}] at ${options.precision} bits needs ${depth} levels, and the ciphertext is at level ${ct.level}: ` +
        'ask for a narrower range or fewer bits, or use more primes in "modulusBits"',
    )
  }
  using scratch = newScratch()
  const { keep } = scratch
  let y = keep(evaluator.add(keep(evaluator.multiply(ct, slope)), offset))
  if (iterations === 0) return scratch.release(y)
  let e = keep(evaluator.add(keep(evaluator.negate(keep(evaluator.multiply(ct, y)))), 1))
  for (let i = 0; i < iterations; i++) {
    y = keep(evaluator.multiply(y, keep(evaluator.add(e, 1))))
    if (i + 1 < iterations) e = keep(evaluator.square(e))
  }
  return scratch.release(y)
}
