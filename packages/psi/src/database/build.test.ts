import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { folder, newSet, standIn, type TemporaryFolder, textEntries, tinyMatrix, tinyPowers } from '../../test/clear.ts'
import { expectSame, hex } from '../../test/set-suite.ts'
import { createOprfKey, encodeOprfKey } from '../oprf/key.ts'
import { friendlySet } from '../params/presets.ts'
import { planSet } from '../plan/plan.ts'
import { createSet } from './create-set.ts'
import type { SetEntry } from './records.ts'
import { openSet, type PsiSet } from './set.ts'

let directory: TemporaryFolder
let path: string
beforeEach(() => {
  directory = folder()
  path = join(directory.path, 'set')
})
afterEach(() => directory[Symbol.dispose]())

const entries = textEntries(0, 60, 6)
const literal = tinyPowers({ hashFunctions: 2, labelBytes: 6 })

async function expectEntries(set: PsiSet): Promise<void> {
  await expectSame(
    set,
    new Map(entries.map(({ item, label }) => [item, hex(label)])),
    entries.map(({ item }) => item),
  )
}

describe('a build that stops', () => {
  test('among the rows takes no list that has grown since: places are drawn for all items', async () => {
    using set = newSet(path, literal)
    const stop = new AbortController()
    const stopped = set.build(entries, {
      evaluate: standIn,
      commitBytes: 1000,
      signal: stop.signal,
      onProgress: ({ stage }) => {
        if (stage === 'placing') stop.abort(new Error('stopped'))
      },
    })
    await expect(stopped).rejects.toThrow('stopped')
    const grown = [...entries, ...textEntries(60, 70, 6)]
    await expect(set.build(grown, { evaluate: standIn })).rejects.toMatchObject({ code: 'parameters-mismatch' })
    await set.build(entries, { evaluate: standIn })
    await expectEntries(set)
  })

  test('at any commit goes on from there, in a process that opens the set again', async () => {
    newSet(path, literal).close()
    let evaluated = 0
    let stops = 0
    for (let built = false; !built; ) {
      using set = openSet(path)
      let progress = 0
      try {
        await set.build(entries, {
          evaluate: async (items) => {
            evaluated += items.length
            return standIn(items)
          },
          batchItems: 10,
          commitBytes: 1000,
          onProgress: () => {
            // Behind the first commit of each run.
            if (progress++ === 0 && stops < 100) throw new Error('stopped')
          },
        })
        built = true
      } catch (error) {
        expect(error).toMatchObject({ message: 'stopped' })
        stops++
        expect(() => openSet(path, { readOnly: true })).toThrow(/unfinished: run it again with the same list/)
        expect(() => [...set.rows()]).toThrow(/unfinished/)
        await expect(set.insert([], standIn)).rejects.toMatchObject({ code: 'unavailable' })
      }
    }
    // Six batches, and more than as many commits of rows; of each run a batch more was under way at most.
    expect(stops).toBeGreaterThan(12)
    expect(stops).toBeLessThan(60)
    expect(evaluated).toBeLessThanOrEqual(2 * entries.length)
    using set = openSet(path, { readOnly: true })
    await expectEntries(set)
    expect(existsSync(join(path, 'staging.sqlite'))).toBe(false)
  })

  test('by an error of the OPRF or of the list loses no batch before it', async () => {
    using set = newSet(path, literal)
    for (let failing = 0; failing < 6; failing++) {
      let calls = 0
      const evaluate = async (items: readonly Uint8Array[]): Promise<Uint8Array> => {
        if (calls++ === 1) throw new Error('no OPRF')
        return standIn(items)
      }
      const built = set.build(entries, { evaluate, batchItems: 10 })
      if (failing < 5) await expect(built).rejects.toThrow('no OPRF')
      else await built
    }
    await expectEntries(set)
  })

  test('by the list itself', async () => {
    using set = newSet(path, literal)
    const seen: number[] = []
    async function* list(end: number): AsyncGenerator<SetEntry> {
      yield* entries.slice(0, end)
      if (end < entries.length) throw new Error('no list')
    }
    const evaluate = async (items: readonly Uint8Array[]): Promise<Uint8Array> => {
      seen.push(items.length)
      return standIn(items)
    }
    for (const end of [25, 25, 45])
      await expect(set.build(list(end), { evaluate, batchItems: 10 })).rejects.toThrow('no list')
    await set.build(list(60), { evaluate, batchItems: 7 })
    expect(seen).toEqual([10, 10, 10, 10, 7, 7, 6])
    await expectEntries(set)
  })

  test('by a signal', async () => {
    using set = newSet(path, literal)
    const stop = new AbortController()
    const options = { evaluate: standIn, batchItems: 10, signal: stop.signal }
    const onProgress = ({ done }: { done: number }): void => {
      if (done === 20) stop.abort()
    }
    await expect(set.build(entries, { ...options, onProgress })).rejects.toMatchObject({ name: 'AbortError' })
    const done: number[] = []
    await set.build(entries, { evaluate: standIn, onProgress: (progress) => done.push(progress.done) })
    expect(done[0]).toBeGreaterThan(20)
    await expectEntries(set)
  })

  test('goes on with no other list', async () => {
    using set = newSet(path, literal)
    const evaluate = async (): Promise<Uint8Array> => Promise.reject(new Error('no OPRF'))
    let calls = 0
    const twice = (items: readonly Uint8Array[]): Promise<Uint8Array> => (calls++ < 2 ? standIn(items) : evaluate())
    await expect(set.build(entries, { evaluate: twice, batchItems: 10 })).rejects.toThrow('no OPRF')
    const changed = entries.map((entry, i) => (i === 13 ? { ...entry, label: new Uint8Array(6) } : entry))
    for (const other of [changed, entries.slice(0, 15), entries.toReversed(), []])
      await expect(set.build(other, { evaluate: standIn })).rejects.toMatchObject({ code: 'parameters-mismatch' })
    await set.build(entries, { evaluate: standIn })
    await expectEntries(set)
    await expect(set.build(entries, { evaluate: standIn })).rejects.toMatchObject({ code: 'exists' })
  })
})

test('of an item that is there more than once the last label counts, across batches', async () => {
  using set = newSet(path, literal)
  const label = (value: number): Uint8Array => new Uint8Array(6).fill(value)
  const [a, b] = [entries[0]!.item, entries[1]!.item]
  const list = [1, 2, 3, 4, 5].map((value) => ({ item: value === 2 ? b : a, label: label(value) }))
  expect(await set.build(list, { evaluate: standIn, batchItems: 2 })).toEqual({ items: 2, duplicates: 3 })
  await expectSame(
    set,
    new Map([
      [a, hex(label(5))],
      [b, hex(label(2))],
    ]),
    [a, b],
  )
})

test('entries that do not fit the parameters are told by their position, and nothing of them', async () => {
  using set = newSet(path, literal)
  const wrong = [...entries.slice(0, 3), { item: new TextEncoder().encode('secret'), label: new Uint8Array(5) }]
  const message = expect.stringMatching(/^"label" of entry 3 expected 6 bytes .* got 5 bytes(?!.*secret)/)
  await expect(set.build(wrong, { evaluate: standIn })).rejects.toMatchObject({ name: 'RangeError', message })
  await expect(set.build([{ item: 'text' as never }], { evaluate: standIn })).rejects.toThrow(TypeError)
  await expect(set.build(entries, { evaluate: async () => new Uint8Array(7) })).rejects.toThrow(
    /"evaluate" expected to give 64/,
  )
  for (const batchItems of [0, 65536, 1.5])
    await expect(set.build(entries, { evaluate: standIn, batchItems })).rejects.toThrow(/"batchItems"/)
})

test('items that would be found by chance more often than 2^-40 are not inserted: none of them', async () => {
  // One bundle is 2^-42, twenty are not.
  const { params } = planSet({ senderItems: 10, receiverItems: 1 })
  using set = newSet(path, params.literal)
  await set.build(textEntries(0, 10), { evaluate: standIn })
  const room = 2 * params.bins * params.itemsPerBin
  expect(await set.insert(textEntries(10, room), standIn)).toMatchObject({ inserted: room - 10 })
  const { digest } = set
  await expect(set.insert(textEntries(room, 20 * room), standIn)).rejects.toMatchObject({ code: 'unsupported' })
  expect([set.items, set.digest]).toEqual([room, digest])
})

test('a list that has too many bundles to match by chance below 2^-40 is refused, and what was evaluated is kept', async () => {
  // One bundle: 512 bins, (10 / 2^16)^4 each, together 2^-41.7; four of them are too many.
  const few = friendlySet()
  using set = newSet(path, {
    ...few,
    feltsPerItem: 4,
    powers: { ...few.powers!, tableSize: 512, maxItemsPerBin: 10, queryPowers: few.powers!.queryPowers.slice(0, 10) },
  })
  const many = Array.from({ length: 20_400 }, (_, i) => ({ item: new Uint8Array(new Uint32Array([i]).buffer) }))
  await expect(set.build(many, { evaluate: standIn })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(/20400 items under these parameters .* probability 2\^-39\.\d, more than 2\^-40/),
  })
  expect(set.state).toBe('building')
})

describe('a directory', () => {
  test('with anything in it is left alone', () => {
    newSet(path, literal).close()
    const key = readFileSync(join(path, 'oprf.key'))
    expect(() => newSet(path, literal)).toThrow(expect.objectContaining({ code: 'exists' }))
    expect(readFileSync(join(path, 'oprf.key'))).toEqual(key)
  })

  test('is for one writer', () => {
    using set = newSet(path, literal)
    expect(() => openSet(path)).toThrow(expect.objectContaining({ code: 'unavailable' }))
    set.close()
    openSet(path).close()
  })

  test('without a set, or with a new one, is not served', () => {
    expect(() => openSet(path)).toThrow(expect.objectContaining({ code: 'not-found' }))
    newSet(path, literal).close()
    expect(() => openSet(path, { readOnly: true })).toThrow(/no content yet: build it first/)
  })

  test('keeps what the set was created as', () => {
    using key = createOprfKey({ epoch: 7, mode: 'voprf' })
    const hardening = { algorithm: 'scrypt', N: 64, r: 8, p: 1, salt: '00'.repeat(16) } as const
    using created = newSetWith(key, hardening)
    created.close()
    using set = openSet(path)
    expect(set).toMatchObject({ name: 'breached', kind: 'passwords', hardening, epoch: 7, state: 'new', items: 0 })
    using read = set.readKey()
    expect(encodeOprfKey(read)).toEqual(encodeOprfKey(key))
    expect(set.params.digest).toBe(created.params.digest)
  })

  const newSetWith = (key: ReturnType<typeof createOprfKey>, hardening: PsiSet['hardening']): PsiSet => {
    using made = newSet(join(directory.path, 'other'), tinyMatrix())
    return createSet(path, { name: 'breached', kind: 'passwords', hardening, params: made.params, key })
  }
})

describe('a damaged set', () => {
  const file = (): string => join(path, 'set.sqlite')
  beforeEach(async () => {
    using set = newSet(path, literal)
    await set.build(entries, { evaluate: standIn })
  })
  const code = (expected: string): unknown => expect.objectContaining({ name: 'GloveboxError', code: expected })

  test.each([true, false])('is told, opened for reading: %s', (readOnly) => {
    const whole = readFileSync(file())
    truncateSync(file(), whole.length - 5000)
    expect(() => openSet(path, { readOnly })).toThrow(code('malformed'))
    writeFileSync(file(), whole.subarray(0, 10))
    expect(() => openSet(path, { readOnly })).toThrow(code('malformed'))
    writeFileSync(file(), '')
    expect(() => openSet(path, { readOnly })).toThrow(code('malformed'))
    writeFileSync(file(), 'something else entirely, and long enough to be looked at'.repeat(1000))
    expect(() => openSet(path, { readOnly })).toThrow(code('malformed'))
    writeFileSync(file(), whole)
    openSet(path, { readOnly }).close()
  })

  const change = (statement: string): void => {
    const database = new DatabaseSync(file())
    database.exec(statement)
    database.close()
  }
  test('of a later version, or with other contents, is told', () => {
    change('pragma user_version = 2')
    expect(() => openSet(path)).toThrow(code('unsupported'))
    change(`pragma user_version = 1; update meta set value = '{}' where name = 'params'`)
    expect(() => openSet(path)).toThrow(code('malformed'))
    change(`delete from meta where name = 'params'`)
    expect(() => openSet(path)).toThrow(code('malformed'))
    change('drop table meta')
    expect(() => openSet(path)).toThrow(code('malformed'))
  })

  test('with another number in a row, or without a row, is told: SQLite sees neither', () => {
    const rows = (): unknown => {
      using set = openSet(path, { readOnly: true })
      return [...set.rows()].length
    }
    expect(rows()).toBeGreaterThan(0)
    const whole = readFileSync(file())
    change(
      `update rows set coefficients = cast(x'63000000' || substr(coefficients, 5) as blob) where id = (select max(id) from rows)`,
    )
    expect(rows).toThrow(code('malformed'))
    writeFileSync(file(), whole)
    change('delete from rows where id = (select max(id) from rows)')
    expect(rows).toThrow(code('malformed'))
  })

  test('with the key of another set of its epoch is told', () => {
    using key = createOprfKey({ epoch: 1 })
    writeFileSync(join(path, 'oprf.key'), encodeOprfKey(key))
    expect(() => openSet(path)).toThrow(code('parameters-mismatch'))
    expect(() => openSet(path, { readOnly: true })).toThrow(/is the key of another set/)
  })

  test('whose rows do not fit its parameters is told', () => {
    change(`update rows set coefficients = x'00' where id = (select max(id) from rows)`)
    using set = openSet(path, { readOnly: true })
    expect(() => [...set.rows()]).toThrow(code('malformed'))
  })

  test('without its key, or with another, is told', () => {
    const key = join(path, 'oprf.key')
    copyFileSync(key, `${key}.bak`)
    rmSync(key)
    expect(() => openSet(path, { readOnly: true })).toThrow(code('missing-key'))
    writeFileSync(key, readFileSync(`${key}.bak`).subarray(0, 50))
    expect(() => openSet(path, { readOnly: true })).toThrow(code('malformed'))
    using other = createOprfKey({ epoch: 2 })
    writeFileSync(key, encodeOprfKey(other))
    expect(() => openSet(path, { readOnly: true })).toThrow(code('parameters-mismatch'))
    copyFileSync(`${key}.bak`, key)
    openSet(path, { readOnly: true }).close()
  })
})
