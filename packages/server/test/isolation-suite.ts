import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../src/access/principal.ts'
import type { KeySets } from '../src/keys/keys.ts'
import type { Registry } from '../src/registry/registry.ts'
import {
  type Backend,
  bytesOf,
  keyFrame,
  keysOf,
  model,
  type OpenBackend,
  principal,
  registryOf,
  sha256,
  stream,
  upload,
} from './stores.ts'

// Random operations of three tenants against a plain model of what each may see.

interface World {
  readonly registry: Registry
  readonly keys: KeySets
  readonly tenants: readonly Principal[]
  readonly name: (i: number) => string
  readonly manifests: readonly string[]
  readonly frames: readonly Uint8Array[]
}

interface Truth {
  /** Name to owner, grants and versions. */
  readonly models: Map<string, { owner: string; grants: Set<string>; versions: Set<number> }>
  readonly counters: Map<string, number>
  /** Tenant and digest. */
  readonly keys: Set<string>
}

type Outcome = string
type Step = (world: World, truth: Truth) => Promise<void>

const outcome = (work: Promise<unknown>): Promise<Outcome> =>
  work.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? String(error),
  )

const visible = (truth: Truth, tenant: string, name: string): boolean => {
  const found = truth.models.get(name)
  return found !== undefined && (found.owner === tenant || found.grants.has(tenant) || found.grants.has('*'))
}
/** What a writer is told: of what it may not see, that it is not there. */
const writing = (truth: Truth, tenant: string, name: string): Outcome =>
  !visible(truth, tenant, name) ? 'not-found' : truth.models.get(name)?.owner === tenant ? 'ok' : 'unauthorised'

const who = fc.integer({ min: 0, max: 2 })
const which = fc.integer({ min: 0, max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ t: who, n: which }).map(
    ({ t, n }): Step =>
      async ({ registry, tenants, name }, truth) => {
        const [p, taken] = [tenants[t]!, truth.models.has(name(n))]
        expect(await outcome(registry.createModel(p, { name: name(n) })), 'create').toBe(taken ? 'exists' : 'ok')
        if (!taken) truth.models.set(name(n), { owner: p.tenant, grants: new Set(), versions: new Set() })
      },
  ),
  fc.record({ t: who, n: which }).map(
    ({ t, n }): Step =>
      async ({ registry, tenants, name, manifests }, truth) => {
        const p = tenants[t]!
        const expected = writing(truth, p.tenant, name(n))
        expect(await outcome(registry.createVersion(p, { name: name(n), manifest: manifests[n]! })), 'version').toBe(
          expected,
        )
        if (expected !== 'ok') return
        const version = (truth.counters.get(name(n)) ?? 0) + 1
        truth.counters.set(name(n), version)
        truth.models.get(name(n))!.versions.add(version)
      },
  ),
  fc.record({ t: who, n: which, to: fc.integer({ min: 0, max: 3 }) }).map(
    ({ t, n, to }): Step =>
      async ({ registry, tenants, name }, truth) => {
        const [p, tenant] = [tenants[t]!, tenants[to]?.tenant ?? '*']
        const expected = writing(truth, p.tenant, name(n))
        const known = truth.models.get(name(n))?.grants.has(tenant)
        expect(await outcome(registry.grant(p, name(n), tenant)), 'grant').toBe(
          expected === 'ok' && known ? 'exists' : expected,
        )
        if (expected === 'ok') truth.models.get(name(n))!.grants.add(tenant)
      },
  ),
  fc.record({ t: who, n: which, to: fc.integer({ min: 0, max: 3 }) }).map(
    ({ t, n, to }): Step =>
      async ({ registry, tenants, name }, truth) => {
        const [p, tenant] = [tenants[t]!, tenants[to]?.tenant ?? '*']
        const expected = writing(truth, p.tenant, name(n))
        const known = truth.models.get(name(n))?.grants.has(tenant)
        expect(await outcome(registry.revoke(p, name(n), tenant)), 'revoke').toBe(
          expected === 'ok' && !known ? 'not-found' : expected,
        )
        if (expected === 'ok') truth.models.get(name(n))!.grants.delete(tenant)
      },
  ),
  fc.record({ t: who, n: which }).map(
    ({ t, n }): Step =>
      async ({ registry, tenants, name }, truth) => {
        const p = tenants[t]!
        const expected = writing(truth, p.tenant, name(n))
        expect(await outcome(registry.deleteModel(p, name(n))), 'delete model').toBe(expected)
        if (expected === 'ok') truth.models.delete(name(n))
      },
  ),
  fc.record({ t: who, n: which, v: fc.integer({ min: 1, max: 3 }) }).map(
    ({ t, n, v }): Step =>
      async ({ registry, tenants, name }, truth) => {
        const p = tenants[t]!
        const may = writing(truth, p.tenant, name(n))
        const expected = may === 'ok' && !truth.models.get(name(n))?.versions.has(v) ? 'not-found' : may
        expect(await outcome(registry.deleteVersion(p, name(n), v)), 'delete version').toBe(expected)
        if (expected === 'ok') truth.models.get(name(n))!.versions.delete(v)
      },
  ),
  fc.record({ t: who, n: which }).map(
    ({ t, n }): Step =>
      async ({ keys, tenants, frames, name }, truth) => {
        const p = tenants[t]!
        const digest = sha256(frames[n]!)
        // A set that is here is not looked at again; a new one is of a program that some version which the tenant may use has.
        const known = truth.keys.has(`${p.tenant} ${digest}`)
        const may = known || (visible(truth, p.tenant, name(n)) && truth.models.get(name(n))!.versions.size > 0)
        expect(await outcome(keys.put(p, digest, stream(frames[n]!))), 'keys').toBe(may ? 'ok' : 'parameters-mismatch')
        if (may) truth.keys.add(`${p.tenant} ${digest}`)
      },
  ),
  fc.record({ t: who, n: which }).map(
    ({ t, n }): Step =>
      async ({ keys, tenants, frames }, truth) => {
        const p = tenants[t]!
        const digest = sha256(frames[n]!)
        const known = truth.keys.delete(`${p.tenant} ${digest}`)
        expect(await outcome(keys.delete(p, digest)), 'delete keys').toBe(known ? 'ok' : 'not-found')
      },
  ),
)

/** Everything that can be read, by everybody. */
async function compare({ registry, keys, tenants, name, frames }: World, truth: Truth): Promise<void> {
  for (const p of tenants) {
    const seen = [...truth.models].filter(([key]) => visible(truth, p.tenant, key))
    const { items } = await registry.searchModels(p, { limit: 1000 })
    expect(items.map((item) => item.name).sort()).toEqual(seen.map(([key]) => key).sort())
    const versions = (await registry.searchVersions(p, { limit: 1000 })).items
    expect(versions.map((item) => `${item.name}@${item.version}`).sort()).toEqual(
      seen.flatMap(([key, found]) => [...found.versions].map((version) => `${key}@${version}`)).sort(),
    )
    for (let n = 0; n < 3; n++) {
      const found = visible(truth, p.tenant, name(n)) ? truth.models.get(name(n))! : undefined
      const readable = found ? 'ok' : 'not-found'
      const resolvable = found && found.versions.size > 0 ? 'ok' : 'not-found'
      const { program, client, server } = model(n)
      expect(await outcome(registry.getModel(p, name(n)))).toBe(readable)
      expect(await outcome(registry.latestVersions(p, name(n)))).toBe(readable)
      expect(await outcome(registry.resolve(p, name(n)))).toBe(resolvable)
      expect(await outcome(registry.file(p, name(n), undefined, 'client.gbx'))).toBe(resolvable)
      expect(await outcome(registry.blob(p, sha256(client)))).toBe(resolvable)
      expect(await outcome(registry.blob(p, sha256(server)))).toBe('not-found')
      expect(await registry.mayUse(p.tenant, program)).toBe(resolvable === 'ok')
      const digest = sha256(frames[n]!)
      const own = truth.keys.has(`${p.tenant} ${digest}`)
      expect((await keys.state(p, digest)) !== undefined).toBe(own)
      expect(await outcome(bytesOf(keys.bytes(p.tenant, digest)))).toBe(own ? 'ok' : 'not-found')
      expect(await outcome(keys.use(p.tenant, digest))).toBe(own ? 'ok' : 'not-found')
    }
    expect((await keys.list(p)).map(({ digest }) => `${p.tenant} ${digest}`).sort()).toEqual(
      [...truth.keys].filter((key) => key.startsWith(`${p.tenant} `)).sort(),
    )
  }
}

/** That a tenant sees, uses and deletes its own, and what it is granted. */
export function isolationSuite(name: string, open: OpenBackend, numRuns: number): void {
  describe(`tenants on ${name}`, () => {
    let backend: Backend
    let fixed: Omit<World, 'name'>
    beforeAll(async () => {
      backend = await open()
      const registry = registryOf(backend)
      const keys = keysOf(backend, { mayUse: (tenant, program) => registry.mayUse(tenant, program) })
      const tenants = ['t0', 't1', 't2'].map((tenant) => principal(tenant))
      const manifests: string[] = []
      for (let n = 0; n < 3; n++)
        for (const p of tenants) manifests[n] = (await upload(registry, p, { seed: n })).manifest
      const frames = [0, 1, 2].map((n) => keyFrame(model(n).program, 300))
      fixed = { registry, keys, tenants, manifests, frames }
    })
    afterAll(() => backend[Symbol.asyncDispose]())

    test('any operations of three tenants end in what a plain model says', async () => {
      let world = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
          const { registry, keys, tenants } = fixed
          const id = ++world
          const made: World = { ...fixed, name: (i) => `w${id}-${i}` }
          const truth: Truth = { models: new Map(), counters: new Map(), keys: new Set() }
          try {
            for (const one of steps) await one(made, truth)
            await compare(made, truth)
          } finally {
            // The next run begins with nothing.
            for (const p of tenants) {
              for (const { digest } of await keys.list(p)) await keys.delete(p, digest)
              for (const { name, tenant } of (await registry.searchModels(p)).items)
                if (tenant === p.tenant) await registry.deleteModel(p, name)
            }
          }
        }),
        { numRuns },
      )
    })
  })
}
