// Times are milliseconds since 1970; truth values are 0 and 1. SQLite and PostgreSQL take the same texts.

/** Tokens; the secret itself is not kept. */
export interface TokenTable {
  id: string
  /** SHA-256 of the token, hexadecimal. */
  hash: string
  tenant: string
  name: string
  /** Separated by blanks. */
  scopes: string
  created_at: number
  expires_at: number | null
  revoked_at: number | null
}

/** Registered models. */
export interface ModelTable {
  /** Stays when the model is renamed. */
  id: string
  name: string
  tenant: string
  description: string
  created_at: number
  updated_at: number
}

/** The highest version number that was ever given under a name; outlives the model. */
export interface CounterTable {
  name: string
  version: number
}

/** Who else may use a model: a tenant, or "*" for all. */
export interface PermissionTable {
  model: string
  tenant: string
}

/** Versions of models. */
export interface VersionTable {
  /** Id of the model. */
  model: string
  version: number
  /** Of the program. */
  digest: string
  /** SHA-256 of the manifest. */
  manifest: string
  stage: string
  description: string
  /** JSON: parameters, shapes, packing, kind, whether it needs keys. */
  signature: string
  created_at: number
  updated_at: number
}

/** Files of versions. */
export interface FileTable {
  model: string
  version: number
  name: string
  sha256: string
  bytes: number
}

/** Tags of models (version 0) and of versions. */
export interface TagTable {
  model: string
  version: number
  key: string
  value: string
}

/** Names of versions. */
export interface AliasTable {
  model: string
  alias: string
  version: number
}

/** Parts of models that were uploaded, by tenant. */
export interface BlobTable {
  tenant: string
  sha256: string
  bytes: number
  /** Key in the object store. */
  object: string
  created_at: number
}

/** Sets of evaluation keys, by tenant. */
export interface KeyTable {
  tenant: string
  digest: string
  /** Digest of the program that they are of. */
  program: string
  bytes: number
  object: string
  created_at: number
  used_at: number
  expires_at: number
}

/** Batch jobs. */
export interface JobTable {
  id: string
  tenant: string
  model: string
  version: number
  /** Of the program. */
  digest: string
  /** SHA-256 of the server part. */
  server_part: string
  /** Digest of the evaluation keys. */
  keys: string | null
  /** queued, running, done, failed, cancelled. */
  status: string
  attempt: number
  /** Lower ones go first: how many unfinished jobs the tenant had when it came. */
  rank: number
  /** Who runs it. */
  owner: string | null
  /** Until when the owner is taken to be alive; of a job that waits, when it may be begun again. */
  lease_until: number | null
  /** Chosen by the client: the same one again is the same job. */
  idempotency_key: string | null
  /** SHA-256 of what was asked: model, version, keys, query. */
  request: string
  query_bytes: number
  /** Key of the one result in the object store. */
  reply: string | null
  reply_bytes: number | null
  done: number
  total: number
  /** Milliseconds of computing. */
  compute_ms: number | null
  error_code: string | null
  error_message: string | null
  created_at: number
  started_at: number | null
  finished_at: number | null
  expires_at: number
}

/** Who did what. */
export interface AuditTable {
  id: string
  at: number
  tenant: string
  token: string | null
  action: string
  object: string
  outcome: string
  request: string | null
}

/** All tables, for Kysely. */
export interface Tables {
  tokens: TokenTable
  models: ModelTable
  counters: CounterTable
  permissions: PermissionTable
  versions: VersionTable
  files: FileTable
  tags: TagTable
  aliases: AliasTable
  blobs: BlobTable
  keys: KeyTable
  jobs: JobTable
  audit: AuditTable
}
