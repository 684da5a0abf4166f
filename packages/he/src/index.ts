/**
 * `@glovebox/he`: homomorphic encryption without secrets — parameters, contexts, arithmetic, circuits, wire format.
 * What holds a secret key is apart, in `@glovebox/he/secret`.
 * @module
 */
export { ByteReader, ByteWriter } from './base/bytes.ts'
export { digest, equalBytes, fromHex, toHex } from './base/digest.ts'
export { type ErrorCode, GloveboxError } from './base/errors.ts'
export {
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameKind,
  type FrameOptions,
  frameOverhead,
  peekKind,
} from './base/frame.ts'
export { applyLinear, encodeLinear, type LinearTransform, planRotations } from './circuits/linear.ts'
export { type LinearPlan, planLinear } from './circuits/plan.ts'
export { createParams, type Params, type ParamsLiteral } from './params/params.ts'
export { countPrimes } from './params/primes.ts'
export { checkSecurity, type SecurityCheck, type SecurityTarget } from './params/security.ts'
export type { Ciphertext, Plaintext } from './rlwe/ciphertext.ts'
export type { Hoisted } from './rlwe/galois.ts'
export {
  conjugationElement,
  type EvaluationKeys,
  type PublicKey,
  rotationElement,
  type SwitchingKey,
} from './rlwe/keys.ts'
export { type ReplyOptions, readReply, replyBytes, writeReply } from './rlwe/reply.ts'
export { ciphertextBytes, switchingKeyBytes } from './rlwe/sizes.ts'
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
export { type Ckks, type EncodeOptions, type OpenOptions, openCkks } from './schemes/ckks/ckks.ts'
export type { ComplexSlots, Slots } from './schemes/ckks/encoder.ts'
