import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { layer, sequential } from '../../../ml/test/keras.ts'
import { glovebox, gloveboxWith, serve, succeed, testFolder } from '../../test/glovebox.ts'
import { riskOf, scorecard, sklearn } from '../../test/models.ts'

// Models of every format through processes: compile, a server, predictions over HTTP.

const folder = testFolder()
const at = (...names: string[]): string => join(folder, ...names)
interface Predicted {
  readonly outputs: readonly (readonly number[])[]
  readonly answers?: readonly { readonly values: readonly number[]; readonly label?: string }[]
}
let url = ''
const predict = async (model: string, input: string): Promise<Predicted> =>
  JSON.parse(await succeed('predict', model, '--server', url, '--input', at(input), '--json'))

const kernel = [0.5, -0.25, 1, 0.75, -1, 0.5]
const text = {
  format: 'glovebox-sklearn',
  version: 1,
  name: 'mood',
  columns: [{ name: 'text', text: true }],
  steps: [
    {
      type: 'HashingVectorizer',
      n_features: 64,
      ngram_range: [1, 1],
      norm: 'l2',
      lowercase: true,
      alternate_sign: true,
      analyzer: 'word',
      binary: false,
      stop_words: null,
      token_pattern: '(?u)\\b\\w\\w+\\b',
    },
    {
      type: 'LogisticRegression',
      coef_: [Array.from({ length: 64 }, (_, i) => Math.sin(i))],
      intercept_: [0],
      classes_: ['bad', 'good'],
      multi_class: 'ovr',
    },
  ],
}

beforeAll(async () => {
  const keras = sequential([3], [layer('Dense', { units: 2, activation: 'softmax' })], {
    'l0/kernel': { shape: [3, 2], data: kernel },
    'l0/bias': { shape: [2], data: [0, 0.5] },
  })
  for (const [name, bytes] of Object.entries(keras)) writeFileSync(at(name), bytes)
  writeFileSync(at('risk.json'), JSON.stringify(sklearn))
  writeFileSync(at('card.json'), JSON.stringify(scorecard))
  writeFileSync(at('text.json'), JSON.stringify(text))
  const models = { keras: 'model.json', risk: 'risk.json', card: 'card.json', mood: 'text.json' }
  await Promise.all(Object.entries(models).map(([name, file]) => succeed('compile', at(file), '-o', at(name))))
  ;({ url } = await serve(...Object.keys(models).map((name) => at(name)), '--port', '0'))
}, 120_000)

describe('predict', () => {
  test('of scikit-learn, with rows of CSV and of JSON', async () => {
    writeFileSync(at('rows.csv'), 'weight,age,extra\n95,61,x\n,35.5,y\n')
    writeFileSync(at('rows.json'), '[{"age": 61, "weight": 95}, [35.5, null]]')
    const expected = [riskOf(61, 95), riskOf(35.5, null)]
    for (const file of ['rows.csv', 'rows.json']) {
      const { answers } = await predict('risk', file)
      answers!.forEach(({ values, label }, i) => {
        expect(Math.abs(values[1]! - expected[i]!)).toBeLessThan(0.003)
        expect(label).toBe(expected[i]! > 0.5 ? 'high' : 'low')
      })
    }
  })

  test('of a scorecard', async () => {
    writeFileSync(at('people.json'), '[{"age": 35, "sex": "female"}]')
    const { outputs } = await predict('card', 'people.json')
    expect(outputs[0]!.map((v) => Number(v.toFixed(2)))).toEqual([-0.5, -0.2])
  })

  test('of TensorFlow.js', async () => {
    writeFileSync(at('numbers.csv'), '0.2,0.4,0.9\n')
    const { outputs, answers } = await predict('keras', 'numbers.csv')
    const x = [0.2, 0.4, 0.9]
    const scores = [0, 1].map((j) => x.reduce((sum, v, i) => sum + v * kernel[2 * i + j]!, j === 0 ? 0 : 0.5))
    outputs[0]!.forEach((v, j) => expect(Math.abs(v - scores[j]!)).toBeLessThan(0.003))
    expect(answers![0]!.values.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
  })

  test('of texts, a line each', async () => {
    writeFileSync(at('tweets.txt'), 'what a lovely day\nit rains, it rains\n')
    const { answers } = await predict('mood', 'tweets.txt')
    expect(answers).toHaveLength(2)
    for (const { label } of answers!) expect(['bad', 'good']).toContain(label)
  })

  test('of a row with a cell that is no number names the column, and nothing is sent', async () => {
    writeFileSync(at('wrong.csv'), 'age,weight\n61,heavy-secret\n')
    const { code, stderr } = await glovebox('predict', 'risk', '--server', url, '--input', at('wrong.csv'))
    expect([code, stderr]).toEqual([1, expect.stringMatching(/column "weight" expected a finite number, got a text/)])
    expect(stderr).not.toContain('secret')
  })
})

test('calibrate measures this machine, and compile and inspect estimate with it', async () => {
  const home = { XDG_CONFIG_HOME: at('config') }
  const { code, stdout } = await gloveboxWith(home, 'calibrate', '--json')
  expect(code).toBe(0)
  const { table, measured } = JSON.parse(stdout)
  const place = at('config', 'glovebox', 'costs.json')
  expect(JSON.parse(readFileSync(place, 'utf8'))).toEqual({ version: 2, ...table })
  expect(measured.length).toBeGreaterThan(5)
  for (const { milliseconds, estimate } of measured) expect(milliseconds > 0 && estimate > 0).toBe(true)
  for (const price of Object.values(table)) expect(price).toBeGreaterThanOrEqual(0)
  expect((await gloveboxWith(home, 'compile', at('risk.json'), '-o', at('here'))).code).toBe(0)
  const facts = JSON.parse((await gloveboxWith(home, 'inspect', at('here'), '--json')).stdout)
  expect(facts.pricedBy).toBe(place)
  const alone = JSON.parse((await gloveboxWith(home, 'inspect', at('here', 'client.gbx'), '--json')).stdout)
  expect(alone.cost).toEqual(facts.cost)
})
