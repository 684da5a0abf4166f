/**
 * `@glovebox/he/seal`: interchange with Microsoft SEAL 4 without secrets — encryption parameters, plaintexts, ciphertexts, public,
 * relinearisation and Galois keys of CKKS and BFV, with primes below 2^50. Reads what SEAL saves, uncompressed, with zlib and with
 * Zstandard; writes uncompressed and with zlib. Secret keys are apart, in `@glovebox/he/seal/secret`.
 * @packageDocumentation
 */
export { readSealCiphertext, writeSealCiphertext } from './interchange/seal-ciphertext.ts'
export type { SealReadOptions, SealWriteOptions } from './interchange/seal-frame.ts'
export {
  readSealGaloisKeys,
  readSealPublicKey,
  readSealRelinearisationKey,
  writeSealGaloisKeys,
  writeSealRelinearisationKey,
} from './interchange/seal-keys.ts'
export {
  readSealParameters,
  type SealParametersOptions,
  sealParmsId,
  writeSealParameters,
} from './interchange/seal-parameters.ts'
export {
  readSealMessage,
  readSealPlaintext,
  writeSealMessage,
  writeSealPlaintext,
} from './interchange/seal-plaintext.ts'
