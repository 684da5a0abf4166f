import { decodeClientPart } from '@glovebox/ml'
import type { Logger } from 'pino'
import type { Compute } from './compute/compute.ts'
import type { Metrics } from './observe/metrics.ts'
import { noiseMargin } from './observe/stats.ts'
import type { ModelVersion } from './registry/model-version.ts'
import type { Registry } from './registry/registry.ts'
import { collect } from './store/stream.ts'

/** What hears of versions. */
export interface Audience {
  readonly registry: Registry
  readonly metrics: Metrics
  readonly compute: Compute
  readonly log: Logger
}

/** Tells the metrics of versions, and prepares them on the threads, one after the other; what fails is logged. */
export function announcer({ registry, metrics, compute, log }: Audience): (version: ModelVersion) => void {
  let last: Promise<void> = Promise.resolve()
  const announce = async ({ name, version, tenant, digest, files }: ModelVersion): Promise<void> => {
    const owner = { tenant, token: undefined, scopes: new Set<never>() }
    const { bytes, body } = await registry.file(owner, name, String(version), 'client.gbx')
    metrics.model(name, { marginBits: noiseMargin(decodeClientPart(await collect(body, bytes)).report) })
    await compute.prepare({ name, digest, serverPart: files['server.gbx'].sha256 })
  }
  return (version) => {
    last = last
      .then(() => announce(version))
      .catch((err: unknown) =>
        log.warn({ err, model: version.name, version: version.version }, 'the model is not prepared yet'),
      )
  }
}
