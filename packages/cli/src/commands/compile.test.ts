import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultCostTable } from '@glovebox/ml'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tinyOnnx } from '../../../client/test/tiny.ts'
import { buildModel, floats, node } from '../../../ml/test/onnx.ts'
import { randomNumbers } from '../../../ml/test/random.ts'
import { inside } from '../../test/inside.ts'
import { riskOf, scorecard, sklearn } from '../../test/models.ts'

const folder = mkdtempSync(join(tmpdir(), 'glovebox-compile-'))
const at = (...names: string[]): string => join(folder, ...names)
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})
beforeAll(() => {
  vi.stubEnv('XDG_CONFIG_HOME', at('config'))
  writeFileSync(at('tiny.onnx'), tinyOnnx())
  writeFileSync(at('relu.onnx'), reluOnnx())
  writeFileSync(at('risk.json'), JSON.stringify(sklearn))
  writeFileSync(at('card.json'), JSON.stringify(scorecard))
})
const compile = (model: string, out: string, ...more: string[]) => inside('compile', at(model), '-o', at(out), ...more)
const facts = async (out: string) => JSON.parse((await inside('inspect', at(out), '--json')).stdout)

/** 6 numbers through a ReLU to 2. */
function reluOnnx(): Uint8Array {
  return buildModel({
    input: ['N', 6],
    nodes: [
      node('Gemm', ['x', 'w1', 'b1'], 'hidden'),
      node('Relu', ['hidden'], 'active'),
      node('Gemm', ['active', 'w2'], 'y'),
    ],
    initializers: [
      floats('w1', [6, 4], randomNumbers(1, 24)),
      floats('b1', [4], randomNumbers(2, 4)),
      floats('w2', [4, 2], randomNumbers(3, 8)),
    ],
  })
}

/** What inspect says, however its lines are broken. */
async function shown(...args: string[]): Promise<string> {
  return (await inside('inspect', ...args)).stdout.replace(/\s+/g, ' ')
}

describe('compile says', () => {
  test('what the client does, which packing was chosen and why, and that it has seen no rows', async () => {
    const { stdout, stderr } = await compile('risk.json', 'risk')
    expect(stdout).toContain('the client first takes a row of 2 columns: age, weight, then fills in missing values')
    expect(stdout).toContain('the client last makes a probability of each score (logistic function), then names')
    expect(stdout).toMatch(
      /\ncoefficient packing: [\d.]+ ms a sample \(.*; (?:slots|batch) packing would take [\d.]+ ms a sample\n/,
    )
    expect(stderr).toContain('synthetic rows')
    expect(stderr).not.toContain('warning')
  })

  test('which columns it knows nothing of, and nothing where real rows were given', async () => {
    const { steps, ...rest } = sklearn
    writeFileSync(at('bare.json'), JSON.stringify({ ...rest, steps: [steps[2]] }))
    const { stderr } = await compile('bare.json', 'bare')
    expect(stderr).toMatch(/^warning: the model does not say how large age, weight are, .*--calibration FILE\n$/)
    writeFileSync(at('rows.csv'), 'weight,age\n60,30\n90,70\n,55\n')
    expect((await compile('risk.json', 'given', '-c', at('rows.csv'))).stderr).toBe('')
    const { report, input } = await facts('given')
    expect(report.calibration).toBe('3 given samples')
    expect(input.calibrated).toEqual({ low: -2, high: 2 })
  })

  test('what polynomials do to the answer; rules are followed', async () => {
    const { stdout } = await compile('relu.onnx', 'relu')
    expect(stdout).toMatch(/\n1 activation became polynomials, which moves outputs by [\d.]+ % of their size\n/)
    await compile('relu.onnx', 'square', '--activation', 'relu=3', '--activation', 'Relu_active=square')
    const { report } = await facts('square')
    expect(report.approximation.activations).toMatchObject([{ kind: 'Relu', method: 'square', degree: 2 }])
    const text = await shown(at('square'))
    expect(text).toMatch(/Relu_active +│ Relu │ its square +│/)
    expect(text).toMatch(
      /With polynomials, on 8 samples: outputs are off by .* of their size .*, by .* of the largest at most; the largest output is the same for/,
    )
  })
})

test('a folder with another model is left as it is, or emptied of what described that one', async () => {
  await compile('risk.json', 'mixed')
  writeFileSync(at('mixed/examples.json'), '{}')
  const before = readFileSync(at('mixed/client.gbx'))
  await expect(compile('tiny.onnx', 'mixed')).rejects.toThrow(/mixed has another model.*--force$/m)
  expect(readFileSync(at('mixed/client.gbx'))).toEqual(before)
  await compile('risk.json', 'mixed', '--precision', '10')
  expect(existsSync(at('mixed/examples.json'))).toBe(true)
  const { stderr } = await compile('tiny.onnx', 'mixed', '--force')
  expect(stderr).toContain('mixed had another model; examples.json of it is gone')
  expect(existsSync(at('mixed/examples.json'))).toBe(false)
})

describe('what lies beside the model', () => {
  const folder = (name: string): string => at(`beside-${name}`)
  const put = (name: string, files: Readonly<Record<string, string>>): string => {
    mkdirSync(folder(name))
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder(name), file), text)
    return folder(name)
  }
  const risk = { 'model.json': JSON.stringify(sklearn) }
  const examples = JSON.stringify({
    kind: 'rows',
    source: 'synthetic',
    items: [{ name: 'one', input: { age: 1, weight: 2 } }],
  })

  test('goes with it: card, examples and metrics, and inspect shows them', async () => {
    const from = put('all', {
      ...risk,
      'README.md': '# risk\n',
      'examples.json': examples,
      'metrics.json': '{"auc":0.72}',
    })
    const out = at('beside-out')
    const { stdout } = await inside('compile', join(from, 'model.json'), '-o', out)
    expect(stdout).toMatch(/card\.md, .*examples\.json, .*metrics\.json: from the model's folder/)
    expect(readFileSync(join(out, 'card.md'), 'utf8')).toBe('# risk\n')
    expect(JSON.parse(readFileSync(join(out, 'examples.json'), 'utf8')).items).toHaveLength(1)
    const text = await shown(out)
    expect(text).toContain('card card.md: risk')
    expect(text).toContain('examples 1 of kind rows, synthetic')
    expect(text).toContain('metrics auc 0.72')
    expect(JSON.parse((await inside('inspect', out, '--json')).stdout)).toMatchObject({
      metrics: { auc: 0.72 },
      examples: 1,
    })
  })

  test('is refused where it is not what its name says', async () => {
    const from = put('wrong', { ...risk, 'metrics.json': '{"auc":"high"}' })
    await expect(inside('compile', join(from, 'model.json'), '-o', at('none'))).rejects.toThrow(
      /metrics\.json expected numbers with names .*, got "auc": string/,
    )
  })
})

describe('--packing', () => {
  test('forces one, and says so', async () => {
    const { stdout } = await compile('risk.json', 'batch', '--packing', 'batch', '--batch-size', '500')
    expect(stdout).toContain('batch packing, as asked: ')
    expect(await facts('batch')).toMatchObject({ packing: 'batch', encoding: 'coefficients', samplesPerRun: 2048 })
    expect(await shown(at('batch'))).toMatch(/for up to 2,048 samples, [\d.]+ ms each; priced by/)
  })

  test('that cannot be is refused with the reason', () =>
    expect(compile('tiny.onnx', 'none', '--packing', 'coefficient')).rejects.toThrow(
      'coefficient packing is for affine models: this one has products of variables',
    ))
})

describe('options that are wrong are refused', () => {
  test.each([
    [['--packing', 'diagonal'], /Allowed choices are coefficient, slots, batch/],
    [['--activation', 'relu'], /Expected LAYER=DEGREE with a degree from 1 to 31 or "square".*got "relu"/],
    [['--activation', 'relu=99'], /got "relu=99"/],
    [['--activation', 'tanh=3'], /an activation rule is for "Tanh", which the model has not: .*\(Relu\)/],
    [['--precision', '99'], /Expected a number above 0 and up to 40/],
    [['--link', '0'], /Expected a number above 0/],
    [['--batch-size', '0'], /Expected an integer from 1/],
    [['--costs', '/nowhere/costs.json'], /cannot read \/nowhere\/costs.json/],
    [['--calibration', '/nowhere/rows.png'], /cannot read \/nowhere\/rows.png/],
  ])('%j', async (more, message) => {
    await expect(compile('relu.onnx', 'none', ...more)).rejects.toThrow(message)
  })

  test('calibration rows of wrong cells name the file, the row and the column, and no cell', async () => {
    writeFileSync(at('wrong.csv'), 'age,sex\n41,male\n77,other-secret\n')
    const wrong = compile('card.json', 'none', '-c', at('wrong.csv'))
    await expect(wrong).rejects.toThrow(/wrong\.csv: .*column "sex" expected one of "female", "male", got another text/)
    await expect(wrong).rejects.not.toThrow(/secret|77/)
  })
})

describe('what operations cost', () => {
  const slow = { ...defaultCostTable, request: 5e6 }

  test('is taken from the file or the usual place, and inspect prices anew without compiling', async () => {
    writeFileSync(at('costs.json'), JSON.stringify({ version: 2, ...slow }))
    await compile('risk.json', 'plain')
    await compile('risk.json', 'priced', '--costs', at('costs.json'))
    expect((await facts('plain')).cost.milliseconds).toBeLessThan(1000)
    expect((await facts('priced')).cost.milliseconds).toBeGreaterThan(5000)
    const anew = await shown(at('plain'), '--costs', at('costs.json'))
    expect(anew).toMatch(new RegExp(`estimate +5000 ms on one thread for a sample; priced by ${at('costs.json')}`))
    const { writeTable, usualPlace } = await import('../calibration/table.ts')
    await writeTable(usualPlace(), slow)
    expect(await facts('plain')).toMatchObject({ pricedBy: usualPlace() })
    const alone = JSON.parse((await inside('inspect', at('plain/client.gbx'), '--json')).stdout)
    expect(alone.cost.milliseconds).toBeLessThan(1000)
    rmSync(usualPlace())
  })

  test('without the server part is not to be had', async () => {
    await compile('risk.json', 'plain')
    await expect(inside('inspect', at('plain/client.gbx'), '--costs', at('costs.json'))).rejects.toThrow(
      /--costs needs a folder with client.gbx and server.gbx/,
    )
  })
})

describe('a round trip', () => {
  const trip = async (model: string, out: string, input: string, ...more: string[]) => {
    await compile(model, out, ...more)
    await inside('keygen', at(out), '-o', at(out, 'keys'))
    const { stderr } = await inside('encrypt', at(out), '-k', at(out, 'keys'), '-i', at(input), '-o', at(out, 'q'))
    await inside('run', at(out), '-e', at(out, 'keys'), '-i', at(out, 'q'), '-o', at(out, 'r'))
    const { stdout } = await inside('decrypt', at(out), '-k', at(out, 'keys'), '-i', at(out, 'r'), '--json')
    return {
      stderr,
      ...(JSON.parse(stdout) as { outputs: number[][]; answers: { label?: string; values: number[] }[] }),
    }
  }

  test.each(['coefficient', 'slots', 'batch'])('of rows in %s packing', async (packing) => {
    writeFileSync(at('people.csv'), 'name,weight,age\na,95,61\nb,,35.5\nc,70,\n')
    const { answers, stderr } = await trip('risk.json', `trip-${packing}`, 'people.csv', '--packing', packing)
    expect(stderr).toBe('')
    const expected = [riskOf(61, 95), riskOf(35.5, null), riskOf(null, 70)]
    expect(answers.map(({ label }) => label)).toEqual(expected.map((p) => (p > 0.5 ? 'high' : 'low')))
    answers.forEach(({ values }, i) => expect(Math.abs(values[1]! - expected[i]!)).toBeLessThan(0.003))
  })

  test('of a scorecard: contributions add up on the client', async () => {
    writeFileSync(at('one.json'), '[{"age": 61, "sex": "male"}]')
    const { outputs, answers } = await trip('card.json', 'trip-card', 'one.json')
    expect(outputs[0]!.map((v) => Number(v.toFixed(2)))).toEqual([1, 0.2])
    expect(answers[0]!.values[0]).toBeCloseTo(1 / (1 + Math.exp(-0.2)), 2)
  })

  test('warns of rows that are far from those of the calibration, and not of some that are a little outside', async () => {
    writeFileSync(at('near.json'), '[[74, 100]]')
    writeFileSync(at('far.json'), '[[95, 100]]')
    writeFileSync(at('typical.csv'), '30,60\n70,90\n')
    expect((await trip('risk.json', 'near', 'near.json', '-c', at('typical.csv'))).stderr).toBe('')
    const { stderr } = await trip('risk.json', 'near', 'far.json', '-c', at('typical.csv'))
    expect(stderr).toMatch(/^warning: 1 of 1 samples, as the client has prepared them, leave the range -2 to 2 /)
    expect(readFileSync(at('near/client.gbx')).length).toBeGreaterThan(0)
  })
})
