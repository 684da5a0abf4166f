import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'
import { riskOf, sklearn } from '../../test/models.ts'

// An affine model needs no evaluation keys: there is a secret key, and nothing for the server.

const folder = testFolder()
const at = (...names: string[]): string => join(folder, ...names)

beforeAll(async () => {
  writeFileSync(at('risk.json'), JSON.stringify(sklearn))
  writeFileSync(at('x.json'), JSON.stringify([{ age: 61, weight: 95 }]))
  await inside('compile', at('risk.json'), '-o', at('risk'), '--packing', 'coefficient')
})

test('keygen writes the secret key alone, and takes away what an earlier model left', async () => {
  await inside('keygen', at('risk'), '-o', at('keys'))
  writeFileSync(at('keys/evaluation.key'), 'of another model')
  const { stdout } = await inside('keygen', at('risk'), '-o', at('keys'))
  expect(stdout).toContain('this model needs no evaluation keys')
  expect(readdirSync(at('keys'))).toEqual(['secret.key'])
})

test('by hand, and by a service, it predicts with that', async () => {
  await inside('keygen', at('risk'), '-o', at('keys'))
  await inside('encrypt', at('risk'), '-k', at('keys'), '-i', at('x.json'), '-o', at('q.gbx'))
  await inside('run', at('risk'), '-i', at('q.gbx'), '-o', at('r.gbx'))
  const { stdout } = await inside('decrypt', at('risk'), '-k', at('keys'), '-i', at('r.gbx'), '--json')
  expect(JSON.parse(stdout).answers[0].values[1]).toBeCloseTo(riskOf(61, 95), 2)
  expect(existsSync(at('keys/evaluation.key'))).toBe(false)
})

test('a value that is out of range is named by sample and column', async () => {
  writeFileSync(
    at('far.json'),
    JSON.stringify([
      { age: 61, weight: 95 },
      { age: 61, weight: 1e6 },
    ]),
  )
  const encrypt = inside('encrypt', at('risk'), '-k', at('keys'), '-i', at('far.json'), '-o', at('q.gbx'))
  await expect(encrypt).rejects.toThrow(/far\.json: sample 1: column "weight" expected, once prepared, a number from -/)
})
