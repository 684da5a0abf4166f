/**
 * `@glovebox/he/secret`: all that holds, makes or needs a secret key. The server package may not import it.
 * @packageDocumentation
 */

import './base/disposal.ts'
import { decrypt as decryptPlain } from './rlwe/decrypt.ts'
import { encryptSymmetric as encryptPlain } from './rlwe/encrypt-symmetric.ts'
import * as keygen from './rlwe/keygen.ts'
import { createSecretKey as createSecret } from './rlwe/secret-key.ts'
import { tracedFunction } from './schemes/trace.ts'

/**
 * c_0 + c_1 s (+ c_2 s^2) as a plaintext of the ciphertext's level and scale, to be decoded by the scheme; wiped when it is disposed. The result of an
 * approximate scheme carries the noise, and the noise tells about the key: never give decrypted values back to whoever computed on the ciphertext (Li
 * and Micciancio 2021, eprint 2020/1533; see SECURITY.md).
 * @throws TypeError for values of another kind; GloveboxError `parameters-mismatch` for values of another context, `disposed` for those disposed of.
 */
export const decrypt: typeof decryptPlain = tracedFunction('secret', 'decrypt', decryptPlain)
/**
 * Encrypts under the secret key, at the plaintext's level and scale: (-a s + e + m, a) with a expanded from a fresh public seed of 32 bytes (ChaCha20,
 * RFC 8439), so that the ciphertext is sent at half its size. Noise: one centred binomial, sigma 3.24 a coefficient, as HES 1.0 (2018) has it.
 * @throws TypeError for values of another kind; GloveboxError `parameters-mismatch` for values of another context, `disposed` for those disposed of.
 */
export const encryptSymmetric: typeof encryptPlain = tracedFunction('secret', 'encryptSymmetric', encryptPlain)
/**
 * A fresh secret key, N coefficients uniform in -1, 0 and 1, from the platform's secure generator (Web Cryptography API, getRandomValues). Its memory
 * is wiped when it is disposed or collected.
 * @throws GloveboxError `disposed` for a context disposed of, `out-of-memory` where its memory cannot grow.
 */
export const createSecretKey: typeof createSecret = tracedFunction('secret', 'createSecretKey', createSecret)
/**
 * A public encryption key (-a s + e, a) at the top level, with a from a fresh public seed of 32 bytes and e centred binomial, sigma 3.24.
 * @throws TypeError for what is no secret key; GloveboxError `parameters-mismatch` for one of another context, `disposed` for one disposed of.
 */
export const createPublicKey: typeof keygen.createPublicKey = tracedFunction(
  'secret',
  'createPublicKey',
  keygen.createPublicKey,
)
/**
 * The key that brings s^2 back to s, for ciphertexts up to `level`, 0 to `maxLevel` (default: the top). `switchingKeyBytes` tells its size. Han and Ki
 * 2020 (eprint 2019/688), section 3.
 * @throws TypeError for what is no secret key; RangeError for a level that there is not; GloveboxError `unsupported` without special primes,
 * `parameters-mismatch` for a key of another context, `disposed` for one disposed of.
 */
export const createRelinearisationKey: typeof keygen.createRelinearisationKey = tracedFunction(
  'secret',
  'createRelinearisationKey',
  keygen.createRelinearisationKey,
)
/**
 * Galois keys for the rotations asked for, by Galois element (`rotationElement`, `conjugationElement`); of two requests for one rotation the higher
 * level counts, 0 steps make none. Each is for the caller to dispose. Han and Ki 2020 (eprint 2019/688), section 3.
 * @throws TypeError for requests that are no array of objects, steps that are no integers, or what is no secret key; RangeError for a level that there
 * is not; GloveboxError `unsupported` without special primes, `parameters-mismatch` for a key of another context, `disposed` for one disposed of.
 */
export const createGaloisKeys: typeof keygen.createGaloisKeys = tracedFunction(
  'secret',
  'createGaloisKeys',
  keygen.createGaloisKeys,
)

export type { GaloisRequest } from './rlwe/keygen.ts'
export type { SecretKey } from './rlwe/secret-key.ts'
export { decodeSecretKey, encodeSecretKey, readSecretKey, writeSecretKey } from './rlwe/secret-wire.ts'
export { noiseBudget } from './schemes/integer/noise-budget.ts'
