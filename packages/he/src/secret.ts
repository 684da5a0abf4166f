/**
 * `@glovebox/he/secret`: all that holds, makes or needs a secret key. The server package may not import it.
 * @module
 */

export { decrypt } from './rlwe/decrypt.ts'
export { encryptSymmetric } from './rlwe/encrypt-symmetric.ts'
export { createGaloisKeys, createPublicKey, createRelinearisationKey, type GaloisRequest } from './rlwe/keygen.ts'
export { createSecretKey, type SecretKey } from './rlwe/secret-key.ts'
export { decodeSecretKey, encodeSecretKey, readSecretKey, writeSecretKey } from './rlwe/secret-wire.ts'
