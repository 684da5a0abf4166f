import type { Fetch } from '../http/service.ts'
import type { KeyStorage } from '../storage/storage.ts'

/** Where keys are made, used and kept. */
export interface Placed {
  readonly fetch: Fetch | undefined
  readonly keys: KeyStorage | undefined
  readonly worker: boolean | (() => Worker)
  /** Of files with keys, in Node. */
  readonly directory: string | undefined
}
