export type { BuildOptions, BuildProgress, BuildResult } from './database/build.ts'
export type { SetOrigin } from './database/content.ts'
export { type CreateSetOptions, createSet } from './database/create-set.ts'
export type { EvaluateItems, SetEntry } from './database/records.ts'
export { type OpenSetOptions, openSet, type PsiSet } from './database/set.ts'
export type { InsertResult, RemoveResult } from './database/update.ts'
export { hardenNode } from './items/harden-node.ts'
export {
  createOprfKey,
  decodeOprfKey,
  deriveOprfKey,
  encodeOprfKey,
  OprfKey,
  type OprfKeyOptions,
  oprfKeyBytes,
} from './oprf/key.ts'
export {
  createEvaluationPool,
  type EvaluatedItems,
  type EvaluationPool,
  type EvaluationPoolOptions,
} from './oprf/pool.ts'
export { type EvaluatedBatch, evaluateBlinded, evaluateInput } from './oprf/sender.ts'
export { openSodiumGroup } from './oprf/sodium-group.ts'
export { epochDirectory, listEpochs } from './sender/epochs.ts'
export {
  EpochError,
  openSender,
  type Sender,
  type SenderLog,
  type SenderOptions,
  type SenderStats,
  type SetReply,
} from './sender/sender.ts'
export { isSetName, type SetDescription } from './wire/description.ts'
