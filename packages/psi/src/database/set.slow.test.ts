import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ClearSet, folder, newSet, standIn, textEntries, tinyMatrix, tinyPowers } from '../../test/clear.ts'
import { expectSame, expectSet, hex, shapes } from '../../test/set-suite.ts'
import { friendlySet, matrixSet } from '../params/presets.ts'
import { openSet } from './set.ts'

test.each(shapes)('%s: after builds, inserts and removals the rows are the set, where items meet', (_, literal) =>
  expectSet(literal, 10),
)

const child = join(import.meta.dirname, '../../test/build-child.ts')

/** The lines of a child that is killed some milliseconds after the first; undefined where it was through before. */
async function killed(directory: string, items: number, ms: number): Promise<{ lines: string[]; through: boolean }> {
  const process_ = spawn(process.execPath, ['--conditions=@glovebox/source', child, directory, String(items)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  let timer: NodeJS.Timeout | undefined
  process_.stdout.on('data', (text) => {
    out += text
    timer ??= setTimeout(() => process_.kill('SIGKILL'), ms)
  })
  const code = await new Promise<number | null>((resolve) => process_.once('close', resolve))
  clearTimeout(timer)
  return { lines: out.split('\n').slice(0, -1), through: code === 0 }
}

test('killed again and again a build loses a batch each time at most, and ends with the whole list', async () => {
  using directory = folder()
  const path = join(directory.path, 'set')
  newSet(path, tinyPowers({ hashFunctions: 2, labelBytes: 6, prefixBits: 4 })).close()
  const items = 4000
  const last: Record<string, number> = { evaluating: 0, placing: 0 }
  let kills = 0
  for (let through = false; !through; kills++) {
    const run = await killed(path, items, 10 + ((kills * 37) % 50))
    through = run.through
    const first: Record<string, number> = {}
    for (const [stage = '', done = ''] of run.lines.map((line) => line.split(' '))) {
      first[stage] ??= Number(done)
      expect(Number(done)).toBeGreaterThan(last[stage]!)
      last[stage] = Number(done)
    }
    if (!through) {
      // It may be killed between its last commit and its end.
      using set = openSet(path)
      through = set.state === 'complete'
    }
    if (!through) expect(() => openSet(path, { readOnly: true })).toThrow(/unfinished/)
    expect(kills).toBeLessThan(100)
  }
  expect(kills).toBeGreaterThan(5)
  using set = openSet(path, { readOnly: true })
  const entries = textEntries(0, items + 100, 6)
  const members = new Map(entries.slice(0, items).map(({ item, label }) => [item, hex(label)]))
  await expectSame(
    set,
    members,
    entries.filter((_, i) => i % 10 === 0 || i >= items).map(({ item }) => item),
  )
})

function mount(size: string): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'glovebox-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'ignore' })
    return path
  } catch {
    rmSync(path, { recursive: true })
    return undefined
  }
}

test('a full disk stops a build, an insert and a new set, is told, and loses nothing', async ({ skip }) => {
  const disk = mount('400k')
  if (disk === undefined) return skip('no file system can be mounted here')
  const full = { code: 'unavailable', message: expect.stringMatching(/disk is full: make room and try again/) }
  const room = (size: string): unknown => execFileSync('mount', ['-o', `remount,size=${size}`, disk])
  try {
    const path = join(disk, 'set')
    const entries = textEntries(0, 12_000, 6)
    {
      using set = newSet(path, tinyMatrix({ labelBytes: 6 }))
      const build = (): Promise<unknown> =>
        set.build(entries, { evaluate: standIn, batchItems: 500, commitBytes: 50_000 })
      // First while the list is evaluated, then again and again while rows are made.
      let stops = 0
      for (let kilobytes = 400; ; kilobytes += 400, stops++) {
        room(`${kilobytes}k`)
        try {
          await build()
          break
        } catch (error) {
          expect(error).toMatchObject(full)
        }
      }
      expect(stops).toBeGreaterThan(2)
    }
    using set = openSet(path)
    const before = set.digest
    // It ends with an error when the disk is full, as it should be.
    expect(spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4k']).status).not.toBe(0)
    await expect(set.insert(textEntries(20_000, 26_000, 6), standIn)).rejects.toMatchObject(full)
    expect([set.digest, set.items]).toEqual([before, 12_000])
    expect(() => newSet(join(disk, 'another'), tinyPowers())).toThrow(expect.objectContaining({ code: 'unavailable' }))
    rmSync(join(disk, 'filler'))
    room('64m')
    expect(await set.insert(textEntries(20_000, 26_000, 6), standIn)).toEqual({ inserted: 6000, replaced: 0 })
    const sample = textEntries(0, 26_000, 6).filter((_, i) => i % 500 === 0)
    const clear = new ClearSet(set)
    for (const [i, { item, label }] of sample.entries())
      expect(await clear.find(item)).toEqual(i * 500 < 12_000 || i * 500 >= 20_000 ? [hex(label)] : [])
  } finally {
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true })
  }
})

test.each([
  ['matrix', matrixSet(2 ** 20, { labelBytes: 16 }), 20_000],
  ['friendly', friendlySet({ labelBytes: 4, prefixBits: 4 }), 20_000],
  [
    'friendly, 3 functions',
    { ...friendlySet(), powers: { ...friendlySet().powers!, hashFunctions: 3, tableSize: 1500 } },
    20_000,
  ],
] as const)('real parameters, made by threads: %s', async (_, literal, items) => {
  using directory = folder()
  using set = newSet(join(directory.path, 'set'), literal)
  const entries = textEntries(0, items + 2000, literal.labelBytes)
  await set.build(entries.slice(0, items), { evaluate: standIn })
  await set.insert(entries.slice(items - 500, items + 1000), standIn)
  await set.remove(
    entries.slice(0, 1000).map(({ item }) => item),
    standIn,
  )
  expect(set.items).toBe(items)
  const clear = new ClearSet(set)
  const universe = [
    ...entries.slice(995, 1005),
    ...entries.slice(items - 5, items + 5),
    ...entries.slice(items + 995, items + 1005),
  ]
  for (const { item, label } of universe) {
    const position = entries.findIndex((entry) => entry.item === item)
    const member = position >= 1000 && position < items + 1000
    const found = member ? new Array<string>(await clear.copies(item)).fill(hex(label)) : []
    expect(await clear.find(item), String(position)).toEqual(found)
  }
})
