import type { KeySets } from '../keys/keys.ts'
import type { Registry } from '../registry/registry.ts'
import type { ComputeSources } from './compute.ts'

/** Server parts of the registry, keys of the key store. */
export function createSources(
  registry: Pick<Registry, 'serverPart'>,
  keys: Pick<KeySets, 'use' | 'bytes'>,
): ComputeSources {
  return {
    async serverPart(sha256) {
      const bytes = await registry.serverPart(sha256)
      return { bytes: bytes.length, body: once(bytes) }
    },
    async keys(tenant, digest) {
      const { bytes } = await keys.use(tenant, digest)
      return { bytes, body: keys.bytes(tenant, digest) }
    },
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
