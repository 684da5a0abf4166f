import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile, costOf, defaultCostTable } from '@glovebox/ml'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fitNonNegative } from './fit.ts'
import { fitTable } from './measure.ts'
import { probes } from './models.ts'
import { readTable, usualPlace, writeTable } from './table.ts'

const folder = mkdtempSync(join(tmpdir(), 'glovebox-costs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('fitNonNegative', () => {
  const size = fc.integer({ min: 1, max: 5 })
  const entry = fc.double({ min: 0, max: 10, noNaN: true })
  const system = size.chain((unknowns) =>
    fc.record({
      x: fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 10, noNaN: true })), {
        minLength: unknowns,
        maxLength: unknowns,
      }),
      // Every unknown has an equation that it is strong in.
      rows: fc
        .array(fc.array(entry, { minLength: unknowns, maxLength: unknowns }), { maxLength: 6 })
        .map((more) => [
          ...Array.from({ length: unknowns }, (_, i) => Array.from({ length: unknowns }, (_, j) => (i === j ? 8 : 1))),
          ...more,
        ]),
    }),
  )
  const times = (rows: readonly (readonly number[])[], x: readonly number[]): number[] =>
    rows.map((row) => row.reduce((sum, v, k) => sum + v * x[k]!, 0))
  const error = (rows: readonly (readonly number[])[], targets: readonly number[], x: readonly number[]): number =>
    times(rows, x).reduce((sum, v, i) => sum + (v / targets[i]! - 1) ** 2, 0)

  test('finds what made the targets', () => {
    fc.assert(
      fc.property(system, ({ x, rows }) => {
        const targets = times(rows, x)
        fc.pre(targets.every((v) => v > 0.05))
        times(rows, fitNonNegative(rows, targets)).forEach((v, i) => expect(v / targets[i]!).toBeCloseTo(1, 3))
      }),
      { numRuns: 30 },
    )
  })

  test('is never below 0, and no small step is better', () => {
    const target = fc.double({ min: 0.1, max: 100, noNaN: true })
    fc.assert(
      fc.property(system, fc.array(target, { minLength: 11, maxLength: 11 }), ({ rows }, some) => {
        const targets = some.slice(0, rows.length)
        const x = fitNonNegative(rows, targets)
        const least = error(rows, targets, x)
        x.forEach((v, k) => {
          expect(v).toBeGreaterThanOrEqual(0)
          for (const step of [1e-3, -1e-3]) {
            if (v + step < 0) continue
            expect(error(rows, targets, x.with(k, v + step))).toBeGreaterThanOrEqual(least - 1e-9)
          }
        })
      }),
      { numRuns: 30 },
    )
  })

  test('leaves out what nothing says anything of', () => {
    expect(
      fitNonNegative(
        [
          [1, 0],
          [2, 0],
        ],
        [3, 6],
      ),
    ).toEqual([expect.closeTo(3, 9), 0])
  })
})

test('a prior decides what the equations leave open, and gives way to them', () => {
  const prior = { values: [1, 3], weight: 0.01 }
  // Only the sum is known.
  const [a, b] = fitNonNegative([[1, 1]], [8], prior)
  expect(a! + b!).toBeCloseTo(8, 1)
  expect(b!).toBeGreaterThan(2 * a!)
  const known = fitNonNegative(
    [
      [1, 0],
      [0, 1],
    ],
    [5, 2],
    prior,
  )
  expect(known).toEqual([expect.closeTo(5, 1), expect.closeTo(2, 1)])
})

describe('the table of a machine', () => {
  const entries = Object.keys(defaultCostTable) as (keyof typeof defaultCostTable)[]
  const none = Object.fromEntries(entries.map((entry) => [entry, 0])) as unknown as typeof defaultCostTable
  const small = probes().filter(({ graph }) => graph.nodes[0]!.size < 1000)
  const rows = (): number[][] =>
    small
      .map(({ graph, options }) => compile(graph, options))
      .map((program) => entries.map((entry) => costOf(program, { ...none, [entry]: 1 }).milliseconds))
  const dot = (row: readonly number[], prices: readonly number[]): number =>
    row.reduce((sum, v, k) => sum + v * prices[k]!, 0)

  test('that is slower all over, and measures with errors of 15 %, has all prices of about that factor', () => {
    const usual = entries.map((entry) => defaultCostTable[entry])
    const all = rows()
    const measured = all.map((row, i) => 3 * dot(row, usual) * (i % 2 === 0 ? 1.15 : 0.85))
    const prices = fitTable(all, measured)
    prices.forEach((price, k) => {
      expect([entries[k], price / usual[k]! > 1.5 && price / usual[k]! < 5]).toEqual([entries[k], true])
    })
    all.forEach((row, i) => expect(Math.abs(dot(row, prices) / measured[i]! - 1)).toBeLessThan(0.3))
  })
})

test('every price of the table shows in the time of some probe', () => {
  const small = probes().filter(({ graph }) => graph.nodes[0]!.size < 100)
  const programs = small.map(({ graph, options }) => compile(graph, options))
  for (const name of Object.keys(defaultCostTable) as (keyof typeof defaultCostTable)[]) {
    const more = { ...defaultCostTable, [name]: 2 * defaultCostTable[name] + 1 }
    const rises = programs.some((program) => costOf(program, more).milliseconds > costOf(program).milliseconds)
    expect([name, rises]).toEqual([name, true])
  }
})

describe('the file of a table', () => {
  beforeEach(() => vi.stubEnv('XDG_CONFIG_HOME', join(folder, 'config')))
  afterEach(() => vi.unstubAllEnvs())
  const table = { ...defaultCostTable, transform: 0.5 }

  test('is read back, from the usual place where none is named', async () => {
    expect(await readTable(undefined)).toBeUndefined()
    await writeTable(usualPlace(), table)
    expect(usualPlace()).toBe(join(folder, 'config', 'glovebox', 'costs.json'))
    expect(await readTable(undefined)).toEqual(table)
    expect(JSON.parse(readFileSync(usualPlace(), 'utf8'))).toEqual(table)
  })

  test.each([
    ['{"transform": 1}', /"pass" expected a number from 0: run glovebox calibrate again/],
    [JSON.stringify({ ...table, read: -1 }), /"read" expected/],
    [JSON.stringify({ ...table, write: null }), /"write" expected/],
    ['null', /expected/],
    ['nonsense', /expected the JSON that glovebox calibrate writes/],
  ])('%s is refused', async (text, message) => {
    const file = join(folder, 'wrong.json')
    writeFileSync(file, text)
    await expect(readTable(file)).rejects.toThrow(message)
    await expect(readTable(file)).rejects.toMatchObject({ code: 'malformed' })
  })

  test('that is named must be there', () =>
    expect(readTable(join(folder, 'none.json'))).rejects.toThrow(/none\.json: there is no such file/))
})
