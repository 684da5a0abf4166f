import { GloveboxError } from '../base/errors.ts'
import { type Ciphertext, requireRing } from '../rlwe/ciphertext.ts'
import { evaluatePolynomial } from './evaluate-polynomial.ts'
import { type Evaluator, requireEvaluator } from './evaluator.ts'
import { newScratch } from './scratch.ts'
import type { SignComposition } from './sign-composition.ts'

// All circuits of this file take values x, or differences a - b, in [-range, range] of the composition; what is outside gives numbers of any size. They
// need the relinearisation key, and throw GloveboxError `level-exhausted` with the number of levels that are needed.

function requireDepth(
  evaluator: Evaluator,
  ct: Ciphertext,
  composition: SignComposition,
  more: number,
  what: string,
): void {
  requireEvaluator(evaluator)
  requireRing(evaluator.ring, 'x', ct, 'ciphertext')
  if (!Array.isArray(composition?.stages) || !Number.isInteger(composition.depth))
    throw new TypeError(
      `"composition" expected what composeSign makes, got ${composition === null ? 'null' : typeof composition}`,
    )
  const needed = composition.depth + more + (evaluator.ladder.holds(ct) ? 0 : 1)
  if (ct.level >= needed) return
  throw new GloveboxError(
    'level-exhausted',
    `${what} needs ${needed} levels, and the ciphertext is at level ${ct.level}: compose the sign for fewer bits, or use more primes in "modulusBits"`,
  )
}

/** The stages one after the other, the last one as `factor` p(x) + `offset`. */
function compose(
  evaluator: Evaluator,
  ct: Ciphertext,
  { stages }: SignComposition,
  factor: number,
  offset: number,
): Ciphertext {
  using scratch = newScratch()
  let value = ct
  stages.forEach((polynomial, i) => {
    const last = i === stages.length - 1
    const coefficients = Array.from(polynomial.coefficients, (c, k) => (k === 0 ? offset : factor * c))
    value = scratch.keep(evaluatePolynomial(evaluator, value, last ? { ...polynomial, coefficients } : polynomial))
  })
  return scratch.release(value)
}

/**
 * -1 or 1 in every slot, within `composition.error`, where |x| is from range * 2^-α to range; for smaller |x| something between, for greater ones numbers
 * of any size. `composition.depth` levels. Needs the relinearisation key.
 * @throws GloveboxError `level-exhausted` with the number of levels that are needed (one more off the ladder), `missing-key` without relinearisation key,
 * `unsupported` for three parts, `parameters-mismatch` for a value of another context; TypeError for another kind.
 */
export function sign(evaluator: Evaluator, x: Ciphertext, composition: SignComposition): Ciphertext {
  requireDepth(evaluator, x, composition, 0, 'the sign')
  return compose(evaluator, x, composition, 1, 0)
}

/**
 * 0 for negative and 1 for positive slots, within half of `composition.error`; otherwise as {@link sign}.
 * @throws GloveboxError `level-exhausted`, `missing-key`, `unsupported`, `parameters-mismatch` and TypeError as {@link sign}.
 */
export function step(evaluator: Evaluator, x: Ciphertext, composition: SignComposition): Ciphertext {
  requireDepth(evaluator, x, composition, 0, 'the step')
  return compose(evaluator, x, composition, 0.5, 0.5)
}

/**
 * 1 where a > b, 0 where a < b, within half of `composition.error`, and something between where they differ by less than range * 2^-α. |a - b| is at most
 * range. `composition.depth` levels below the lower of them; otherwise as {@link sign}.
 * @throws GloveboxError `level-exhausted`, `missing-key`, `unsupported`, `parameters-mismatch` and TypeError as {@link sign}; RangeError for a number that
 * is not finite.
 */
export function compare(
  evaluator: Evaluator,
  a: Ciphertext,
  b: Ciphertext | number,
  composition: SignComposition,
): Ciphertext {
  requireEvaluator(evaluator)
  using difference = evaluator.subtract(a, b)
  return step(evaluator, difference, composition)
}

/**
 * max(x, 0) in every slot, within range * 2^-α. `composition.depth + 1` levels; otherwise as {@link sign}.
 * @throws GloveboxError `level-exhausted`, `missing-key`, `unsupported`, `parameters-mismatch` and TypeError as {@link sign}.
 */
export function relu(evaluator: Evaluator, x: Ciphertext, composition: SignComposition): Ciphertext {
  requireDepth(evaluator, x, composition, 1, 'max(x, 0)')
  using positive = step(evaluator, x, composition)
  return evaluator.multiply(x, positive)
}

/**
 * |x| in every slot, within range * 2^-α. `composition.depth + 1` levels; otherwise as {@link sign}.
 * @throws GloveboxError `level-exhausted`, `missing-key`, `unsupported`, `parameters-mismatch` and TypeError as {@link sign}.
 */
export function absolute(evaluator: Evaluator, x: Ciphertext, composition: SignComposition): Ciphertext {
  requireDepth(evaluator, x, composition, 1, 'the absolute value')
  using direction = sign(evaluator, x, composition)
  return evaluator.multiply(x, direction)
}

/**
 * The greater of a and b in every slot, within range * 2^-α. |a - b| is at most range. `composition.depth + 1` levels below the lower of them; otherwise as
 * {@link sign}.
 * @throws GloveboxError `level-exhausted`, `missing-key`, `unsupported`, `parameters-mismatch` and TypeError as {@link sign}; RangeError for a number that
 * is not finite.
 */
export function maximum(
  evaluator: Evaluator,
  a: Ciphertext,
  b: Ciphertext | number,
  composition: SignComposition,
): Ciphertext {
  requireEvaluator(evaluator)
  using difference = evaluator.subtract(a, b)
  using over = relu(evaluator, difference, composition)
  return evaluator.add(over, b)
}

/**
 * The smaller of a and b in every slot, within range * 2^-α. |a - b| is at most range. `composition.depth + 1` levels below the lower of them; otherwise as
 * {@link sign}.
 * @throws GloveboxError `level-exhausted`, `missing-key`, `unsupported`, `parameters-mismatch` and TypeError as {@link sign}; RangeError for a number that
 * is not finite.
 */
export function minimum(
  evaluator: Evaluator,
  a: Ciphertext,
  b: Ciphertext | number,
  composition: SignComposition,
): Ciphertext {
  requireEvaluator(evaluator)
  using difference = evaluator.subtract(a, b)
  using over = relu(evaluator, difference, composition)
  return evaluator.subtract(a, over)
}
