import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFrame, fromHex } from '@glovebox/he'
import { decodeClientPart } from '@glovebox/ml'
import { compileTiny } from '../../client/test/tiny.ts'
import type { Principal, Scope } from '../src/access/principal.ts'
import { createKeySets, type KeySets, type KeySetsOptions } from '../src/keys/keys.ts'
import { createRegistry, type RegistryOptions } from '../src/registry/create-registry.ts'
import { type ManifestFiles, writeManifest } from '../src/registry/manifest.ts'
import type { FileName, ModelVersion, Registry } from '../src/registry/registry.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { openFiles } from '../src/store/files.ts'
import type { ObjectStore } from '../src/store/objects.ts'

// What the suites of storage run on, and what they store.

/** Empty. */
export interface Backend extends AsyncDisposable {
  readonly database: Database
  readonly objects: ObjectStore
}

export type OpenBackend = () => Promise<Backend>

/** SQLite and files. */
export async function openEmbedded(): Promise<Backend> {
  const directory = await mkdtemp(join(tmpdir(), 'glovebox-store-'))
  const database = await openDatabase({ directory })
  const objects = await openFiles({ directory: join(directory, 'objects') })
  return {
    database,
    objects,
    async [Symbol.asyncDispose]() {
      await database.close()
      await objects.close()
      await rm(directory, { recursive: true })
    },
  }
}

export function principal(tenant: string, ...scopes: Scope[]): Principal {
  return { tenant, token: `token-of-${tenant}`, scopes: new Set(scopes.length > 0 ? scopes : ['predict', 'push']) }
}

export const registryOf = ({ database, objects }: Backend, options: Partial<RegistryOptions> = {}): Registry =>
  createRegistry({ db: database.db, objects, cacheMs: 0, ...options })

export const keysOf = ({ database, objects }: Backend, options: Partial<KeySetsOptions> = {}): KeySets =>
  createKeySets({ db: database.db, objects, mayUse: async () => true, ...options })

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** In pieces of odd sizes, as a socket gives them. */
export async function* stream(bytes: Uint8Array, piece = 4099): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece)
}

export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

/** Bytes that look random and depend on the seed. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

export interface Compiled {
  readonly client: Uint8Array<ArrayBuffer>
  readonly server: Uint8Array<ArrayBuffer>
  readonly program: string
}

const compiled = new Map<number, Compiled>()

/** A tiny model; another one for another seed. */
export function model(seed = 1): Compiled {
  const known = compiled.get(seed)
  if (known) return known
  const { client, server } = compileTiny(seed)
  const made = { client, server, program: Buffer.from(decodeClientPart(client).digest).toString('hex') }
  compiled.set(seed, made)
  return made
}

/** A whole frame of evaluation keys of a program; its body is noise, which only a computation would notice. */
export function keyFrame(program: string, length = 1000, seed = 1): Uint8Array {
  return encodeFrame('evaluation keys of a program', fromHex(program), noise(length, seed))
}

export interface PushOptions {
  readonly seed?: number
  readonly texts?: Partial<Record<FileName, string>>
  readonly tags?: Readonly<Record<string, string>>
}

/** Uploads the files of a model; the SHA-256 of the manifest. */
export async function upload(
  registry: Registry,
  p: Principal,
  { seed = 1, texts = {} }: PushOptions = {},
): Promise<{ manifest: string; files: ManifestFiles }> {
  const { client, server } = model(seed)
  const contents: Record<string, Uint8Array> = { 'client.gbx': client, 'server.gbx': server }
  for (const [name, text] of Object.entries(texts)) contents[name] = new TextEncoder().encode(text)
  const files: Record<string, { sha256: string; bytes: number }> = {}
  for (const [name, bytes] of Object.entries(contents)) {
    files[name] = { sha256: sha256(bytes), bytes: bytes.length }
    await registry.putBlob(p, sha256(bytes), stream(bytes))
  }
  const manifest = writeManifest(files as ManifestFiles)
  await registry.putBlob(p, sha256(manifest), stream(manifest))
  return { manifest: sha256(manifest), files: files as ManifestFiles }
}

/** A new version of a model, which is made where it is not there. */
export async function push(
  registry: Registry,
  p: Principal,
  name: string,
  options: PushOptions = {},
): Promise<ModelVersion> {
  const { manifest } = await upload(registry, p, options)
  await registry.createModel(p, { name }).catch((error: { code?: string }) => {
    if (error.code !== 'exists') throw error
  })
  return registry.createVersion(p, { name, manifest, tags: options.tags })
}
