/** A piece of an upload. */
export interface Part {
  /** Of its first byte. */
  readonly offset: number
  /** Bytes of the whole. */
  readonly total: number
  /** Its bytes, at most 8 MiB. */
  readonly body: AsyncIterable<Uint8Array>
  /** Stops it; the part is then not here. */
  readonly signal?: AbortSignal | undefined
}

/** How much is here. */
export type UploadState =
  | { readonly complete: true; readonly bytes: number }
  | { readonly complete: false; readonly offset: number }

/** What became of a piece. `created` is false where all of it was here before. `fits` is false where `offset` was another than where the upload is: go on at the one given here. */
export interface Appended {
  /** Whether `offset` was where the upload is. */
  readonly fits: boolean
  /** Whether all of it is here. */
  readonly complete: boolean
  /** Whether this part made it whole. */
  readonly created: boolean
  /** Bytes that are here. */
  readonly offset: number
}
