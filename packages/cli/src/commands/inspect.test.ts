import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultCostTable } from '@glovebox/ml'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { tinyOnnx } from '../../../client/test/tiny.ts'
import { inside } from '../../test/inside.ts'
import { scorecard, sklearn } from '../../test/models.ts'

const folder = mkdtempSync(join(tmpdir(), 'glovebox-inspect-'))
const at = (name: string): string => join(folder, name)
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})
beforeAll(async () => {
  // No prices of this machine.
  vi.stubEnv('XDG_CONFIG_HOME', at('config'))
  writeFileSync(at('tiny.onnx'), tinyOnnx())
  writeFileSync(at('risk.json'), JSON.stringify(sklearn))
  writeFileSync(at('card.json'), JSON.stringify(scorecard))
  await inside('compile', at('card.json'), '-o', at('card'))
  await inside('compile', at('tiny.onnx'), '-o', at('slots'))
  await inside('compile', at('risk.json'), '-o', at('batch'), '--packing', 'batch')
})
const inspect = async (...args: string[]) => (await inside('inspect', ...args)).stdout

test('fits 80 columns, whatever the model', async () => {
  for (const model of ['card', 'slots', 'batch'])
    for (const line of (await inspect(at(model))).split('\n')) expect(line.length).toBeLessThanOrEqual(80)
})

describe('--program is the whole program', () => {
  test('in coefficients', async () => {
    expect(await inspect(at('card'), '--program')).toMatchInlineSnapshot(`
      "card: coefficient packing in coefficients, N = 2048, primes 29 bits, special none
      client   columns
      client   encode
      r0       encrypt "bins" (5): level 0, scale 2^15.0, 1 ciphertext
      r1       products with polynomials (2x5, 5 inputs and 2 outputs in one) of r0 "weights": level 0, scale 2^26.0, 1 ciphertext
      reply    r1, 2 of c_0's coefficients every 5, 20 bits each, as "contributions" (2)
      client   total
      client   sigmoid
      "
    `)
  })
  test('in slots', async () => {
    expect(await inspect(at('slots'), '--program')).toMatchInlineSnapshot(`
      "slots: slots packing in slots, N = 8192, primes 50+21+21 bits, special 50
      r0       encrypt "x" (1x4x4): level 2, scale 2^26.0, 1 ciphertext
      r1       4 diagonals, 3 baby steps, 0 giant steps, 2 folds of r0 plus bias "Gemm_hidden", rescaled: level 1, scale 2^23.4, 1 ciphertext
      r2       square of r1 "Mul_square", rescaled: level 0, scale 2^26.0, 1 ciphertext
      r3       4 diagonals, 3 baby steps, 0 giant steps, 0 folds of r2 plus bias "Gemm_y": level 0, scale 2^43.7, 1 ciphertext
      reply    r3, 8 of c_0's coefficients every 1024, 22 bits each, as "y" (3)
      "
    `)
  })
  test('in a batch', async () => {
    expect(await inspect(at('batch'), '--program')).toMatchInlineSnapshot(`
      "batch: batch packing in coefficients, N = 2048, primes 30 bits, special none
      client   columns
      client   impute
      client   scale
      r0       encrypt "x" (2): level 0, scale 2^13.8, 2 ciphertexts
      r1       sums with 2 numbers (1x2) of r0 plus bias "LogisticRegression": level 0, scale 2^25.0, 1 ciphertext
      reply    r1, 2048 of c_0's coefficients every 1, 21 bits each, as "decision" (1)
      client   sigmoid
      client   labels
      "
    `)
  })
  test('and needs the server part, alone', async () => {
    await expect(inspect(at('card/client.gbx'), '--program')).rejects.toThrow(/client\.gbx: .*"server part"/)
    await expect(inspect(at('card'), '--program', '--json')).rejects.toThrow(/--program.*--json/)
  })
})

test('what the client does is said in words', async () => {
  const text = await inspect(at('card'))
  // However the lines are broken.
  for (const line of [
    'card: 5 → 2',
    'client first takes a row of 2 columns: age, sex (2 categories)',
    '             turns 1 column to 0 and 1 for each category (one-hot)',
    '             turns 1 column to bins, 1 for the one that a number is in',
    'encrypted    5 numbers to the server, 2 numbers back',
    'client last  adds up the contributions of age, sex and -1',
    '             makes a probability of each score (logistic function)',
    'packing      coefficient: inner products with the coefficients of one polynomial, no keys; --why has',
    'at once      one sample in each run',
    'calibrated   on 64 synthetic rows',
    'keys         none to upload',
    'priced by what compile knew of the machine',
  ])
    expect(text.replace(/\s+/g, ' ')).toContain(line.replace(/\s+/g, ' '))
})

test('--why has the chosen one first, and reasons for those that cannot be', async () => {
  const rows = JSON.parse(await inspect(at('slots'), '--why', '--json')) as {
    packing: string
    milliseconds?: number
    reason?: string
  }[]
  expect(rows[0]!.packing).toBe('slots')
  const prices = rows.flatMap(({ milliseconds }) => (milliseconds === undefined ? [] : [milliseconds]))
  expect(prices).toEqual(prices.toSorted((a, b) => a - b))
  for (const { milliseconds, reason } of rows) expect(milliseconds === undefined).toBe(reason !== undefined)
  const text = await inspect(at('slots'), '--why')
  expect(text).toMatch(/^→ slots, N = \d+: [\d.]+ ms a sample$/m)
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(text).toContain('not possible')
  expect(text).toContain('The price of a sample')
})

test('both parts must be of one program', async () => {
  await inside('compile', at('card.json'), '-o', at('torn'))
  await inside('compile', at('risk.json'), '-o', at('other'))
  const { copyFile } = await import('node:fs/promises')
  await copyFile(at('other/server.gbx'), at('torn/server.gbx'))
  writeFileSync(at('costs.json'), JSON.stringify({ version: 2, ...defaultCostTable }))
  await expect(inspect(at('torn'), '--costs', at('costs.json'))).rejects.toThrow(/torn: .* are of two programs/)
})
