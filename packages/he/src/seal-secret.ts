/**
 * `@glovebox/he/seal/secret`: SEAL's secret keys, and what is made with one. The server package may not import it.
 * @packageDocumentation
 */
export { createSealPublicKey, readSealSecretKey, writeSealSecretKey } from './interchange/seal-secret-key.ts'
