import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { bytesOf, keyFrame, keysOf, noise, principal, sha256, stream } from '../../test/stores.ts'
import { openDatabase } from './database.ts'
import { openFiles } from './files.ts'

// What only files have; the rest is in test/objects-suite.ts.

const folders: string[] = []
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'glovebox-files-'))
  folders.push(made)
  return made
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true })
})
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test.skipIf(process.platform === 'win32')(
  'files are of this user alone, in folders by their first two letters',
  async () => {
    const directory = join(folder(), 'objects')
    const objects = await openFiles({ directory })
    const digest = 'ab'.repeat(32)
    await objects.put(`keys/clinic/${digest}`, stream(noise(10)))
    const path = join(directory, 'keys/clinic/~ab', digest)
    expect(mode(path)).toBe('600')
    for (const made of [directory, join(directory, 'keys'), join(directory, 'keys/clinic/~ab')])
      expect(mode(made)).toBe('700')
    await objects.delete(`keys/clinic/${digest}`)
    // Nothing of who was here is left.
    expect(readdirSync(join(directory, 'keys'))).toEqual([])
  },
)

test('what a crash left is swept at the start; where others write too, after a day', async () => {
  const directory = folder()
  await openFiles({ directory })
  const [young, old] = ['young', 'old'].map((name) => join(directory, '~tmp', name))
  const leave = (): void => {
    for (const path of [young!, old!]) writeFileSync(path, 'half')
    const past = Date.now() / 1000 - 25 * 3600
    utimesSync(old!, past, past)
  }
  leave()
  await openFiles({ directory, shared: true })
  expect(readdirSync(join(directory, '~tmp'))).toEqual(['young'])
  leave()
  await openFiles({ directory })
  expect(readdirSync(join(directory, '~tmp'))).toEqual([])
})

function mountTiny(): string | undefined {
  const path = folder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'ignore' })
    return path
  } catch {
    return undefined
  }
}

test('a full disk is told, and is all that happens', async ({ skip }) => {
  const directory = mountTiny()
  if (directory === undefined) return skip('no file system can be mounted here')
  try {
    const database = await openDatabase({ directory: join(directory, 'data') })
    const objects = await openFiles({ directory: join(directory, 'objects') })
    const keys = keysOf({ database, objects, [Symbol.asyncDispose]: async () => undefined })
    const p = principal('clinic')
    const [small, large] = [keyFrame('11'.repeat(32), 1000), keyFrame('11'.repeat(32), 6 * 2 ** 20)]
    await keys.put(p, sha256(small), stream(small))
    const full = { code: 'unavailable', message: expect.stringContaining('full') }
    await expect(keys.put(p, sha256(large), stream(large))).rejects.toMatchObject(full)
    const total = large.length
    await keys.append(p, sha256(large), { offset: 0, total, body: stream(large.subarray(0, 2 ** 20)) })
    await expect(
      keys.append(p, sha256(large), { offset: 2 ** 20, total, body: stream(large.subarray(2 ** 20)) }),
    ).rejects.toMatchObject(full)
    expect(readdirSync(join(directory, 'objects/~tmp'))).toEqual([])
    expect(await keys.state(p, sha256(large))).toEqual({ complete: false, offset: 2 ** 20 })
    // The database, on a disk that is full to the last byte.
    const fill = async (): Promise<void> => {
      for (let i = 0; i < 10_000; i++)
        await database.db
          .insertInto('counters')
          .values({ name: `n${i}-${'x'.repeat(5000)}`, version: i })
          .execute()
    }
    await expect(fill()).rejects.toMatchObject(full)
    await expect(objects.ready()).rejects.toMatchObject(full)
    const { length } = await database.db.selectFrom('counters').select('version').execute()
    expect(length).toBeGreaterThan(10)
    await keys.delete(p, sha256(large))
    await objects.ready()
    await database.db.insertInto('counters').values({ name: 'after', version: 1 }).execute()
    expect(await bytesOf(keys.bytes(p.tenant, sha256(small)))).toEqual(small)
    await database.close()
  } finally {
    execFileSync('umount', [directory])
  }
})

test('a folder that cannot be used is told', async () => {
  const directory = folder()
  writeFileSync(join(directory, 'file'), '')
  await expect(openFiles({ directory: join(directory, 'file') })).rejects.toThrow()
  mkdirSync(join(directory, 'a'))
})
