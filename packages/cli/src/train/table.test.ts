import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeServerPart, runAfter, runBefore, runClear, simulate } from '@glovebox/ml'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'
import { createRandomness } from '../demo/random.ts'
import { readExtras } from '../model-folder.ts'
import { makeUpRows } from './made-up-rows.ts'
import { trainTable } from './table.ts'

const folder = testFolder()
const at = (name: string): string => join(folder, name)

/** Flowers of three kinds that petals tell apart, and a colour; some cells are empty. */
function garden(count: number): string {
  const { normal, uniform } = createRandomness(7)
  const kinds = ['aster', 'bell', 'clover']
  const rows = Array.from({ length: count }, (_, i) => {
    const kind = i % 3
    const petal = uniform() < 0.05 ? '' : (2 * kind + 0.4 * normal()).toFixed(2)
    const colour = uniform() < 0.9 ? ['red', 'blue', 'white'][kind] : 'red'
    const height = (10 + 3 * kind + normal()).toFixed(1)
    return [petal, colour, height, `no. ${i}`, kinds[kind]].join(',')
  })
  return ['petal,colour,height,label,kind', ...rows].join('\n')
}
writeFileSync(at('garden.csv'), garden(300))
const silent = (): void => undefined
const options = { file: at('garden.csv'), target: 'kind', ignore: ['label'], seed: 1 } as const

describe('a model of a table', () => {
  test('softmax finds three kinds, and says so of a row as its client has it', async () => {
    const { model, metrics } = await trainTable({ ...options, kind: 'softmax' }, silent)
    expect(metrics.accuracy).toBeGreaterThan(0.95)
    const answer = (cells: (string | number | null)[]) =>
      runAfter(model.after, runClear(model.graph, runBefore(model.before, cells)))
    expect(answer([0.1, 'red', 10]).label).toBe('aster')
    expect(answer([2.1, 'blue', 13]).label).toBe('bell')
    expect(answer([null, 'white', 17]).label).toBe('clover')
    expect(answer([4.1, 'green', null]).values.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
  })

  test('the same seed gives the same model, another holds other rows out', async () => {
    const [a, b, c] = await Promise.all(
      [1, 1, 2].map((seed) => trainTable({ ...options, kind: 'softmax', seed }, silent)),
    )
    expect(a!.model.graph).toEqual(b!.model.graph)
    expect(a!.model.graph).not.toEqual(c!.model.graph)
  })

  test('ridge finds a straight line through numbers', async () => {
    const { uniform, normal } = createRandomness(3)
    const rows = Array.from({ length: 200 }, () => {
      const [x, y] = [100 * uniform(), uniform() - 0.5]
      return `${x},${y},${3 * x - 40 * y + 7 + normal() / 10}`
    })
    writeFileSync(at('line.csv'), ['x,y,z', ...rows].join('\n'))
    const { model, metrics, examples } = await trainTable(
      { kind: 'ridge', file: at('line.csv'), target: 'z', ignore: [], seed: 1, decay: 1e-6 },
      silent,
    )
    expect(metrics.rmse).toBeLessThan(0.2)
    expect(metrics.r2).toBeGreaterThan(0.999)
    expect(examples.outputs).toEqual([{ name: 'z', digits: 1 }])
    for (const { expected } of examples.items) expect(expected).toMatch(/^-?\d+\.\d$/)
    expect(runClear(model.graph, runBefore(model.before, [50, 0.25]))[0]).toBeCloseTo(147, 0)
  })

  test('logistic regression has a probability of the second class', async () => {
    const text = garden(300)
      .split('\n')
      .filter((line) => !line.endsWith('clover'))
      .join('\n')
    writeFileSync(at('two.csv'), text)
    const { model, metrics } = await trainTable({ ...options, file: at('two.csv'), kind: 'logistic' }, silent)
    expect(metrics.auc).toBeGreaterThan(0.95)
    const { label, values } = runAfter(model.after, runClear(model.graph, runBefore(model.before, [2.2, 'blue', 13.5])))
    expect(label).toBe('bell')
    expect(values[1]).toBeGreaterThan(0.9)
    await expect(trainTable({ ...options, kind: 'logistic' }, silent)).rejects.toThrow(
      'expected two classes in column "kind" for logistic, got 3',
    )
  })

  test.each([
    ['a target that is not there', { target: 'smell' }, 'expected a column "smell", got only petal, colour, height'],
    ['a column of names', { ignore: [] }, 'at most 100 categories, in column "label"; leave it out with --ignore'],
    ['words for ridge', { kind: 'ridge' as const }, 'expected numbers in column "kind" for ridge, got a text'],
  ])('%s is refused', async (_, more, message) => {
    await expect(trainTable({ ...options, kind: 'softmax', ...more }, silent)).rejects.toThrow(message)
  })
})

test('the command compiles what it has learnt, with a card and metrics', async () => {
  const out = at('kinds')
  const { stdout } = await inside(
    ...['train', 'softmax', '--data', at('garden.csv'), '--target', 'kind', '--ignore', 'label', '-o', out],
  )
  expect(stdout).toMatch(/^240 rows to learn from, 60 held out; 3 columns\n/)
  const { card, metrics, examples } = await readExtras(out)
  expect(card).toMatch(/^# kind: multinomial logistic regression\n/)
  expect(stdout).toContain(`held out: accuracy ${Number(metrics!.accuracy!.toPrecision(4))}`)
  expect(examples!.items).toHaveLength(8)
  const rows = JSON.parse(readFileSync(join(out, 'rows.json'), 'utf8'))
  expect(rows).toEqual(examples!.items.map(({ input }) => input))
  const { model } = await trainTable({ ...options, kind: 'softmax' }, silent)
  const { program } = decodeServerPart(new Uint8Array(readFileSync(join(out, 'server.gbx'))))
  const row = runBefore(model.before, [2, 'blue', 12])
  const [own, compiled] = [runClear(model.graph, row), simulate(program, row, { noise: false })]
  own.forEach((v, i) => expect(Math.abs(v - compiled[i]!)).toBeLessThan(0.01))
})

test('examples are made up, and say what the model says of them', async () => {
  const { model, examples } = await trainTable({ ...options, kind: 'softmax' }, silent)
  const columns = examples.columns!
  expect(columns.map(({ name }) => name)).toEqual(['petal', 'colour', 'height'])
  expect(columns[1]!.values).toEqual(['blue', 'red', 'white'])
  expect(columns[2]!.low).toBeLessThan(columns[2]!.high!)
  for (const { input, expected } of examples.items) {
    const row = input as Record<string, string | number>
    const cells = columns.map(({ name }) => row[name]!)
    expect(runAfter(model.after, runClear(model.graph, runBefore(model.before, cells))).label).toBe(expected)
    expect(row.height).toBeGreaterThanOrEqual(columns[2]!.low!)
    expect(row.height).toBeLessThanOrEqual(columns[2]!.high!)
  }
  expect(new Set(examples.items.map(({ expected }) => expected)).size).toBeGreaterThan(1)
  const kept = readFileSync(at('garden.csv'), 'utf8')
  for (const { input } of examples.items) expect(kept).not.toContain(Object.values(input).join(','))
})

test('made-up rows stay where the table is, however far from 0', () => {
  const years = Array.from({ length: 100 }, (_, i) => [2010 + (i % 11)])
  for (const [year] of makeUpRows([{ name: 'year' }], years, 50, 3).rows) {
    expect(year).toBeGreaterThanOrEqual(2010)
    expect(year).toBeLessThanOrEqual(2020)
  }
  expect(makeUpRows([{ name: 'one' }], [[0.125], [0.125]], 1, 3).rows).toEqual([[0.125]])
})

test('made-up rows hold no extreme of a column', () => {
  const table = Array.from({ length: 200 }, (_, i) => [
    i === 7 ? 98_765 : i === 8 ? -4321 : 100 + (i % 50),
    i % 3 === 0 ? null : 'b',
  ])
  const { columns, rows } = makeUpRows([{ name: 'a' }, { name: 'c', values: ['b', 'z'] }], table, 500, 3)
  expect(columns).toEqual([
    { name: 'a', low: 102, high: 147 },
    { name: 'c', values: ['b', 'z'] },
  ])
  for (const [a, c] of rows) {
    expect(a).toBeGreaterThanOrEqual(100)
    expect(a).toBeLessThanOrEqual(150)
    expect(c).toBe('b')
  }
})

test('a command line that does not fit the model is code 2', async () => {
  await expect(inside('train', 'ridge', '-o', out('a'))).rejects.toThrow(
    'ridge needs --data FILE.csv and --target COLUMN',
  )
  await expect(inside('train', 'digits-linear', '--target', 'x', '-o', out('b'))).rejects.toThrow(
    'digits-linear learns MNIST',
  )
  await expect(inside('train', 'forest', '-o', out('c'))).rejects.toThrow('Expected one of: digits-linear, softmax')
})
const out = at
