/**
 * `@glovebox/he/secret`: all that holds, makes or needs a secret key. The server package may not import it.
 * @packageDocumentation
 */

import { decrypt as decryptPlain } from './rlwe/decrypt.ts'
import { encryptSymmetric as encryptPlain } from './rlwe/encrypt-symmetric.ts'
import * as keygen from './rlwe/keygen.ts'
import { createSecretKey as createSecret } from './rlwe/secret-key.ts'
import { tracedFunction } from './schemes/trace.ts'

/**
 * c_0 + c_1 s (+ c_2 s^2) as a plaintext, to be decoded by the scheme. The result of an approximate scheme carries the noise, and the noise tells
 * about the key: never give decrypted values back to whoever computed on the ciphertext (Li and Micciancio 2021, eprint 2020/1533; see
 * SECURITY.md). Throws TypeError or GloveboxError `parameters-mismatch` for values of another kind or context.
 */
export const decrypt: typeof decryptPlain = tracedFunction('secret', 'decrypt', decryptPlain)
/**
 * Encrypts under the secret key: (-a s + e + m, a) with a expanded from a fresh public seed, so that the ciphertext is sent at half its size.
 * Noise: one centred binomial, sigma 3.24 a coefficient. Throws as `decrypt` does.
 */
export const encryptSymmetric: typeof encryptPlain = tracedFunction('secret', 'encryptSymmetric', encryptPlain)
/** A fresh uniform ternary secret key from the platform's secure generator. Its memory is wiped when it is disposed or collected. */
export const createSecretKey: typeof createSecret = tracedFunction('secret', 'createSecretKey', createSecret)
/** A public encryption key at the top level. */
export const createPublicKey: typeof keygen.createPublicKey = tracedFunction(
  'secret',
  'createPublicKey',
  keygen.createPublicKey,
)
/** The key that brings s^2 back to s, for ciphertexts up to `level` (default: the top). Throws GloveboxError `unsupported` without special primes. */
export const createRelinearisationKey: typeof keygen.createRelinearisationKey = tracedFunction(
  'secret',
  'createRelinearisationKey',
  keygen.createRelinearisationKey,
)
/**
 * Galois keys for the rotations asked for, by Galois element; of two requests for one rotation the higher level counts. Throws GloveboxError
 * `unsupported` without special primes.
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
