import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeServerPart } from '@glovebox/ml'
import { beforeAll, describe, expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'
import { riskOf, scorecard, sklearn } from '../../test/models.ts'
import { testService } from '../../test/service.ts'

// Programs in BFV from the compiler to the prediction: exact integers through the same files, requests and threads as those in CKKS.

const service = testService()
const folder = testFolder()
const at = (...names: string[]): string => join(folder, ...names)
const model = (name: string): string => fileURLToPath(new URL(`../../../../models/${name}`, import.meta.url))
const json = async (...args: string[]) => JSON.parse((await inside(...args, '--json')).stdout)
const get = async (path: string) => (await fetch(`${service.url}${path}`)).json()

/** Images that the digits are tested on. */
const images = 24

describe('digits-linear', () => {
  beforeAll(async () => {
    await inside('compile', model('digits-linear/model.onnx'), '-o', at('digits'), '--scheme', 'bfv')
    await inside('push', at('digits'), '--name', 'digits')
    await inside('deploy', 'digits@1', '--alias', 'production')
  })

  test('is a model of he.bfv', async () => {
    expect((await get('/v2')).extensions).toEqual(expect.arrayContaining(['he.ckks', 'he.bfv']))
    expect(await get('/v2/models/digits')).toMatchObject({
      platform: 'glovebox_bfv',
      parameters: { params: { scheme: 'bfv', plaintextModulus: 2 ** 28 }, needs_keys: false },
    })
  })

  test('answers with the outputs of the rounded model on every image, to the last bit', async () => {
    const tested = await json('test', 'digits', '--data', 'mnist', '-n', String(images))
    expect(tested).toMatchObject({ samples: images, agree: images, largestDifference: 0, keyBytes: 0 })
    expect(tested.encrypted).toBe(tested.clear)
    expect(tested.encrypted).toBeGreaterThan(0.8)
    expect(tested.largestOutput).toBeGreaterThan(5)
  })

  test('gives the same numbers again, and by hand from files too', async () => {
    const { items } = JSON.parse(readFileSync(at('digits/examples.json'), 'utf8'))
    writeFileSync(at('one.json'), JSON.stringify([items[1].input]))
    const { outputs } = await json('predict', 'digits', '--input', at('one.json'), '--pixels')
    expect((await json('predict', 'digits', '--input', at('one.json'), '--pixels')).outputs).toEqual(outputs)
    expect(outputs[0].indexOf(Math.max(...outputs[0]))).toBe(1)
    await inside('keygen', at('digits'), '-o', at('keys'))
    await inside('encrypt', at('digits'), '-k', at('keys'), '-i', at('one.json'), '--pixels', '-o', at('q.gbx'))
    await inside('run', at('digits'), '-i', at('q.gbx'), '-o', at('r.gbx'))
    const decrypted = await json('decrypt', at('digits'), '-k', at('keys'), '-i', at('r.gbx'))
    expect(decrypted.outputs).toEqual(outputs)
    const { input, output } = decodeServerPart(readFileSync(at('digits/server.gbx'))).program
    expect(input.scale).toBe(255)
    // Multiples of 1 over the scale of the output, as integers are.
    for (const value of outputs[0]) expect(Math.round(value * output.scale) / output.scale).toBe(value)
  })

  test('inspect says what it is, and what it takes', async () => {
    const { stdout } = await inside('inspect', at('digits'))
    expect(stdout).toContain('BFV, N = 2048, primes 50 bits, special none, integers modulo 2^28')
    expect(stdout).toMatch(/rounding to integers adds errors up to 2\^-10\.\d/)
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('refused below 0 and above 1, and between multiples of 1/255')
    expect((await inside('inspect', at('digits'), '--program')).stdout).toContain('integers modulo 268435456')
  })

  test('takes no pixel that is between bytes, or beyond them', async () => {
    for (const [value, message] of [
      [0.5, /"image\[0\]" expected a multiple of 1\/255: this program is exact/],
      [2, /"image\[0\]" expected a number from 0 to 1/],
    ] as const) {
      writeFileSync(at('bad.json'), JSON.stringify([[value, ...new Array(783).fill(0)]]))
      await expect(inside('predict', 'digits', '--input', at('bad.json'), '--no-pixels')).rejects.toThrow(message)
    }
  })
})

test('models of tables are within what they promise, with the steps of the client around them', async () => {
  writeFileSync(at('risk.json'), JSON.stringify(sklearn))
  writeFileSync(at('card.json'), JSON.stringify(scorecard))
  writeFileSync(at('x.json'), JSON.stringify([{ age: 61, weight: 95 }]))
  writeFileSync(at('y.json'), JSON.stringify([{ age: 61, sex: 'male' }]))
  for (const name of ['risk', 'card']) {
    await inside('compile', at(`${name}.json`), '-o', at(name), '--scheme', 'bfv')
    await inside('push', at(name), '--name', name)
  }
  const risk = await json('predict', 'risk@1', '--input', at('x.json'))
  expect(risk.answers[0].values[1]).toBeCloseTo(riskOf(61, 95), 2)
  const card = await json('predict', 'card@1', '--input', at('y.json'))
  expect(card.answers[0].values[0]).toBeCloseTo(1 / (1 + Math.exp(1 - 1 - 0.2)), 5)
})

test('a batch is as exact', async () => {
  writeFileSync(at('risk.json'), JSON.stringify(sklearn))
  const rows = Array.from({ length: 40 }, (_, i) => ({ age: 30 + i, weight: 60 + ((i * 7) % 40) }))
  writeFileSync(at('rows.json'), JSON.stringify(rows))
  await inside('compile', at('risk.json'), '-o', at('many'), '--scheme', 'bfv', '--packing', 'batch')
  await inside('push', at('many'), '--name', 'many')
  const tested = await json('test', 'many@1', '--data', at('rows.json'))
  expect(tested).toMatchObject({ samples: 40, agree: 40, largestDifference: 0, requests: 1 })
})

test('what is no affine model is refused, with the layer', async () => {
  const compile = inside('compile', model('digits/model.onnx'), '-o', at('none'), '--scheme', 'bfv')
  await expect(compile).rejects.toThrow(
    /"\/square1\/Mul" multiplies variables, and programs in BFV are for affine models.*--scheme ckks/,
  )
})
