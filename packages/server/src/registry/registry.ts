import type { Principal } from '../access/principal.ts'
import type { Appended, Part, UploadState } from '../store/uploads.ts'
import type { FileName, FileReference, ModelVersion, RegisteredModel } from './model-version.ts'

export type { FileName, FileReference, ModelVersion, RegisteredModel, Stage } from './model-version.ts'

/** One page of a search. */
export interface Page<T> {
  /** Of this page. */
  readonly items: readonly T[]
  /** For the next page; undefined at the end. */
  readonly next: string | undefined
}

/** What is searched. */
export interface Search {
  /** MLflow's: name = 'x', name LIKE 'x%', tags.key = 'v', version_number = 3 (of versions), joined by AND. */
  readonly filter?: string | undefined
  /** 1 to 1000; default 100. */
  readonly limit?: number | undefined
  /** Of the page before. */
  readonly next?: string | undefined
}

/** What a version is made of. */
export interface NewVersion {
  /** Of a model that is there. */
  readonly name: string
  /** SHA-256 of a blob of the tenant that is a manifest. */
  readonly manifest: string
  /** For people, in Markdown; default ''. */
  readonly description?: string | undefined
  /** By key; they go before metrics of the same name. */
  readonly tags?: Readonly<Record<string, string>> | undefined
}

/** A file of a version. */
export interface OpenFile extends FileReference {
  /** In pieces. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Numbers are versions; names are aliases. */
export type VersionName = number | string

/**
 * Models, in the words of MLflow's registry. The owner's tenant writes (scope `push`); who is granted reads (any scope). For everybody else there is
 * no such model: GloveboxError `not-found`; that a name is taken is told to who wants to take it (`exists`). What has a wrong form is `malformed`.
 */
export interface Registry {
  /** An empty model of the caller's tenant. Throws GloveboxError `exists` for a name that is taken. */
  createModel(
    p: Principal,
    model: { name: string; description?: string | undefined; tags?: Readonly<Record<string, string>> | undefined },
  ): Promise<RegisteredModel>
  /** With all its versions. */
  getModel(p: Principal, name: string): Promise<RegisteredModel>
  /** Versions, aliases, tags and permissions go along. Throws GloveboxError `exists`. */
  renameModel(p: Principal, name: string, newName: string): Promise<RegisteredModel>
  /** Its description. */
  updateModel(p: Principal, name: string, description: string): Promise<RegisteredModel>
  /** With all its versions. */
  deleteModel(p: Principal, name: string): Promise<void>
  /** By name. */
  searchModels(p: Principal, search?: Search): Promise<Page<RegisteredModel>>
  /** The highest version in each of the stages; default: in each that has one. */
  latestVersions(p: Principal, name: string, stages?: readonly string[]): Promise<readonly ModelVersion[]>

  /**
   * Its number is the next one under the name; one that was deleted is not given again. The manifest and all it names are blobs of the tenant. Throws
   * GloveboxError `not-found` where one is missing, `parameters-mismatch` where the parts are of two programs. Metrics become tags.
   */
  createVersion(p: Principal, version: NewVersion): Promise<ModelVersion>
  /** In full. */
  getVersion(p: Principal, name: string, version: VersionName): Promise<ModelVersion>
  /** Its description. */
  updateVersion(p: Principal, name: string, version: VersionName, description: string): Promise<ModelVersion>
  /** With its tags and aliases; blobs stay until `sweep`. */
  deleteVersion(p: Principal, name: string, version: VersionName): Promise<void>
  /** By name, the highest version first. */
  searchVersions(p: Principal, search?: Search): Promise<Page<ModelVersion>>
  /** To one of MLflow's stages; with `archiveExisting` others that were in it are archived. */
  transitionStage(
    p: Principal,
    name: string,
    version: VersionName,
    stage: string,
    options?: { archiveExisting?: boolean | undefined },
  ): Promise<ModelVersion>

  /** `version` undefined: of the model. */
  setTag(p: Principal, name: string, version: VersionName | undefined, key: string, value: string): Promise<void>
  /** Throws GloveboxError `not-found` where there is none. */
  deleteTag(p: Principal, name: string, version: VersionName | undefined, key: string): Promise<void>
  /** From now on `alias` leads to this version, wherever it led. */
  setAlias(p: Principal, name: string, alias: string, version: VersionName): Promise<void>
  /** Throws GloveboxError `not-found` where there is none. */
  deleteAlias(p: Principal, name: string, alias: string): Promise<void>

  /** To a tenant, or to all by "*". Throws GloveboxError `exists`. */
  grant(p: Principal, name: string, tenant: string): Promise<void>
  /** Takes a grant back. Throws GloveboxError `not-found` where there is none. */
  revoke(p: Principal, name: string, tenant: string): Promise<void>
  /** Tenants and "*", without the owner. */
  permissions(p: Principal, name: string): Promise<readonly string[]>

  /**
   * What a prediction runs on: digits are a version, anything else an alias; without one, the alias "production", else the highest version. Known for up
   * to a second: what another replica changed comes that much later.
   */
  resolve(p: Principal, name: string, version?: string): Promise<ModelVersion>
  /** Whether some version that the tenant may use is of this program. */
  mayUse(tenant: string, program: string): Promise<boolean>
  /** A public file of a version; `server.gbx` is `not-found`, whoever asks. */
  file(p: Principal, name: string, version: string | undefined, file: FileName): Promise<OpenFile>
  /** A blob by digest, through a version that the caller may use, never a server part. */
  blob(p: Principal, sha256: string): Promise<OpenFile>
  /** A server part, for the threads that compute. */
  serverPart(sha256: string): Promise<Uint8Array>
  /** All versions there are, for preparing them at the start. */
  everyVersion(): Promise<readonly ModelVersion[]>

  /** What is here of a blob of one's own (scope `push`). */
  blobState(p: Principal, sha256: string): Promise<UploadState | undefined>
  /** As `KeySets.append`, for a part of a model. */
  appendBlob(p: Principal, sha256: string, part: Part): Promise<Appended>
  /** The whole blob at once; whether it is new. */
  putBlob(
    p: Principal,
    sha256: string,
    body: AsyncIterable<Uint8Array>,
    options?: { total?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<boolean>
  /** Deletes blobs that no version refers to and uploads given up, both older than a day; gives how many. */
  sweep(now?: number): Promise<number>
}
