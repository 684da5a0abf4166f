import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CostTable, compile, costOf, defaultCostTable } from '@glovebox/ml'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fitNonNegative } from './fit.ts'
import { entries, fitTable, meanTable, pricesOf } from './fit-table.ts'
import { probes, sampleOf } from './models.ts'
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
  const programs = probes().map((probe) => compile(probe.graph, { ...probe.options, samples: sampleOf(probe) }))
  const rows = programs.map(pricesOf)
  const usual = entries.map((entry) => defaultCostTable[entry])
  const dot = (row: readonly number[], prices: readonly number[]): number =>
    row.reduce((sum, v, k) => sum + v * prices[k]!, 0)
  const valuesOf = (table: CostTable): number[] => entries.map((entry) => table[entry])

  test('times are linear in the prices', () => {
    programs.forEach((program, i) => expect(costOf(program).milliseconds).toBeCloseTo(dot(rows[i]!, usual), 6))
  })

  test('every price shows in the time of some probe, and no two in the same way', () => {
    entries.forEach((entry, k) => {
      const share = Math.max(...rows.map((row) => (row[k]! * usual[k]!) / dot(row, usual)))
      expect([entry, share > 0.1]).toEqual([entry, true])
    })
    // Columns as the fit weighs them, of length 1; the product of the norms of their Gram matrix and its inverse is the square of the condition number, or more.
    const weighed = rows.map((row) => row.map((v, k) => (v * usual[k]!) / dot(row, usual)))
    const norms = entries.map((_, k) => Math.hypot(...weighed.map((row) => row[k]!)))
    const gram = entries.map((_, a) =>
      entries.map((__, b) => weighed.reduce((sum, row) => sum + (row[a]! / norms[a]!) * (row[b]! / norms[b]!), 0)),
    )
    const norm = (matrix: readonly (readonly number[])[]): number => Math.hypot(...matrix.flat())
    expect(Math.sqrt(norm(gram) * norm(inverse(gram)))).toBeLessThan(150)
  })

  const factor = fc.double({ min: 0.5, max: 2, noNaN: true })
  const machine = fc.record({
    faster: fc.double({ min: 0.2, max: 5, noNaN: true }),
    factors: fc.array(factor, { minLength: entries.length, maxLength: entries.length }),
  })

  test('prices that made the times are found', () => {
    fc.assert(
      fc.property(machine, ({ faster, factors }) => {
        const prices = usual.map((price, k) => price * faster * factors[k]!)
        const measured = rows.map((row) => dot(row, prices))
        const table = fitTable(rows, measured)
        const found = valuesOf(table)
        rows.forEach((row, i) => expect(Math.abs(dot(row, found) / measured[i]! - 1)).toBeLessThan(0.15))
        // Prices that show in the same programs, and hardly, stay nearer to what is usual: at the corners of the cube of factors by 2^1.5 at most.
        found.forEach((price, k) => {
          expect([entries[k], Math.abs(Math.log2(price / prices[k]!)) < 2]).toEqual([entries[k], true])
        })
      }),
      { numRuns: 20 },
    )
  })

  test('that is slower all over, and measures with errors of 15 %, has all prices of about that factor', () => {
    const measured = rows.map((row, i) => 3 * dot(row, usual) * (i % 2 === 0 ? 1.15 : 0.85))
    const prices = valuesOf(fitTable(rows, measured))
    prices.forEach((price, k) => {
      expect([entries[k], price / usual[k]! > 1 && price / usual[k]! < 6]).toEqual([entries[k], true])
    })
    rows.forEach((row, i) => expect(Math.abs(dot(row, prices) / measured[i]! - 1)).toBeLessThan(0.3))
  })

  test('of two measurements is their mean, price by price', () => {
    const twice = Object.fromEntries(
      entries.map((entry) => [entry, 3 * defaultCostTable[entry]]),
    ) as unknown as CostTable
    valuesOf(meanTable([defaultCostTable, twice])).forEach((price, k) => expect(price).toBeCloseTo(2 * usual[k]!, 9))
  })
})

/** By Gauss and Jordan; throws for a singular matrix. */
function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length
  const rows = matrix.map((row, i) => [...row, ...Array.from({ length: n }, (_, k) => (i === k ? 1 : 0))])
  for (let c = 0; c < n; c++) {
    const pivot = rows
      .slice(c)
      .reduce((best, row, i) => (Math.abs(row[c]!) > Math.abs(rows[best]![c]!) ? c + i : best), c)
    ;[rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!]
    const head = rows[c]![c]!
    if (Math.abs(head) < 1e-12) throw new Error('singular')
    rows[c] = rows[c]!.map((v) => v / head)
    rows.forEach((row, r) => {
      if (r !== c) rows[r] = row.map((v, k) => v - row[c]! * rows[c]![k]!)
    })
  }
  return rows.map((row) => row.slice(n))
}

describe('the file of a table', () => {
  beforeEach(() => vi.stubEnv('XDG_CONFIG_HOME', join(folder, 'config')))
  afterEach(() => vi.unstubAllEnvs())
  const table = { ...defaultCostTable, transform: 0.5 }

  test('is read back, from the usual place where none is named', async () => {
    expect(await readTable(undefined)).toBeUndefined()
    await writeTable(usualPlace(), table)
    expect(usualPlace()).toBe(join(folder, 'config', 'glovebox', 'costs.json'))
    expect(await readTable(undefined)).toEqual(table)
    expect(JSON.parse(readFileSync(usualPlace(), 'utf8'))).toEqual({ version: 2, ...table })
  })

  test.each([
    ['{"transform": 1}', /of another version of glovebox, run glovebox calibrate again/],
    [JSON.stringify({ version: 1, ...table }), /"version" expected 2, got 1: .*run glovebox calibrate again/],
    ['{"version": 2, "transform": 1}', /"pass" expected a number from 0: run glovebox calibrate again/],
    [JSON.stringify({ version: 2, ...table, read: -1 }), /"read" expected/],
    [JSON.stringify({ version: 2, ...table, write: null }), /"write" expected/],
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
