import { GloveboxError } from '../base/errors.ts'
import { requireArray } from '../base/require.ts'
import { scaleText } from '../base/shown.ts'
import { type Ciphertext, requireRing } from '../rlwe/ciphertext.ts'
import { sameScale } from '../schemes/ckks/same-scale.ts'
import { type Evaluator, requireEvaluator } from './evaluator.ts'
import { applyLinear, type LinearTransform, requireTransform } from './linear.ts'
import { applyMatrix, type MatrixTransform, requireMatrix } from './matrix.ts'
import { newScratch } from './scratch.ts'

/** Weights at the scale of their level take a ciphertext to the ladder one level below. */
function requireEncoded(
  evaluator: Evaluator,
  name: 'transform' | 'matrix',
  weights: LinearTransform | MatrixTransform,
): void {
  requireEvaluator(evaluator)
  if (name === 'matrix') requireMatrix(evaluator.ring, weights as MatrixTransform)
  else requireTransform(evaluator.ring, weights as LinearTransform)
  const { level, scale } = weights
  if (level === 0) {
    throw new GloveboxError(
      'level-exhausted',
      `"${name}" was encoded for level 0, and its product needs a level to be rescaled by: encode it for a higher one`,
    )
  }
  if (sameScale(scale, evaluator.ladder.at(level))) return
  throw new GloveboxError(
    'scale-mismatch',
    `"${name}" was encoded at level ${level} with a scale of ${scaleText(scale)}: give encode… the scale evaluator.ladder.at(${level})`,
  )
}

/**
 * A linear transform of the slots, one level below its own, which is 1 or more. Encode it with
 * `encodeLinear(ckks, diagonals, plan, { level, scale: evaluator.ladder.at(level) })`; the ciphertext is brought to that level. Needs the Galois keys of
 * `planRotations(plan)`.
 * @throws GloveboxError `level-exhausted` for a ciphertext below the level of the transform or a transform at level 0, `scale-mismatch` for a transform at
 * another scale, `missing-key`, `unsupported` for three parts, `parameters-mismatch` for a value of another context; TypeError for another kind.
 */
export function transformSlots(evaluator: Evaluator, ct: Ciphertext, transform: LinearTransform): Ciphertext {
  requireEncoded(evaluator, 'transform', transform)
  requireRing(evaluator.ring, 'ct', ct, 'ciphertext')
  const { ckks, keys } = evaluator
  using input = evaluator.bring(ct, transform.level)
  using product = applyLinear(ckks, input, transform, keys)
  return evaluator.bring(product, transform.level - 1)
}

/**
 * A matrix times a vector in `matrix.layout.inputs` ciphertexts, one level below its own, which is 1 or more, in `matrix.layout.outputs` of them. Encode it
 * with `encodeMatrix(ckks, rows, { level, scale: evaluator.ladder.at(level) })`. Needs the Galois keys of `matrix.rotations`.
 * @throws RangeError for another number of ciphertexts; GloveboxError `level-exhausted`, `scale-mismatch`, `missing-key`, `unsupported`,
 * `parameters-mismatch` and TypeError as {@link transformSlots}.
 */
export function multiplyMatrix(
  evaluator: Evaluator,
  inputs: readonly Ciphertext[],
  matrix: MatrixTransform,
): Ciphertext[] {
  requireEncoded(evaluator, 'matrix', matrix)
  requireArray('inputs', 'an array of ciphertexts', inputs)
  inputs.forEach((ct, i) => requireRing(evaluator.ring, `inputs[${i}]`, ct, 'ciphertext'))
  const { ckks, keys } = evaluator
  using scratch = newScratch()
  const there = inputs.map((ct) => scratch.keep(evaluator.bring(ct, matrix.level)))
  const products = applyMatrix(ckks, there, matrix, keys)
  for (const product of products) scratch.keep(product)
  const results = products.map((product) => scratch.keep(evaluator.bring(product, matrix.level - 1)))
  return results.map((result) => scratch.release(result))
}
