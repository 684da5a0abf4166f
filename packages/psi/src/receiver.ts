/**
 * `@glovebox/psi/receiver`: asks whether items are in a set of somebody else, in browsers and Node. It holds a secret key.
 * @packageDocumentation
 */

export type { Group } from './oprf/group.ts'
export { nobleGroup } from './oprf/noble-group.ts'
export { type BlindedItems, blindItems, type FinalizeOptions, finalizeItems } from './oprf/receiver.ts'
export {
  type CheckOptions,
  type CheckResult,
  type ConnectOptions,
  connectSet,
  type RemoteSet,
} from './receiver/connect.ts'
export { type Fetch, Refusal } from './receiver/http.ts'
export { createQueryKeys, type QueryKeys } from './receiver/keyring.ts'
export type { StageTraffic, TimingStage, Timings, Traffic, TrafficStage } from './receiver/meter.ts'
export { type Answer, type PreparedQuery, prepareQueries, readAnswers } from './receiver/query.ts'
export type { CheckProgress } from './receiver/run.ts'
export type { SetDescription } from './wire/description.ts'
