import type { ErrorCode } from '@glovebox/he'
import type { Hardening } from '../items/hardening.ts'

/** What a thread of a pool starts with. */
export interface ThreadData {
  /** Of `encodeOprfKey`; the thread overwrites its copy. */
  readonly key: Uint8Array
  readonly hardening: Hardening
}

/** A piece of work. */
export type Task =
  | {
      readonly kind: 'items'
      /** Canonical bytes, one item behind the other. */
      readonly bytes: Uint8Array
      /** Where each ends. */
      readonly ends: Uint32Array
    }
  | {
      readonly kind: 'blinded'
      readonly elements: Uint8Array
      /** Index of the first one in its batch. */
      readonly first: number
    }

/** What a thread answers, in the order of its tasks. */
export type Answer =
  | { readonly elements: Uint8Array; readonly proof: Uint8Array | undefined }
  | { readonly error: { readonly code: ErrorCode | undefined; readonly message: string } }
