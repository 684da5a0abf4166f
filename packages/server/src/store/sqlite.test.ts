import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openDatabase } from './database.ts'

// What only the embedded database has; the rest is in test/*-suite.ts.

const folders: string[] = []
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'glovebox-sqlite-'))
  folders.push(made)
  return made
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true })
})

const database = join(import.meta.dirname, 'database.ts')
const program = (text: string): string[] => [
  '--conditions=@glovebox/source',
  '--input-type=module',
  '-e',
  `import { openDatabase } from ${JSON.stringify(database)}\n${text}`,
]

test.skipIf(process.platform === 'win32')('the files are of this user alone', async () => {
  const directory = join(folder(), 'data')
  const { close } = await openDatabase({ directory })
  expect((statSync(directory).mode & 0o777).toString(8)).toBe('700')
  for (const name of ['glovebox.db', 'glovebox.db-wal', 'glovebox.db-shm', 'glovebox.lock'])
    expect((statSync(join(directory, name)).mode & 0o777).toString(8), name).toBe('600')
  await close()
})

test('a second server on the directory is told so, from this process and from another', async () => {
  const directory = folder()
  const first = await openDatabase({ directory })
  const inUse = { code: 'unavailable', message: expect.stringContaining('in use by another server') }
  await expect(openDatabase({ directory })).rejects.toMatchObject(inUse)
  const other = `await openDatabase({ directory: ${JSON.stringify(directory)} }).catch(({ code, message }) => console.log(code, message))`
  expect(execFileSync(process.execPath, program(other), { encoding: 'utf8' })).toMatch(
    /^unavailable .* in use by another server/,
  )
  // Who only wants to look or to make a token may.
  const beside = await openDatabase({ directory, exclusive: false })
  await beside.db.insertInto('counters').values({ name: 'a', version: 1 }).execute()
  expect(await first.db.selectFrom('counters').selectAll().execute()).toEqual([{ name: 'a', version: 1 }])
  await beside.close()
  await first.close()
  await (await openDatabase({ directory })).close()
})

test('a Node without SQLite is told which one has it', async () => {
  const { getBuiltinModule } = process
  process.getBuiltinModule = (() => undefined) as typeof getBuiltinModule
  try {
    await expect(openDatabase({ directory: folder() })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('22.13'),
    })
  } finally {
    process.getBuiltinModule = getBuiltinModule
  }
})

test('what is no database, or one of a newer release, is told so', async () => {
  const directory = folder()
  writeFileSync(join(directory, 'glovebox.db'), 'something else entirely, and long enough to be looked at'.repeat(100))
  await expect(openDatabase({ directory })).rejects.toMatchObject({ code: 'malformed' })
  rmSync(join(directory, 'glovebox.db'))
  const { db, close } = await openDatabase({ directory })
  await db
    .insertInto('kysely_migration' as never)
    .values({ name: '0999-later', timestamp: new Date().toISOString() } as never)
    .execute()
  await close()
  await expect(openDatabase({ directory })).rejects.toMatchObject({ code: 'unsupported' })
})

test('a directory that cannot be made is told', async () => {
  const path = join(folder(), 'file')
  writeFileSync(path, '')
  await expect(openDatabase({ directory: join(path, 'data') })).rejects.toMatchObject({ code: 'unavailable' })
})
