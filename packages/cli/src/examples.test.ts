import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { prepareSample, type Sample } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import { type Model, runAfter, runClear } from '@glovebox/ml'
import { describe, expect, test } from 'vitest'
import { classOf } from './evaluate/compare.ts'
import { bitsOf, type Example, readExamples, sampleOf } from './examples.ts'
import { demoOf, gallery } from './gallery/list.ts'

const models = fileURLToPath(new URL('../../../models', import.meta.url))
const file = (name: string): string => join(models, name, 'examples.json')

function clear({ before, graph, after }: Model, sample: Sample, pixels: boolean) {
  const input = { shape: graph.inputShape, pixels: { scale: 1 / 255, offset: 0 }, before }
  return runAfter(after, runClear(graph, prepareSample({ input }, sample, { pixels })))
}

describe('examples of the gallery', () => {
  test('every model has some', () => {
    const folders = readdirSync(models).filter((name) => existsSync(join(models, name, 'README.md')))
    expect(gallery.map(({ name }) => name).sort()).toEqual(folders.sort())
  })

  test.each(gallery.map((model) => [model.name, model] as const))('%s', async (name, model) => {
    const examples = readExamples(readFileSync(file(name)), file(name))
    const demo = await demoOf(model)
    const { model: trained } = await demo.load({ samples: 1, data: undefined })
    expect(examples.question).toBe(demo.question)
    for (const item of examples.items) {
      const answer = clear(trained, sampleOf(item), examples.pixels ?? false)
      const label = classOf(answer)
      // What it is expected to say is what it says: the class, or the first number, in as many digits as are shown.
      const [shown] = /^-?[\d.]+/.exec(item.expected!) ?? []
      if (examples.kind === 'digit' || (label !== undefined && shown === undefined)) expect(item.expected).toBe(label)
      else {
        const value = answer.probabilities ? 100 * answer.values.at(-1)! : answer.values[0]!
        expect(value.toFixed(shown!.split('.')[1]?.length ?? 0)).toBe(shown)
      }
    }
    // Forms have a field for every column, and columns are those of the model.
    const [first] = trained.before
    if (examples.kind === 'rows' && first?.op === 'columns')
      expect(examples.columns!.map((column) => column.name).sort()).toEqual(
        first.columns.map((column) => column.name).sort(),
      )
  })
})

test('bits are read as they were written', () => {
  const values = [1, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1]
  const item: Example = { name: 'x', input: bitsOf(values) }
  expect(item.input).toEqual({ bits: Buffer.from([0b10011101, 0b01100000]).toString('base64'), length: 11 })
  expect([...(sampleOf(item) as Uint8Array)]).toEqual(values)
  expect(sampleOf({ name: 'a row', input: { bits: 1, age: 3 } })).toEqual({ bits: 1, age: 3 })
})

test.each([
  ['no JSON', '{', /expected JSON in UTF-8/],
  ['another kind', '{"kind":"cats"}', /"kind" of digit, rows, text, photo, numbers, got "cats"/],
  ['no source', '{"kind":"text"}', /"source" synthetic or public, got none/],
  ['no items', '{"kind":"text","source":"public","items":[]}', /"items" with 1 to 1000 examples, got 0/],
  ['an item without a name', '{"kind":"text","source":"public","items":[{"input":"x"}]}', /a name of items\[0\]/],
  ['null', 'null', /"kind"/],
])('%s is refused', (_, text, message) => {
  const read = (): unknown => readExamples(new TextEncoder().encode(text), 'examples.json')
  expect(read).toThrow(GloveboxError)
  expect(read).toThrow(message)
})
