import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Postgres, postgresMissing, startPostgres } from '../../test/postgres.ts'
import { type S3, startS3 } from '../../test/s3.ts'
import type { ChildOptions } from '../../test/store-child.ts'
import { bytesOf, keysOf, principal, registryOf, sha256 } from '../../test/stores.ts'
import { createTokens } from '../access/tokens.ts'
import { openDatabase } from './database.ts'
import { openFiles } from './files.ts'
import type { ObjectStore } from './objects.ts'
import { openS3 } from './s3.ts'

// A server is killed at random moments in the middle of everything, again and again on the same data.

/** Lines that a child wrote until SIGKILL, which comes `ms` after it had written as many as `lines`. */
async function killed(options: ChildOptions, lines: number, ms: number): Promise<string[]> {
  const child = spawn(
    process.execPath,
    ['--conditions=@glovebox/source', join(import.meta.dirname, '../../test/store-child.ts'), JSON.stringify(options)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let [out, errors] = ['', '']
  let timer: NodeJS.Timeout | undefined
  child.stderr.on('data', (text) => {
    errors += text
  })
  child.stdout.on('data', (text) => {
    out += text
    if (out.split('\n').length > lines) timer ??= setTimeout(() => child.kill('SIGKILL'), ms)
  })
  const [code] = await new Promise<[number | null]>((resolve) => child.once('close', (code) => resolve([code])))
  clearTimeout(timer)
  if (code !== null) throw new Error(`the child ended with ${code}: ${errors}`)
  return out.split('\n').slice(0, -1)
}

/** All that was ever acknowledged. */
interface Acknowledged {
  readonly keys: Set<string>
  readonly parts: Map<string, number>
  readonly tokens: string[]
  readonly versions: Map<number, string>
  readonly deleted: Set<number>
  alias: number
}

function note(known: Acknowledged, lines: readonly string[]): void {
  for (const [what, first = '', second = ''] of lines.map((line) => line.split(' '))) {
    if (what === 'keys') known.keys.add(first)
    if (what === 'part') known.parts.set(first, Number(second))
    if (what === 'token') known.tokens.push(first)
    if (what === 'deleted') known.deleted.add(Number(first))
    if (what === 'alias') known.alias = Number(first)
    if (what === 'version') {
      expect(known.versions.has(Number(first)), `version ${first} was given twice`).toBe(false)
      known.versions.set(Number(first), second)
    }
  }
}

/** That nothing acknowledged is lost, and nothing half is there. */
async function verify(options: ChildOptions, objects: ObjectStore, known: Acknowledged): Promise<void> {
  const database = await openDatabase(
    options.url === undefined ? { directory: options.directory } : { url: options.url },
  )
  try {
    const backend = { database, objects, [Symbol.asyncDispose]: async () => undefined }
    const [registry, keys] = [registryOf(backend), keysOf(backend)]
    const p = principal('writer')
    const listed = await keys.list(p)
    expect(listed.map(({ digest }) => digest)).toEqual(expect.arrayContaining([...known.keys]))
    for (const { digest } of listed) expect(sha256(await bytesOf(keys.bytes(p.tenant, digest)))).toBe(digest)
    for await (const { key } of objects.list('keys/'))
      expect(sha256(await bytesOf(objects.get(key))), `${key} is not whole`).toBe(key.split('/')[2])
    for (const [digest, offset] of known.parts) {
      const state = await keys.state(p, digest)
      if (!state?.complete && offset < 200_060)
        expect(state?.offset, 'an acknowledged part').toBeGreaterThanOrEqual(offset)
    }
    const tokens = createTokens(database.db)
    for (const token of known.tokens) expect((await tokens.verify(token)).tenant).toBe('writer')
    if (known.versions.size === 0) return
    const { versions, aliases } = await registry.getModel(p, 'model')
    const there = new Map(versions.map((version) => [version.version, version]))
    for (const [version, manifest] of known.versions) {
      const found = there.get(version)
      // The last deletion may have been done and not said.
      if (known.deleted.has(version)) expect(found).toBeUndefined()
      else if (found) expect(found.manifest).toBe(manifest)
      else expect(version).toBe(Math.max(...known.versions.keys()))
    }
    for (const { files } of versions)
      for (const { sha256: digest } of Object.values(files))
        expect(sha256(await bytesOf(objects.get((await blob(database, digest)).object)))).toBe(digest)
    expect(aliases.production ?? 0).toBeGreaterThanOrEqual(known.alias)
  } finally {
    await database.close()
  }
}

async function blob({ db }: Awaited<ReturnType<typeof openDatabase>>, digest: string): Promise<{ object: string }> {
  return db.selectFrom('blobs').select('object').where('sha256', '=', digest).executeTakeFirstOrThrow()
}

const nothing = (): Acknowledged => ({
  keys: new Set(),
  parts: new Map(),
  tokens: [],
  versions: new Map(),
  deleted: new Set(),
  alias: 0,
})
const random = (most: number): number => Math.random() * most

describe('SQLite and files', () => {
  test('10 kills in the middle of everything: nothing acknowledged is lost, nothing half is there', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'glovebox-crash-'))
    const known = nothing()
    for (let seed = 1; seed <= 10; seed++) {
      note(known, await killed({ directory, seed }, random(60), random(50)))
      const objects = await openFiles({ directory: join(directory, 'objects') })
      expect(readdirSync(join(directory, 'objects/~tmp'))).toEqual([])
      if (seed % 5 === 0) await verify({ directory, seed }, objects, known)
    }
    expect(known.keys.size).toBeGreaterThan(5)
    expect(known.tokens.length).toBeGreaterThan(5)
    expect(known.versions.size).toBeGreaterThan(2)
    rmSync(directory, { recursive: true })
  })

  test('a kill while the tables are made: the next start makes them', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const directory = mkdtempSync(join(tmpdir(), 'glovebox-crash-'))
      await killed({ directory, seed }, 1, random(15))
      const database = await openDatabase({ directory })
      expect(await database.db.selectFrom('audit').selectAll().execute()).toEqual([])
      await database.close()
      rmSync(directory, { recursive: true })
    }
  })
})

describe.skipIf(postgresMissing !== undefined)('PostgreSQL and S3', () => {
  let postgres: Postgres
  let s3: S3
  beforeAll(async () => {
    ;[postgres, s3] = await Promise.all([startPostgres(), startS3()])
  })
  afterAll(async () => {
    await Promise.all([postgres?.stop(), s3?.stop()])
  })

  test('4 kills of a server', async () => {
    const known = nothing()
    const base = { directory: '', url: await postgres.database(), s3: s3.options() }
    for (let seed = 1; seed <= 4; seed++) note(known, await killed({ ...base, seed }, random(60), random(50)))
    await verify({ ...base, seed: 0 }, await openS3(base.s3), known)
    expect(known.keys.size).toBeGreaterThan(0)
    expect(known.versions.size).toBeGreaterThan(0)
  })
})
