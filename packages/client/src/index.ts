/**
 * `@glovebox/client`: keys, encryption, calls and decryption, in browsers and Node. The only package that holds a secret key.
 * @packageDocumentation
 */
export {
  type Connection,
  type ConnectOptions,
  connect,
  type Prediction,
  type PredictOptions,
  type RemoteModel,
} from './connect.ts'
export {
  type ClientKeys,
  type CreateKeysOptions,
  createKeys,
  decodeKeys,
  decodeSecretKey,
  encodeSecretKey,
} from './keys.ts'
export { type ClientModel, openModel } from './model.ts'
export { countUncalibrated, type EncryptOptions, encryptQuery, prepareSample } from './query.ts'
export { answerOf, decryptReply } from './reply.ts'
export { flattenSample, type PreparedInput, type Sample, type SampleInput, type SampleOptions } from './samples.ts'
export type { Fetch } from './service.ts'
