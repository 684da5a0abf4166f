import { toHex } from '@glovebox/he'
import { type ModelFolder, readFolder } from '../model-folder.ts'
import type { Api } from './api.ts'
import { openRegistry, type Tag } from './registry.ts'
import { rememberFolder } from './state.ts'
import { uploadBlob } from './upload.ts'

export interface PushOptions {
  readonly name: string
  readonly description?: string | undefined
  readonly tags?: readonly Tag[]
  readonly aliases?: readonly string[]
  /** For all tenants. */
  readonly open?: boolean
  /** A new version also of files that are one already. */
  readonly force?: boolean
  readonly onProgress?: (done: number, total: number) => void
}

export interface Pushed {
  readonly name: string
  readonly version: string
  /** Whether a version was made; false where these files were one already. */
  readonly created: boolean
  /** SHA-256 of the manifest. */
  readonly manifest: string
  readonly bytes: number
  /** What was not there yet. */
  readonly uploadedBytes: number
}

/** Makes a version of a model of a folder: blobs first, by their digests, then the manifest that names them, then the version that names it. */
export async function push(api: Api, folder: string, options: PushOptions): Promise<Pushed> {
  const { name, description, tags = [], aliases = [], open, force, onProgress } = options
  const read: ModelFolder = await readFolder(folder)
  const registry = openRegistry(api)
  await registry.ensure(name, description)
  const source = `sha256:${read.manifest.sha256}`
  const blobs = [...read.files, read.manifest]
  const bytes = blobs.reduce((sum, blob) => sum + blob.bytes.length, 0)
  const same = (await registry.versions(name)).find((version) => version.source === source)
  let [before, uploadedBytes] = [0, 0]
  if (!same || force) {
    for (const blob of blobs) {
      uploadedBytes += await uploadBlob(api, blob, (done) => onProgress?.(before + done, bytes))
      before += blob.bytes.length
    }
  }
  const version =
    same && !force
      ? same
      : await registry.create({
          name,
          source,
          ...(description !== undefined && { description }),
          ...(tags.length > 0 && { tags }),
        })
  for (const alias of aliases) await registry.setAlias(name, alias, version.version)
  if (open) await registry.grant(name, '*')
  await rememberFolder(toHex(read.part.digest), folder)
  return {
    name,
    version: version.version,
    created: version !== same,
    manifest: read.manifest.sha256,
    bytes,
    uploadedBytes,
  }
}
