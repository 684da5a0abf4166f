/** A set of keys as it is kept, without its evaluation keys. */
export interface KeyRecord {
  /** SHA-256 of the evaluation keys, 64 hexadecimal digits: by this a set is told from the one that replaced it. */
  readonly digest: string
  /** Milliseconds since 1970. */
  readonly created: number
  /** The secret key, a frame of some kilobytes: what a storage has to guard. */
  readonly secret: Uint8Array<ArrayBuffer>
}

/**
 * Where a client keeps its keys from one start to the next. One set of keys for each `id`, which stands for a service and a program. Tabs and processes
 * that share a storage share the keys: whoever keeps a set first has the say.
 */
export interface KeyStorage {
  /** The set of `id`, where there is one that can be read. */
  load(id: string): Promise<KeyRecord | undefined>
  /**
   * Keeps a set, unless there is one already that is not `replaces`, a digest. Gives the set that is kept in the end. In one step: of two who
   * keep at once, both get the same. Of evaluation keys it may keep none, where there is no room.
   */
  keep(
    id: string,
    record: KeyRecord,
    evaluation: Uint8Array<ArrayBuffer>,
    replaces: string | undefined,
  ): Promise<KeyRecord>
  /** The evaluation keys of the set, if they were kept. They are public. */
  evaluation(id: string, digest: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Forgets the set of `id`. */
  delete(id: string): Promise<void>
  /** Lets go of files and connections. */
  close(): void
}

/** Whether `kept` stays where another set is to replace `replaces`. */
export function stays(kept: KeyRecord | undefined, replaces: string | undefined): kept is KeyRecord {
  return kept !== undefined && kept.digest !== replaces
}
