import 'fake-indexeddb/auto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDB } from 'idb'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { browserStorage } from './browser.ts'
import { dataDirectory, fileStorage } from './files.ts'
import { indexedDbStorage } from './indexed-db.ts'
import { memoryStorage } from './memory.ts'
import type { KeyRecord, KeyStorage } from './storage.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'glovebox-keys-'))
})
afterAll(() => rm(folder, { recursive: true }))

const digestOf = (n: number): string => n.toString(16).padStart(64, '0')
const idOf = (n: number): string => `a${digestOf(n).slice(1)}`
const record = (n: number): KeyRecord => ({
  digest: digestOf(n),
  created: 1_700_000_000_000 + n,
  secret: Uint8Array.from({ length: 300 }, (_, i) => i * 7 + n),
})
const evaluation = (n: number): Uint8Array<ArrayBuffer> => Uint8Array.of(n, 1, 2, 3)

let next = 0
/** Makes two that share what they keep, as two tabs or processes. */
const storages: Readonly<Record<string, () => readonly [KeyStorage, KeyStorage]>> = {
  memory() {
    const one = memoryStorage()
    return [one, one]
  },
  IndexedDB() {
    const name = `test ${next++}`
    return [indexedDbStorage(name), indexedDbStorage(name)]
  },
  files() {
    const directory = join(folder, `keys ${next++}`)
    return [fileStorage(directory), fileStorage(directory)]
  },
}

describe.each(Object.entries(storages))('a storage in %s', (_, open) => {
  test('gives back what it keeps, and forgets it', async () => {
    const [one, two] = open()
    expect(await one.load(idOf(1))).toBeUndefined()
    expect(await one.keep(idOf(1), record(1), evaluation(1), undefined)).toEqual(record(1))
    expect(await two.load(idOf(1))).toEqual(record(1))
    await vi.waitFor(async () => expect(await two.evaluation(idOf(1), digestOf(1))).toEqual(evaluation(1)))
    expect(await two.load(idOf(2))).toBeUndefined()
    expect(await two.evaluation(idOf(1), digestOf(2))).toBeUndefined()
    expect(await two.evaluation(idOf(2), digestOf(1))).toBeUndefined()
    await two.delete(idOf(1))
    await two.delete(idOf(1))
    expect(await one.load(idOf(1))).toBeUndefined()
    expect(await one.evaluation(idOf(1), digestOf(1))).toBeUndefined()
  })

  test('does not let what it keeps be changed, or wiped, from outside', async () => {
    const [one] = open()
    const given = record(1)
    await one.keep(idOf(1), given, evaluation(1), undefined)
    given.secret.fill(0)
    const first = await one.load(idOf(1))
    first!.secret.fill(0)
    expect(await one.load(idOf(1))).toEqual(record(1))
  })

  test('keeps the first of two sets, and replaces only what was seen', async () => {
    const [one, two] = open()
    await one.keep(idOf(1), record(1), evaluation(1), undefined)
    expect(await two.keep(idOf(1), record(2), evaluation(2), undefined)).toEqual(record(1))
    expect(await two.keep(idOf(1), record(2), evaluation(2), digestOf(3))).toEqual(record(1))
    expect(await two.keep(idOf(1), record(2), evaluation(2), digestOf(1))).toEqual(record(2))
    expect(await one.load(idOf(1))).toEqual(record(2))
    await vi.waitFor(async () => expect(await one.evaluation(idOf(1), digestOf(2))).toEqual(evaluation(2)))
    expect(await one.evaluation(idOf(1), digestOf(1))).toBeUndefined()
  })

  test('has all who keep at once agree', async () => {
    const [one, two] = open()
    for (const replaces of [undefined, 'the one before']) {
      const before = (await one.load(idOf(1)))?.digest
      const winners = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          (i % 2 ? one : two).keep(idOf(1), record(10 * (replaces ? 2 : 1) + i), evaluation(i), before),
        ),
      )
      expect(new Set(winners.map(({ digest }) => digest)).size).toBe(1)
      expect(winners[0]!.digest).not.toBe(before)
      expect((await two.load(idOf(1)))!.digest).toBe(winners[0]!.digest)
    }
  })
})

describe('files', () => {
  const names = (directory: string): Promise<string[]> => readdir(directory)

  test('are of this user only, folder and all', async () => {
    const directory = join(folder, 'deep', 'keys')
    await fileStorage(directory).keep(idOf(1), record(1), evaluation(1), undefined)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    const files = await names(directory)
    expect(files.sort()).toEqual([`${idOf(1)}.1.secret`, `${idOf(1)}.${digestOf(1)}.evaluation`].sort())
    for (const file of files) expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600)
  })

  test('are not put where others may read', async () => {
    const directory = join(folder, 'open')
    await fileStorage(directory).keep(idOf(1), record(1), evaluation(1), undefined)
    await chmod(directory, 0o755)
    await expect(fileStorage(directory).keep(idOf(2), record(2), evaluation(2), undefined)).rejects.toMatchObject({
      code: 'unauthorised',
      message: expect.stringContaining('chmod 700'),
    })
  })

  test('are not taken from where others may have put them', async () => {
    const directory = join(folder, 'planted')
    await fileStorage(directory).keep(idOf(1), record(1), evaluation(1), undefined)
    await chmod(directory, 0o777)
    await expect(fileStorage(directory).load(idOf(1))).rejects.toMatchObject({ code: 'unauthorised' })
  })

  test('that are replaced, and that a process left behind, go', async () => {
    const directory = join(folder, 'left')
    const storage = fileStorage(directory)
    await storage.keep(idOf(1), record(1), evaluation(1), undefined)
    const [old, young] = [join(directory, 'x.part'), join(directory, 'y.part')]
    for (const path of [old, young]) await writeFile(path, 'half of a secret')
    const { utimes } = await import('node:fs/promises')
    await utimes(old, 1, 1)
    await storage.keep(idOf(1), record(2), evaluation(2), digestOf(1))
    expect((await names(directory)).sort()).toEqual(
      [`${idOf(1)}.2.secret`, `${idOf(1)}.${digestOf(2)}.evaluation`, 'y.part'].sort(),
    )
  })

  test('that are damaged count as none, and are replaced', async () => {
    const directory = join(folder, 'damaged')
    const storage = fileStorage(directory)
    await storage.keep(idOf(1), record(1), evaluation(1), undefined)
    await writeFile(join(directory, `${idOf(1)}.1.secret`), 'what is this')
    expect(await storage.load(idOf(1))).toBeUndefined()
    expect(await storage.keep(idOf(1), record(2), evaluation(2), undefined)).toEqual(record(2))
    expect(await storage.load(idOf(1))).toEqual(record(2))
  })

  test('are listed without their secrets, those that can be read', async () => {
    const storage = fileStorage(join(folder, 'listed'))
    expect(await storage.list()).toEqual([])
    for (const i of [1, 2, 3]) await storage.keep(idOf(i), record(i), evaluation(i), undefined)
    await storage.keep(idOf(2), record(4), evaluation(4), digestOf(2))
    await writeFile(join(folder, 'listed', `${idOf(3)}.1.secret`), 'what is this')
    const sets = (await storage.list()).sort((a, b) => a.created - b.created)
    expect(sets).toEqual(
      [1, 4].map((i) => ({ id: idOf(i === 4 ? 2 : i), digest: digestOf(i), created: record(i).created })),
    )
  })
  test('lie where the platform has them', () => {
    vi.stubEnv('XDG_DATA_HOME', '/data')
    expect(dataDirectory()).toBe(process.platform === 'linux' ? '/data/glovebox/keys' : dataDirectory())
    vi.unstubAllEnvs()
  })

  test('hold the secret key as it is: the file is what guards it', async () => {
    const directory = join(folder, 'plain')
    await fileStorage(directory).keep(idOf(1), record(1), evaluation(1), undefined)
    const bytes = await readFile(join(directory, `${idOf(1)}.1.secret`))
    expect(bytes.includes(Buffer.from(record(1).secret))).toBe(true)
  })
})

describe('IndexedDB', () => {
  test('holds the secret key sealed, bound to its place', async () => {
    const name = 'sealed'
    const storage = indexedDbStorage(name)
    await storage.keep(idOf(1), record(1), evaluation(1), undefined)
    const database = await openDB(name)
    const set = await database.get('sets', idOf(1))
    expect(Buffer.from(set.sealed).includes(Buffer.from(record(1).secret.subarray(0, 16)))).toBe(false)
    const wrapping = (await database.get('wrapping', 'secret keys')) as CryptoKey
    expect(wrapping.extractable).toBe(false)
    await expect(crypto.subtle.exportKey('raw', wrapping)).rejects.toThrow()
    // The seal of one place opens in no other, and what does not open is deleted.
    await database.put('sets', set, idOf(2))
    expect(await storage.load(idOf(2))).toBeUndefined()
    expect(await database.get('sets', idOf(2))).toBeUndefined()
    expect(await storage.load(idOf(1))).toEqual(record(1))
    database.close()
  })

  test('whose wrapping key was lost begins anew', async () => {
    const name = 'lost'
    await indexedDbStorage(name).keep(idOf(1), record(1), evaluation(1), undefined)
    const database = await openDB(name)
    await database.clear('wrapping')
    expect(await indexedDbStorage(name).keep(idOf(1), record(2), evaluation(2), undefined)).toEqual(record(2))
    expect(await indexedDbStorage(name).load(idOf(1))).toEqual(record(2))
    database.close()
  })

  test('that does not work is replaced by memory', async () => {
    vi.stubGlobal('indexedDB', {
      open() {
        throw new DOMException('not in private windows', 'SecurityError')
      },
    })
    const storage = browserStorage()
    await storage.keep(idOf(1), record(1), evaluation(1), undefined)
    expect(await storage.load(idOf(1))).toEqual(record(1))
    vi.stubGlobal('indexedDB', undefined)
    expect(await browserStorage().load(idOf(1))).toBeUndefined()
    vi.unstubAllGlobals()
  })
})
