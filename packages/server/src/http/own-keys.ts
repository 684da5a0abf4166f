import { GloveboxError } from '@glovebox/he'
import type { KeySets } from '../keys/keys.ts'
import type { ModelVersion } from '../registry/model-version.ts'

/** How long a set is taken to be there without asking the database: another replica may have deleted it. */
const rememberMs = 2000
const most = 10_000

/** Which keys a tenant has, known for a moment. */
export interface OwnKeys {
  /** Throws GloveboxError `not-found`, or `parameters-mismatch` for keys of another program. */
  require(tenant: string, digest: string, version: ModelVersion): Promise<void>
  forget(tenant: string, digest: string): void
}

/** One for a service. */
export function createOwnKeys(keys: KeySets, now: () => number = () => performance.now()): OwnKeys {
  const known = new Map<string, { readonly program: string; readonly until: number }>()
  const find = async (tenant: string, digest: string): Promise<string> => {
    const key = `${tenant}/${digest}`
    const found = known.get(key)
    if (found && found.until > now()) return found.program
    known.delete(key)
    const set = await keys.use(tenant, digest).catch((error: unknown) => {
      if (!(error instanceof GloveboxError && error.code === 'not-found')) throw error
      throw new GloveboxError('not-found', `there are no evaluation keys ${digest} here: upload them first`, {
        cause: error,
      })
    })
    // In the order of insertion, and all live equally long: the first is the oldest.
    if (known.size >= most) known.delete(known.keys().next().value!)
    known.set(key, { program: set.program, until: now() + rememberMs })
    return set.program
  }
  return {
    async require(tenant, digest, version) {
      const program = await find(tenant, digest)
      if (program === version.digest) return
      throw new GloveboxError(
        'parameters-mismatch',
        `the evaluation keys were made for the program with digest ${program.slice(0, 16)}…, and "${version.name}" version ${version.version} is ${version.digest.slice(0, 16)}…: make keys with the client part of this version`,
      )
    },
    forget: (tenant, digest) => void known.delete(`${tenant}/${digest}`),
  }
}
