import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeManifest } from '../src/registry/manifest.ts'
import type { Registry } from '../src/registry/registry.ts'
import type { ObjectStore } from '../src/store/objects.ts'
import {
  type Backend,
  bytesOf,
  model,
  noise,
  type OpenBackend,
  principal,
  push,
  registryOf,
  sha256,
  stream,
  upload,
} from './stores.ts'

/** Models, versions, and all that is said of them. */
export function registrySuite(name: string, open: OpenBackend): void {
  describe(`registry on ${name}`, () => {
    let backend: Backend
    let registry: Registry
    beforeAll(async () => {
      backend = await open()
      registry = registryOf(backend)
    })
    afterAll(() => backend[Symbol.asyncDispose]())
    let names = 0
    /** A tenant and a name of a model that nobody has. */
    const fresh = () => ({
      p: principal(`owner-${++names}`),
      other: principal(`other-${names}`),
      name: `model-${names}`,
    })

    test('a version is read from its files', async () => {
      const { p, name } = fresh()
      const texts = {
        'card.md': '# Digits',
        'examples.json': '{"kind": "digit", "items": []}',
        'metrics.json': '{"accuracy": 0.926, "samples": 10000, "note": "held out", "classes": ["a"]}',
      }
      const made = await push(registry, p, name, { texts, tags: { team: 'blue', samples: '9' } })
      const { client, server, program } = model()
      expect(made).toMatchObject({
        name,
        tenant: p.tenant,
        version: 1,
        digest: program,
        inputShape: [1, 4, 4],
        outputShape: [3],
        needsKeys: true,
        kind: 'digit',
        stage: 'None',
        tags: { accuracy: '0.926', samples: '9', note: 'held out', team: 'blue' },
        aliases: [],
        files: {
          'client.gbx': { sha256: sha256(client), bytes: client.length },
          'server.gbx': { sha256: sha256(server), bytes: server.length },
        },
      })
      expect(made.params.ringDegree).toBeGreaterThan(0)
      expect(made.marginBits).toBeTypeOf('number')
      expect(await registry.getVersion(p, name, 1)).toEqual(made)
      expect(await registry.resolve(p, name)).toEqual(made)
      const card = await registry.file(p, name, undefined, 'card.md')
      expect(Buffer.from(await bytesOf(card.body)).toString()).toBe('# Digits')
      expect(Buffer.compare(await registry.serverPart(sha256(server)), server)).toBe(0)
    })

    test('numbers go up, and none is given again: not after deletion, not after a new model of the name', async () => {
      const { p, name } = fresh()
      for (const expected of [1, 2, 3]) expect((await push(registry, p, name)).version).toBe(expected)
      await registry.deleteVersion(p, name, 3)
      expect((await push(registry, p, name)).version).toBe(4)
      await registry.deleteModel(p, name)
      await expect(registry.getModel(p, name)).rejects.toMatchObject({ code: 'not-found' })
      expect((await push(registry, p, name)).version).toBe(5)
      await registry.renameModel(p, name, `${name}-new`)
      expect((await push(registry, p, `${name}-new`)).version).toBe(6)
      expect((await push(registry, p, name)).version).toBe(6)
    })

    test('many versions at once get a number each', async () => {
      const { p, name } = fresh()
      const { manifest } = await upload(registry, p)
      await registry.createModel(p, { name })
      const made = await Promise.all(Array.from({ length: 10 }, () => registry.createVersion(p, { name, manifest })))
      expect(made.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 10 }, (_, i) => i + 1),
      )
    })

    test('files of one version at a time are in memory, however many are made', async () => {
      const { p, name } = fresh()
      await push(registry, p, name)
      const { manifest } = await upload(registry, p)
      let [open, most] = [0, 0]
      const objects: ObjectStore = {
        ...backend.objects,
        async *get(key) {
          most = Math.max(most, ++open)
          yield* backend.objects.get(key)
          open--
        },
      }
      const watched = registryOf({ ...backend, objects } as Backend)
      await Promise.all(Array.from({ length: 4 }, () => watched.createVersion(p, { name, manifest })))
      expect([open, most]).toEqual([0, 1])
    })

    test('a name is taken once, by whomever; many at once get it once', async () => {
      const { p, other, name } = fresh()
      const create = (who: typeof p): Promise<boolean> =>
        registry.createModel(who, { name }).then(
          () => true,
          (error: { code: string }) => error.code !== 'exists',
        )
      const made = await Promise.all(Array.from({ length: 8 }, (_, i) => create(i % 2 ? p : other)))
      expect(made.filter(Boolean).length).toBe(1)
    })

    test('names, aliases, stages, tags, descriptions are checked', async () => {
      const { p, name } = fresh()
      await push(registry, p, name)
      for (const bad of ['', '.', '..', 'a/b', 'a b', 'é', 'x'.repeat(65), '<b>', 'a\0'])
        await expect(registry.createModel(p, { name: bad }), bad).rejects.toMatchObject({ code: 'malformed' })
      for (const bad of ['', '7', 'v7', 'V7', 'latest', 'LATEST', 'a/b', 'x'.repeat(65)])
        await expect(registry.setAlias(p, name, bad, 1), bad).rejects.toMatchObject({ code: 'malformed' })
      await expect(registry.transitionStage(p, name, 1, 'Live')).rejects.toMatchObject({ code: 'malformed' })
      for (const [key, value] of [
        ['', 'x'],
        ['k'.repeat(251), 'x'],
        ['k', 'v'.repeat(5001)],
        ['a\0', 'x'],
        ['a', '\0'],
      ] as const)
        await expect(registry.setTag(p, name, 1, key, value)).rejects.toMatchObject({ code: 'malformed' })
      for (const bad of ['x'.repeat(20_001), 'a\0'])
        await expect(registry.updateModel(p, name, bad)).rejects.toMatchObject({ code: 'malformed' })
      const tags = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`k${i}`, 'v']))
      await expect(registry.createModel(p, { name: 'many', tags })).rejects.toMatchObject({ code: 'malformed' })
      // Some databases know no such text.
      for (const ask of [
        () => registry.resolve(p, 'a\0'),
        () => registry.resolve(p, name, 'a\0'),
        () => registry.deleteTag(p, name, 1, 'a\0'),
      ])
        await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^(malformed|not-found)$/) })
      expect(
        (await registry.createModel(p, { name: `${'.'.repeat(60)}${names}a`, tags: { 'any key ♥': 'wert' } })).tags,
      ).toEqual({ 'any key ♥': 'wert' })
    })

    test('resolves numbers, aliases, production, the highest', async () => {
      const { p, name } = fresh()
      await registry.createModel(p, { name })
      await expect(registry.resolve(p, name)).rejects.toMatchObject({ code: 'not-found' })
      for (let i = 0; i < 3; i++) await push(registry, p, name)
      const version = async (asked?: string): Promise<number> => (await registry.resolve(p, name, asked)).version
      expect(await version()).toBe(3)
      await registry.setAlias(p, name, 'production', 1)
      await registry.setAlias(p, name, 'candidate', 'production')
      expect(await version()).toBe(1)
      expect(await version('candidate')).toBe(1)
      expect(await version('2')).toBe(2)
      expect(await version('latest')).toBe(3)
      await registry.setAlias(p, name, 'production', 2)
      expect(await version()).toBe(2)
      expect((await registry.getVersion(p, name, 2)).aliases).toEqual(['production'])
      expect((await registry.getModel(p, name)).aliases).toEqual({ production: 2, candidate: 1 })
      for (const none of ['4', '0', 'staging', '99999999999999999999', '1.5', '-1', ''])
        await expect(version(none), none).rejects.toMatchObject({ code: 'not-found' })
      await registry.deleteVersion(p, name, 2)
      expect(await version()).toBe(3)
      await registry.deleteAlias(p, name, 'candidate')
      await expect(registry.deleteAlias(p, name, 'candidate')).rejects.toMatchObject({ code: 'not-found' })
    })

    test('what this replica changes it sees at once, what another changes within its second', async () => {
      const { p, other, name } = fresh()
      const [here, there] = [registryOf(backend, { cacheMs: 1000 }), registryOf(backend, { cacheMs: 1000 })]
      for (let i = 0; i < 2; i++) await push(registry, p, name)
      await here.grant(p, name, other.tenant)
      for (const one of [here, there]) expect((await one.resolve(other, name)).version).toBe(2)
      await here.setAlias(p, name, 'production', 1)
      expect((await here.resolve(other, name)).version).toBe(1)
      await here.revoke(p, name, other.tenant)
      await expect(here.resolve(other, name)).rejects.toMatchObject({ code: 'not-found' })
      const { now } = Date
      for (const ms of [1001, -3_600_000])
        try {
          Date.now = () => now() + ms
          await expect(there.resolve(other, name)).rejects.toMatchObject({ code: 'not-found' })
        } finally {
          Date.now = now
        }
    })

    test('stages as MLflow has them', async () => {
      const { p, name } = fresh()
      for (let i = 0; i < 4; i++) await push(registry, p, name)
      await registry.transitionStage(p, name, 1, 'production')
      await registry.transitionStage(p, name, 2, 'Production')
      await registry.transitionStage(p, name, 3, 'Staging')
      const latest = async (stages?: string[]): Promise<[string, number][]> =>
        (await registry.latestVersions(p, name, stages)).map(({ stage, version }) => [stage, version])
      expect(await latest()).toEqual([
        ['None', 4],
        ['Staging', 3],
        ['Production', 2],
      ])
      expect(await latest(['Production', 'Archived'])).toEqual([['Production', 2]])
      const moved = await registry.transitionStage(p, name, 4, 'Production', { archiveExisting: true })
      expect(moved.stage).toBe('Production')
      expect(await latest()).toEqual([
        ['Staging', 3],
        ['Production', 4],
        ['Archived', 2],
      ])
      expect((await registry.getVersion(p, name, 1)).stage).toBe('Archived')
    })

    test('descriptions, tags of models and of versions, names change; what was computed does not', async () => {
      const { p, name } = fresh()
      const made = await push(registry, p, name)
      await registry.updateModel(p, name, 'Digits of a form')
      await registry.updateVersion(p, name, 1, 'the first')
      await registry.setTag(p, name, undefined, 'team', 'blue')
      await registry.setTag(p, name, 1, 'team', 'red')
      await registry.setTag(p, name, 1, 'team', 'green')
      const renamed = await registry.renameModel(p, name, `${name}.b`)
      expect(renamed).toMatchObject({ name: `${name}.b`, description: 'Digits of a form', tags: { team: 'blue' } })
      expect(renamed.versions).toMatchObject([
        { version: 1, name: `${name}.b`, description: 'the first', tags: { team: 'green' } },
      ])
      for (const what of ['digest', 'manifest', 'files', 'params', 'createdAt'] as const)
        expect(renamed.versions[0]![what]).toEqual(made[what])
      await expect(registry.getModel(p, name)).rejects.toMatchObject({ code: 'not-found' })
      await registry.deleteTag(p, `${name}.b`, 1, 'team')
      await expect(registry.deleteTag(p, `${name}.b`, 1, 'team')).rejects.toMatchObject({ code: 'not-found' })
      await registry.createModel(p, { name })
      await expect(registry.renameModel(p, name, `${name}.b`)).rejects.toMatchObject({ code: 'exists' })
      expect((await registry.renameModel(p, name, name)).name).toBe(name)
    })

    test('a version needs its manifest, all blobs of it, and two parts of one program', async () => {
      const { p, other, name } = fresh()
      const { files } = await upload(registry, p)
      await upload(registry, p, { seed: 7 })
      await registry.createModel(p, { name })
      const create = async (manifest: Uint8Array): Promise<unknown> => {
        await registry.putBlob(p, sha256(manifest), stream(manifest))
        return registry.createVersion(p, { name, manifest: sha256(manifest) })
      }
      const second = model(7).server
      const cases: [what: string, manifest: Uint8Array, code: string][] = [
        [
          'two programs',
          writeManifest({ ...files, 'server.gbx': { sha256: sha256(second), bytes: second.length } }),
          'parameters-mismatch',
        ],
        [
          'a blob that is not here',
          writeManifest({ ...files, 'card.md': { sha256: '00'.repeat(32), bytes: 3 } }),
          'not-found',
        ],
        ['another size', writeManifest({ ...files, 'client.gbx': { ...files['client.gbx'], bytes: 3 } }), 'malformed'],
        [
          'parts exchanged',
          writeManifest({ 'client.gbx': files['server.gbx'], 'server.gbx': files['client.gbx'] }),
          'malformed',
        ],
        ['no JSON', noise(100), 'malformed'],
        ['another format', new TextEncoder().encode('{"format":"x","files":{}}'), 'malformed'],
        [
          'a name too many',
          new TextEncoder().encode(
            JSON.stringify({ format: 'glovebox.model.v1', files: { ...files, '../x': files['client.gbx'] } }),
          ),
          'malformed',
        ],
        [
          'a part too few',
          new TextEncoder().encode(
            JSON.stringify({ format: 'glovebox.model.v1', files: { 'client.gbx': files['client.gbx'] } }),
          ),
          'malformed',
        ],
        ['far too large', noise(70_000), 'too-large'],
      ]
      for (const [what, manifest, code] of cases) await expect(create(manifest), what).rejects.toMatchObject({ code })
      await expect(registry.createVersion(p, { name, manifest: 'ff'.repeat(32) })).rejects.toMatchObject({
        code: 'not-found',
      })
      await expect(registry.createVersion(p, { name, manifest: '../../x' })).rejects.toMatchObject({
        code: 'malformed',
      })
      await expect(registry.createVersion(p, { name: 'nothing', manifest: 'ff'.repeat(32) })).rejects.toMatchObject({
        code: 'not-found',
      })
      expect((await registry.getModel(p, name)).versions).toEqual([])
      // A digest is no right to the bytes.
      await registry.createModel(other, { name: `${name}-other` })
      const manifest = writeManifest(files)
      await registry.putBlob(other, sha256(manifest), stream(manifest))
      await expect(
        registry.createVersion(other, { name: `${name}-other`, manifest: sha256(manifest) }),
      ).rejects.toMatchObject({ code: 'not-found' })
    })

    test('scopes: who may not push does not write', async () => {
      const { p, name } = fresh()
      await push(registry, p, name)
      const reader = principal(p.tenant, 'predict')
      expect((await registry.resolve(reader, name)).version).toBe(1)
      const writes: (() => Promise<unknown>)[] = [
        () => registry.createModel(reader, { name: `${name}-x` }),
        () => registry.updateModel(reader, name, ''),
        () => registry.renameModel(reader, name, `${name}-y`),
        () => registry.deleteModel(reader, name),
        () => registry.createVersion(reader, { name, manifest: '00'.repeat(32) }),
        () => registry.updateVersion(reader, name, 1, ''),
        () => registry.deleteVersion(reader, name, 1),
        () => registry.transitionStage(reader, name, 1, 'Production'),
        () => registry.setTag(reader, name, 1, 'k', 'v'),
        () => registry.deleteTag(reader, name, 1, 'k'),
        () => registry.setAlias(reader, name, 'production', 1),
        () => registry.deleteAlias(reader, name, 'production'),
        () => registry.grant(reader, name, '*'),
        () => registry.revoke(reader, name, '*'),
        () => registry.putBlob(reader, '00'.repeat(32), stream(noise(1))),
        () => registry.appendBlob(reader, '00'.repeat(32), { offset: 0, total: 1, body: stream(noise(1)) }),
        () => registry.blobState(reader, '00'.repeat(32)),
      ]
      for (const write of writes) await expect(write(), String(write)).rejects.toMatchObject({ code: 'unauthorised' })
    })

    test('who is granted reads and does not write; a grant ends', async () => {
      const { p, other, name } = fresh()
      const { files } = await push(registry, p, name)
      await expect(registry.getModel(other, name)).rejects.toMatchObject({ code: 'not-found' })
      await registry.grant(p, name, other.tenant)
      await expect(registry.grant(p, name, other.tenant)).rejects.toMatchObject({ code: 'exists' })
      expect(await registry.permissions(p, name)).toEqual([other.tenant])
      expect((await registry.getModel(other, name)).versions.length).toBe(1)
      expect(await registry.mayUse(other.tenant, model().program)).toBe(true)
      expect((await bytesOf((await registry.blob(other, files['client.gbx'].sha256)).body)).length).toBe(
        files['client.gbx'].bytes,
      )
      for (const write of [
        () => registry.deleteModel(other, name),
        () => registry.setAlias(other, name, 'production', 1),
        () => registry.permissions(other, name),
        () => registry.grant(other, name, 'third'),
      ])
        await expect(write()).rejects.toMatchObject({ code: 'unauthorised' })
      await registry.revoke(p, name, other.tenant)
      await expect(registry.revoke(p, name, other.tenant)).rejects.toMatchObject({ code: 'not-found' })
      for (const read of [() => registry.getModel(other, name), () => registry.blob(other, files['client.gbx'].sha256)])
        await expect(read()).rejects.toMatchObject({ code: 'not-found' })
      await registry.grant(p, name, '*')
      expect((await registry.resolve(principal('passer-by', 'predict'), name)).version).toBe(1)
    })

    test('a server part is given to nobody, by no name', async () => {
      const { p, name } = fresh()
      const { files, manifest } = await push(registry, p, name)
      await registry.grant(p, name, '*')
      for (const who of [p, principal(p.tenant, 'admin')]) {
        await expect(registry.file(who, name, '1', 'server.gbx')).rejects.toMatchObject({ code: 'not-found' })
        await expect(registry.blob(who, files['server.gbx'].sha256)).rejects.toMatchObject({ code: 'not-found' })
        await expect(registry.blob(who, manifest)).rejects.toMatchObject({ code: 'not-found' })
      }
      // Not either where somebody who has the bytes calls them a card.
      const { client, server } = model()
      await registry.putBlob(p, sha256(server), stream(server))
      const disguised = writeManifest({ ...files, 'card.md': { sha256: sha256(server), bytes: server.length } })
      await registry.putBlob(p, sha256(disguised), stream(disguised))
      await registry.createVersion(p, { name, manifest: sha256(disguised) })
      await expect(registry.blob(p, sha256(server))).rejects.toMatchObject({ code: 'not-found' })
      await expect(registry.file(p, name, '2', 'card.md')).rejects.toMatchObject({ code: 'not-found' })
      expect((await registry.blob(p, sha256(client))).bytes).toBe(client.length)
    })

    test('searches by name and tag, page by page', async () => {
      const { p, other } = fresh()
      const all = ['a', 'b_b', 'bXb', 'B.b', 'c'].map((end) => `s${names}-${end}`)
      for (const name of all) {
        await push(registry, p, name, { tags: { end: name } })
        await registry.setTag(p, name, undefined, 'my key', name.endsWith('c') ? "it's" : 'x')
      }
      await push(registry, p, all[0]!)
      const models = async (filter?: string, who = p): Promise<string[]> =>
        (await registry.searchModels(who, { filter })).items
          .map(({ name }) => name)
          .filter((name) => name.startsWith(prefix))
          .sort()
      const prefix = `s${names}-`
      const mine = `name LIKE '${prefix}%'`
      expect(await models()).toEqual([...all].sort())
      expect(await models(`name = '${all[0]}'`)).toEqual([all[0]])
      expect(await models(`name LIKE '${prefix}b%'`)).toEqual([`${prefix}bXb`, `${prefix}b_b`])
      expect(await models(`name ilike '${prefix}B%b'`)).toEqual([`${prefix}B.b`, `${prefix}bXb`, `${prefix}b_b`])
      expect(await models("tags.`my key` = 'it''s'")).toEqual([`${prefix}c`])
      expect(await models(`tags."my key" = 'x' AND name like '%a'`)).toEqual([`${prefix}a`])
      expect(await models(undefined, other)).toEqual([])
      const versions = async (filter: string): Promise<string[]> =>
        (await registry.searchVersions(p, { filter })).items.map(({ name, version }) => `${name}@${version}`)
      expect(await versions(`name = '${all[0]}'`)).toEqual([`${all[0]}@2`, `${all[0]}@1`])
      expect(await versions(`version_number = 2 AND ${mine}`)).toEqual([`${all[0]}@2`])
      expect(await versions(`tags.end = '${all[4]}'`)).toEqual([`${all[4]}@1`])
      for (const bad of [
        "name = 'a' OR name = 'b'",
        'name',
        "name = 'a' AND ",
        "'a' = name",
        "name > 'a'",
        "x = 'y'",
        "name = 'a' name = 'b'",
        "name like 'a\\%'",
        "tags.a like 'b'",
        "version_number = 'x'",
      ])
        await expect(registry.searchVersions(p, { filter: bad }), bad).rejects.toMatchObject({ code: 'malformed' })
      await expect(registry.searchModels(p, { filter: 'version_number = 1' })).rejects.toMatchObject({
        code: 'malformed',
      })

      const pages = async (
        search: (next?: string) => Promise<{ items: readonly { name: string }[]; next: string | undefined }>,
      ): Promise<string[]> => {
        const seen: string[] = []
        for (let next: string | undefined; ; ) {
          const page = await search(next)
          expect(page.items.length).toBeLessThanOrEqual(2)
          seen.push(...page.items.map(({ name }) => name))
          next = page.next
          if (next === undefined) return seen.sort()
        }
      }
      expect(await pages((next) => registry.searchModels(p, { filter: mine, limit: 2, next }))).toEqual([...all].sort())
      expect(await pages((next) => registry.searchVersions(p, { filter: mine, limit: 2, next }))).toEqual(
        [...all, all[0]].sort(),
      )
      for (const next of ['', 'x', Buffer.from('{}').toString('base64url')])
        await expect(registry.searchModels(p, { next })).rejects.toMatchObject({ code: 'malformed' })
      for (const limit of [0, 1001, 0.5])
        await expect(registry.searchModels(p, { limit })).rejects.toMatchObject({ code: 'malformed' })
    })

    test('blobs that nothing refers to go after a day, the others stay', async () => {
      const { p, other, name } = fresh()
      const loose = noise(2000, names)
      await registry.putBlob(p, sha256(loose), stream(loose))
      const { files } = await push(registry, p, name)
      // The same bytes, of somebody who has no version of them.
      await upload(registry, other)
      await registry.sweep()
      expect(await registry.blobState(p, sha256(loose))).toMatchObject({ complete: true })
      const later = Date.now() + 25 * 3_600_000
      await registry.sweep(later)
      expect(await registry.blobState(p, sha256(loose))).toBeUndefined()
      expect(await registry.blobState(other, files['server.gbx'].sha256)).toBeUndefined()
      expect((await registry.serverPart(files['server.gbx'].sha256)).length).toBe(files['server.gbx'].bytes)
      await registry.deleteVersion(p, name, 1)
      await registry.sweep(later)
      expect(await registry.blobState(p, files['client.gbx'].sha256)).toBeUndefined()
    })

    test('a blob comes in parts as keys do, and is of its tenant alone', async () => {
      const { p, other } = fresh()
      const bytes = noise(20_000, 77 + names)
      const [digest, total] = [sha256(bytes), bytes.length]
      const send = (who: typeof p, offset: number, end: number) =>
        registry.appendBlob(who, digest, { offset, total, body: stream(bytes.subarray(offset, end)) })
      expect(await send(p, 0, 9000)).toMatchObject({ fits: true, complete: false, offset: 9000 })
      expect(await registry.blobState(p, digest)).toEqual({ complete: false, offset: 9000 })
      expect(await send(p, 0, 9000)).toMatchObject({ fits: false, offset: 9000 })
      expect(await send(p, 9000, total)).toMatchObject({ fits: true, complete: true, created: true })
      expect(await registry.blobState(p, digest)).toEqual({ complete: true, bytes: total })
      expect(await registry.blobState(other, digest)).toBeUndefined()
      // No version has it: not even its owner reads it back.
      await expect(registry.blob(p, digest)).rejects.toMatchObject({ code: 'not-found' })
      await expect(registry.putBlob(p, '00'.repeat(32), stream(bytes))).rejects.toMatchObject({ code: 'malformed' })
    })

    test('all versions of all tenants, for the threads', async () => {
      const { p, name } = fresh()
      await push(registry, p, name)
      const every = await registry.everyVersion()
      expect(every.filter((version) => version.name === name)).toMatchObject([{ version: 1, tenant: p.tenant }])
    })
  })
}
