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
export type { Fetch } from './http/service.ts'
export {
  type ClientKeys,
  type CreateKeysOptions,
  createKeys,
  decodeKeys,
  decodeSecretKey,
  encodeSecretKey,
} from './keys.ts'
export { type ClientModel, openModel } from './model.ts'
export type { Picture } from './picture.ts'
export { countUncalibrated, type EncryptOptions, encryptQuery, prepareSample } from './query.ts'
export { answerOf, decryptReply } from './reply.ts'
export { flattenSample, type PreparedInput, type Sample, type SampleInput, type SampleOptions } from './samples.ts'
export type { AnyModel, Glovebox, ListedModel, ModelOptions } from './sdk/glovebox.ts'
export type { EncryptedModel, Examples, PredictionJob } from './sdk/model.ts'
export { glovebox } from './sdk/node.ts'
export type { CallOptions, GloveboxOptions } from './sdk/options.ts'
export { typesOf } from './sdk/types-of.ts'
export type { JobState, JobStatus } from './session/jobs.ts'
export type { ModelTypes, Prediction as PrivatePrediction, Trace } from './session/prediction.ts'
export type { CallContext, Progress, Stage } from './session/progress.ts'
export type { KeptKeys } from './session/session.ts'
export { dataDirectory, type FileStorage, fileStorage } from './storage/files.ts'
export { indexedDbStorage } from './storage/indexed-db.ts'
export { memoryStorage } from './storage/memory.ts'
export type { KeyRecord, KeyStorage } from './storage/storage.ts'
