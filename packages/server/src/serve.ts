import { createHash } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import type { Logger } from 'pino'
import { localPrincipal, type Principal } from './access/principal.ts'
import { type ConfigOptions, readConfig } from './config.ts'
import type { Model } from './registry/load.ts'
import { writeManifest } from './registry/manifest.ts'
import type { FileName, FileReference, Registry } from './registry/registry.ts'
import { openService, type Service } from './service.ts'

/** What `serve` may be told; the environment is not asked. */
export type ServeOptions = ConfigOptions

/**
 * Serves models over HTTP: each is pushed into the registry under its name before the port is opened, and everybody whom the service lets in may use it.
 * Without `data` the registry and uploaded keys are in a temporary folder that goes with the service; with it, a model that is there in these very bytes is
 * left as it is, and another one becomes the next version. Throws GloveboxError `exists` for two models of one name, `unavailable` where the port cannot be had.
 */
export async function serve(models: readonly Model[], log: Logger, options: ServeOptions = {}): Promise<Service> {
  const names = new Set<string>()
  for (const { name } of models) {
    if (names.has(name))
      throw new GloveboxError('exists', `there are two models named "${name}": rename one of the folders`)
    names.add(name)
  }
  return openService(readConfig(options, {}), log, async ({ registry }) => {
    for (const model of models) await pushModel(registry, localPrincipal, model)
  })
}

/** Puts a model into a registry as the next version of its name, unless the highest version is of the same files; for everybody to use. */
export async function pushModel(registry: Registry, principal: Principal, model: Model): Promise<void> {
  const { name, clientPart, serverPart, extras } = model
  const files: Partial<Record<FileName, FileReference>> = {}
  for (const [file, bytes] of Object.entries({ 'client.gbx': clientPart, 'server.gbx': serverPart, ...extras }))
    files[file as FileName] = await put(registry, principal, bytes)
  const manifest = await put(registry, principal, writeManifest(files as Parameters<typeof writeManifest>[0]))
  const known = await registry.getModel(principal, name).catch((error: unknown) => {
    if (error instanceof GloveboxError && error.code === 'not-found') return undefined
    throw error
  })
  if (!known) {
    await registry.createModel(principal, { name })
    await registry.grant(principal, name, '*')
  }
  if (known?.versions[0]?.manifest === manifest.sha256) return
  await registry.createVersion(principal, { name, manifest: manifest.sha256 })
}

async function put(registry: Registry, principal: Principal, bytes: Uint8Array): Promise<FileReference> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await registry.putBlob(principal, sha256, pieces(bytes), { total: bytes.length })
  return { sha256, bytes: bytes.length }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 2 ** 20) yield bytes.subarray(at, at + 2 ** 20)
}
