import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openDatabase } from './database.ts'

// What takes processes of its own.

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

test('two processes write in turns', async () => {
  const directory = folder()
  const here = await openDatabase({ directory, exclusive: false })
  await here.db.insertInto('counters').values({ name: 'n', version: 0 }).execute()
  const count = `
    const { db, close } = await openDatabase({ directory: ${JSON.stringify(directory)}, exclusive: false })
    for (let i = 0; i < 100; i++)
      await db.transaction().execute(async (tx) => {
        const { version } = await tx.selectFrom('counters').selectAll().executeTakeFirstOrThrow()
        await tx.updateTable('counters').set({ version: version + 1 }).execute()
      })
    await close()`
  const children = [1, 2].map(async () => {
    const child = spawn(process.execPath, program(count), { stdio: 'inherit' })
    return new Promise((resolve) => child.once('exit', resolve))
  })
  expect(await Promise.all(children)).toEqual([0, 0])
  expect(await here.db.selectFrom('counters').select('version').execute()).toEqual([{ version: 200 }])
  await here.close()
})

test('nothing is printed of SQLite being experimental', () => {
  const { stderr, status } = spawnSync(
    process.execPath,
    program(`await (await openDatabase({ directory: ${JSON.stringify(folder())} })).close()`),
    { encoding: 'utf8' },
  )
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
})
