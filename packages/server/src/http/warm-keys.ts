import type { Principal } from '../access/principal.ts'
import type { Services } from './context.ts'

/** Larger ones than this share of the memory for keys wait for their first query: they would push out those that are used. */
const most = 4

/**
 * Has a thread read keys that have just come, so that their first query need not wait for it. They are of a program, which may be that of several
 * versions: the newest one is taken. What fails is for the query to tell.
 */
export function createWarmer({
  keys,
  registry,
  compute,
  limits,
  log,
}: Pick<Services, 'keys' | 'registry' | 'compute' | 'limits' | 'log'>): (principal: Principal, digest: string) => void {
  const warm = async (principal: Principal, digest: string): Promise<void> => {
    const { program, bytes } = await keys.use(principal.tenant, digest)
    if (bytes > limits.keyMemory / most) return
    const { items } = await registry.searchModels(principal, { limit: 1000 })
    const version = items
      .flatMap(({ versions }) => versions)
      .filter((version) => version.digest === program)
      .reduce((newest, other) => (other.createdAt > newest.createdAt ? other : newest))
    const model = { name: version.name, digest: program, serverPart: version.files['server.gbx'].sha256 }
    await compute.warm({ model, tenant: principal.tenant, keysDigest: digest })
  }
  return (principal: Principal, digest: string): void => {
    warm(principal, digest).catch((err: unknown) =>
      log.debug({ err, keys: digest.slice(0, 16) }, 'keys are not read yet'),
    )
  }
}
