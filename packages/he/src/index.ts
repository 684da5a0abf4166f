/**
 * `@glovebox/he`: homomorphic encryption without secrets — parameters, contexts, arithmetic, circuits, wire format.
 * What holds a secret key is apart, in `@glovebox/he/secret`.
 *
 * With `DEBUG=glovebox:*` (Node) or `localStorage.debug = 'glovebox:*'` (browsers) contexts that are opened print a line for every operation: levels,
 * scales and time, and nothing secret.
 * @packageDocumentation
 */
import './base/disposal.ts'

export { ByteReader, ByteWriter } from './base/bytes.ts'
export { digest, digestAsync, equalBytes, fromHex, toHex } from './base/digest.ts'
export { type ErrorCode, GloveboxError } from './base/errors.ts'
export {
  decodeFrame,
  encodeFrame,
  encodeFrameAsync,
  type Frame,
  type FrameKind,
  type FrameOptions,
  frameOverhead,
  peekKind,
} from './base/frame.ts'
export { createScope, type Scope } from './base/scope.ts'
export { type Approximation, chebyshevInterpolation } from './circuits/chebyshev.ts'
export type { CombinationRow } from './circuits/combination-plan.ts'
export { absolute, compare, maximum, minimum, relu, sign, step } from './circuits/compare.ts'
export { evaluatePolynomial, evaluatePolynomials } from './circuits/evaluate-polynomial.ts'
export { createEvaluator, type Evaluator, type EvaluatorOptions, type Operand } from './circuits/evaluator.ts'
export { type InverseOptions, type InversePlan, inverse, planInverse } from './circuits/inverse.ts'
export { applyLinear, encodeLinear, type LinearTransform } from './circuits/linear.ts'
export { type CombinationOptions, linearCombinations } from './circuits/linear-combinations.ts'
export { applyMatrix, encodeMatrix, type MatrixOptions, type MatrixTransform } from './circuits/matrix.ts'
export { type MatrixLayout, matrixLayout } from './circuits/matrix-layout.ts'
export { type LinearPlan, planLinear, planRotations, type RotationWork, rotationWork } from './circuits/plan.ts'
export { type Polynomial, polynomialAt, polynomialDepth } from './circuits/polynomial.ts'
export { type PrecisionReport, type PrecisionStatistics, precision } from './circuits/precision.ts'
export { composeSign, type SignComposition, type SignOptions } from './circuits/sign-composition.ts'
export {
  average,
  blockRotations,
  innerProduct,
  type KeyedContext,
  mask,
  replicate,
  replicateRotations,
  replicateSlot,
  replicateSlotRotations,
  sumBlocks,
  sumRotations,
  sumSlots,
} from './circuits/sums.ts'
export { multiplyMatrix, transformSlots } from './circuits/transform.ts'
export { encodeWeights, multiplySum, type WeightRow } from './circuits/weights.ts'
export type { BfvPreset, BfvPresetOptions } from './params/bfv-preset.ts'
export type { PresetPrecision } from './params/ckks-precision.ts'
export type { CkksPreset, CkksPresetOptions } from './params/ckks-preset.ts'
export {
  type KeySwitchingChoice,
  type KeySwitchingEstimate,
  type KeySwitchingOptions,
  type KeySwitchingPlan,
  planKeySwitching,
} from './params/key-switching.ts'
export {
  countKeySwitch,
  type KeySwitchingCounts,
} from './params/key-switching-cost.ts'
export { createParams, type Params, type ParamsLiteral } from './params/params.ts'
export { formatPresets, presets } from './params/preset-table.ts'
export { planPreset, preset } from './params/presets.ts'
export { countPrimes } from './params/primes.ts'
export {
  checkSecurity,
  type SecurityCheck,
  type SecurityLimit,
  type SecurityTarget,
  securityLimits,
} from './params/security.ts'
export {
  formatSecurity,
  type SecurityMargin,
  type SecurityOptions,
  type SecurityReport,
  type SecurityRow,
  security,
} from './params/security-report.ts'
export type { Interrupt } from './ring/interrupt.ts'
export type { MemoryUse } from './ring/ring.ts'
export type { Ciphertext, Plaintext } from './rlwe/ciphertext.ts'
export { maskWith } from './rlwe/encrypt-public.ts'
export type { Hoisted } from './rlwe/galois.ts'
export { type KeyNeeds, type KeyPlan, mergeKeyPlans, planKeys } from './rlwe/key-plan.ts'
export {
  conjugationElement,
  type EvaluationKeys,
  type PublicKey,
  rotationElement,
  type SwitchingKey,
} from './rlwe/keys.ts'
export { type ReplyOptions, readReply, replyBytes, writeReply } from './rlwe/reply.ts'
export { ciphertextBytes, switchingKeyBytes, switchingKeyMemory } from './rlwe/sizes.ts'
export type { Weights } from './rlwe/weights.ts'
export {
  type DecodeOptions,
  decodeCiphertext,
  decodeEvaluationKeys,
  decodePublicKey,
  encodeCiphertext,
  encodeEvaluationKeys,
  encodePublicKey,
  readCiphertext,
  readEvaluationKeys,
  writeCiphertext,
  writeEvaluationKeys,
} from './rlwe/wire.ts'
export { type Bfv, openBfv } from './schemes/bfv/bfv.ts'
export { bfvDefault } from './schemes/bfv/defaults.ts'
export { type Bgv, openBgv } from './schemes/bgv/bgv.ts'
export { errorBounds } from './schemes/ckks/bound.ts'
export { type Ckks, type EncodeOptions, openCkks } from './schemes/ckks/ckks.ts'
export type { ComplexSlots, Slots } from './schemes/ckks/encoder.ts'
export type { Bound, BoundOptions, ErrorBounds, LinearBound, LinearSteps } from './schemes/ckks/error-bounds.ts'
export { type LadderOptions, type ScaleLadder, scaleLadder } from './schemes/ckks/scales.ts'
export type { Context, OpenOptions } from './schemes/context.ts'
export type { IntegerDecodeOptions, Integers } from './schemes/integer/encoder.ts'
export { plaintextModulus } from './schemes/integer/plain-modulus.ts'
export { replyBits } from './schemes/integer/reply-bits.ts'
export type {
  IntegerEncodeOptions,
  IntegerScheme,
  IntegerWeightRow,
  IntegerWeightsOptions,
} from './schemes/integer/scheme.ts'
