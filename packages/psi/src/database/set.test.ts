import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folder, newSet, standIn, textEntries, tinyMatrix, tinyPowers } from '../../test/clear.ts'
import { expectSame, expectSet, hex, meeting, shapes } from '../../test/set-suite.ts'
import { openSet } from './set.ts'

test.each(shapes)('%s: after builds, inserts and removals the rows are the set, where items meet', (_, literal) =>
  expectSet(literal, 2),
)

test.each(shapes)(
  '%s: rows are in order, with one for every bin of a bundle, and within their limits',
  async (_, literal) => {
    using directory = folder()
    using set = newSet(join(directory.path, 'set'), literal)
    const { params } = set
    const entries = textEntries(0, 300, params.labelBytes)
    await set.build(entries, { evaluate: standIn })
    const rows = [...set.rows()]
    const places: string[] = []
    for (let bucket = 0; bucket < params.buckets; bucket++)
      for (let group = 0; group < params.groups; group++)
        for (let bundle = 0; bundle < set.bundles(bucket, group); bundle++)
          for (let bin = 0; bin < Math.min(params.binsPerGroup, params.bins - group * params.binsPerGroup); bin++)
            places.push(`${bucket} ${group} ${bundle} ${bin}`)
    expect(rows.map(({ bucket, group, bundle, bin }) => `${bucket} ${group} ${bundle} ${bin}`)).toEqual(places)
    for (const { items, coefficients } of rows) {
      expect(items).toBeLessThanOrEqual(params.itemsPerBin)
      expect(coefficients).toHaveLength(params.polynomials * params.feltsPerItem * params.coefficients)
      expect(coefficients.every((c) => c < params.t)).toBe(true)
      for (let j = 0; j < params.feltsPerItem; j++) {
        const own = [...coefficients.subarray(j * params.coefficients, (j + 1) * params.coefficients)]
        expect([own[items], ...own.slice(items + 1)], 'monic, of degree items').toEqual([
          1,
          ...own.slice(items + 1).fill(0),
        ])
      }
    }
    const middle = rows[Math.floor(rows.length / 2)]!
    const rest = [...set.rows(middle)]
    expect(rest[0]).toMatchObject({ bucket: middle.bucket, group: middle.group, bundle: middle.bundle, bin: 0 })
    expect(rest).toEqual(rows.slice(-rest.length))
    if (literal.method === 'matrix' || literal.powers?.hashFunctions === 0) {
      const perBucket = Map.groupBy(rows, ({ bucket }) => bucket)
      for (const own of perBucket.values()) {
        const items = own.map((row) => row.items)
        const sum = items.reduce((a, b) => a + b)
        // Labels move an item to another row where elements are equal, by one or two.
        expect(Math.max(...items) - Math.min(...items)).toBeLessThanOrEqual(params.labelBytes > 0 ? 2 : 1)
        expect(own.length).toBe(params.bins * Math.ceil(sum / params.capacityPerBundle))
      }
    }
  },
)

test('items with labels and an element in common get bins and bundles of their own', async () => {
  const literal = tinyPowers({ labelBytes: 2 })
  using directory = folder()
  using set = newSet(join(directory.path, 'set'), literal)
  const meet = Array.from({ length: 30 }, (_, i) => meeting(i, [0, 0, 0], set.params))
  const universe = [...meet.slice(0, 20), ...textEntries(0, 15).map(({ item }) => item), ...meet.slice(20)]
  const entries = universe.map((item, i) => ({ item, label: Uint8Array.of(i, 1) }))
  await set.build(entries.slice(0, 35), { evaluate: standIn })
  // A bundle has room for 48, but each of its 12 bins for one of those that meet.
  expect(set.bundles(0, 0)).toBe(2)
  await set.insert(entries.slice(35), standIn)
  expect(set.bundles(0, 0)).toBe(3)
  await expectSame(set, new Map(entries.map(({ item, label }) => [item, hex(label)])), universe)
})

test('the order of a list does not show in where its items are', async () => {
  using directory = folder()
  const entries = textEntries(0, 150)
  const rowsOf = async (name: string): Promise<string> => {
    using set = newSet(join(directory.path, name), tinyMatrix())
    await set.build(entries, { evaluate: standIn })
    return JSON.stringify([...set.rows()].map(({ coefficients }) => [...coefficients]))
  }
  expect(await rowsOf('a')).not.toBe(await rowsOf('b'))
})

test('the digest is that of the content, whatever led there', async () => {
  using directory = folder()
  using set = newSet(join(directory.path, 'set'), tinyPowers({ hashFunctions: 2, labelBytes: 4 }))
  const digests = [set.digest]
  await set.build(textEntries(0, 50, 4), { evaluate: standIn })
  digests.push(set.digest)
  const [more] = textEntries(60, 61, 4)
  await set.insert([more!], standIn)
  digests.push(set.digest)
  await set.insert([{ item: more!.item, label: new Uint8Array(4) }], standIn)
  digests.push(set.digest)
  expect(new Set(digests).size).toBe(4)
  await set.insert([more!], standIn)
  expect(set.digest).toBe(digests[2])
  await set.remove([more!.item], standIn)
  expect(set.digest).toBe(digests[1])
})

test('a reader sees what was there when it began, and changes wait for each other', async () => {
  using directory = folder()
  using set = newSet(join(directory.path, 'set'), tinyPowers())
  await set.build(textEntries(0, 100), { evaluate: standIn })
  using reader = openSet(set.directory, { readOnly: true })
  const before = [...reader.rows()]
  const reading = reader.rows()
  const first = reading.next().value
  await Promise.all([
    set.insert(textEntries(100, 140), standIn),
    set.remove(
      textEntries(0, 30).map(({ item }) => item),
      standIn,
    ),
    set.insert(textEntries(120, 160), standIn),
  ])
  expect([first, ...reading]).toEqual(before)
  expect(reader.items).toBe(130)
  expect([...reader.rows()].reduce((sum, { items }) => sum + items, 0)).toBe(130)
  expect(reader.digest).toBe(set.digest)
  await expect(reader.insert(textEntries(0, 1), standIn)).rejects.toMatchObject({ code: 'unavailable' })
})

test('an empty list makes an empty set, which takes items', async () => {
  using directory = folder()
  using set = newSet(join(directory.path, 'set'), tinyMatrix({ labelBytes: 3 }))
  expect(await set.build([], { evaluate: standIn })).toEqual({ items: 0, duplicates: 0 })
  expect([...set.rows()]).toEqual([])
  const entries = textEntries(0, 400, 3)
  expect(await set.insert(entries, standIn)).toEqual({ inserted: 400, replaced: 0 })
  await expectSame(
    set,
    new Map(entries.map(({ item, label }) => [item, hex(label)])),
    entries.map(({ item }) => item),
  )
  expect(
    await set.remove(
      entries.map(({ item }) => item),
      standIn,
    ),
  ).toEqual({ removed: 400, unknown: [] })
  expect(set.bundles(0, 0)).toBe(0)
})

test('the files are of this user alone, and a build leaves nothing beside them', async () => {
  using directory = folder()
  {
    using set = newSet(join(directory.path, 'deep/set'), tinyPowers())
    await set.build(textEntries(0, 10), { evaluate: standIn })
  }
  const path = join(directory.path, 'deep/set')
  expect(readdirSync(join(directory.path, 'deep'))).toEqual(['set'])
  expect(readdirSync(path).sort()).toEqual(['oprf.key', 'set.lock', 'set.sqlite'])
  expect((statSync(path).mode & 0o777).toString(8)).toBe('700')
  for (const name of readdirSync(path)) expect((statSync(join(path, name)).mode & 0o777).toString(8), name).toBe('600')
})

test('it knows how it was made, and whether it was changed since', async () => {
  using directory = folder()
  const path = join(directory.path, 'set')
  using set = newSet(path, tinyPowers())
  await set.build(textEntries(0, 10), { evaluate: standIn })
  expect([set.edits, set.origin]).toEqual([0, {}])
  await set.remove([new TextEncoder().encode('not there')], standIn)
  expect(set.edits).toBe(0)
  await set.insert(textEntries(10, 13), standIn)
  await set.remove([textEntries(2, 3)[0]!.item], standIn)
  expect(set.edits).toBe(2)
})
