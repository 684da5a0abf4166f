import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { compileTiny, type Tiny, tinySamples } from '../../../client/test/tiny.ts'
import { testFolder } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'
import { testService } from '../../test/service.ts'

// Keys are made once, and kept where only their owner reads them.

const service = testService()
const folder = testFolder()
const at = (name: string): string => join(folder, name)
const samples = tinySamples(2)
const kept = (): string => join(service.state, 'glovebox', 'keys')
const secrets = (): string[] => readdirSync(kept()).filter((name) => name.endsWith('.secret'))
const json = async (...args: string[]) => JSON.parse((await inside(...args, '--json')).stdout)
const predict = (...more: string[]) => json('predict', 'tiny', '--input', at('x.json'), ...more)
let tiny: Tiny

beforeAll(async () => {
  tiny = compileTiny()
  writeFileSync(at('client.gbx'), tiny.client)
  writeFileSync(at('server.gbx'), tiny.server)
  writeFileSync(at('x.json'), JSON.stringify(samples))
  await inside('push', folder, '--name', 'tiny')
})
beforeEach(() => inside('keys', 'forget', '--all'))

describe('keys that are kept', () => {
  test('are made by the first prediction and used by all others, of test too', async () => {
    for (const { outputs } of [await predict(), await predict()])
      outputs.forEach((row: number[], i: number) => {
        row.forEach((v, k) => expect(Math.abs(v - tiny.expected(samples[i]!)[k]!)).toBeLessThan(0.01))
      })
    expect(secrets()).toHaveLength(1)
    expect(statSync(kept()).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(kept())) expect(statSync(join(kept(), name)).mode & 0o777).toBe(0o600)
    const tested = await json('test', 'tiny', '--data', at('x.json'))
    expect(tested).toMatchObject({ needsKeys: true, keygenMs: 0, keyBytes: 0, samples: 2 })
    const { keys } = await json('keys', 'list')
    expect(keys).toHaveLength(1)
    expect(keys[0]).toMatchObject({ model: 'tiny', digest: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(keys[0].bytes).toBeGreaterThan(0)
    // Both ends say until when: 30 days.
    for (const until of [keys[0].hereUntil, keys[0].thereUntil])
      expect(Math.abs(until - Date.now() - 30 * 86_400_000)).toBeLessThan(60_000)
  })

  test('the list has them in 80 columns; forget deletes them at both ends', async () => {
    await predict()
    const [set] = (await json('keys', 'list')).keys
    const { stdout } = await inside('keys', 'list')
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(stdout).toMatch(new RegExp(`^${set.digest.slice(0, 16)}  .*until .*until .*tiny$`, 'm'))
    expect((await inside('keys', 'forget', 'tiny')).stdout).toBe(`keys ${set.digest.slice(0, 16)} of tiny are gone\n`)
    expect(readdirSync(kept())).toEqual([])
    expect((await fetch(`${service.url}/v2/keys/${set.digest}`, { method: 'HEAD' })).status).toBe(404)
    expect((await inside('keys', 'list')).stdout).toBe('no keys yet: npx glovebox predict makes them\n')
    await predict()
    expect((await json('keys', 'list')).keys[0].digest).not.toBe(set.digest)
  })

  test('those of another start of the digits stay', async () => {
    await predict()
    const { digest } = (await json('keys', 'list')).keys[0]
    const other = digest.startsWith('00000000') ? '11111111' : '00000000'
    await expect(inside('keys', 'forget', other)).rejects.toThrow(`there are no keys "${other}"`)
    await expect(inside('keys', 'forget', digest.slice(0, 7))).rejects.toThrow('there are no keys')
    await expect(inside('keys', 'forget')).rejects.toThrow('say which keys')
    await expect(inside('keys', 'forget', digest, '--all')).rejects.toThrow('say which keys')
    expect(secrets()).toHaveLength(1)
    await inside('keys', 'forget', digest.slice(0, 8))
    expect(secrets()).toHaveLength(0)
  })

  test('are told without a service, with a warning', async () => {
    await predict()
    const { stdout, stderr } = await inside('keys', 'list', '--server', 'http://127.0.0.1:9')
    expect(stdout).toMatch(/ not known$/m)
    expect(stderr).toMatch(/^warning: the server at http:\/\/127\.0\.0\.1:9 cannot be reached/)
  })
})

test('fresh keys are kept nowhere', async () => {
  await predict('--fresh-keys')
  expect((await json('keys', 'list')).keys).toEqual([])
  await expect(predict('--fresh-keys', '--keys', at('keys'))).rejects.toThrow('cannot be used with option')
})

test('a folder of keygen is used as it is, and nothing else is kept', async () => {
  await inside('keygen', folder, '-o', at('keys'))
  expect((await predict('--keys', at('keys'))).outputs).toHaveLength(2)
  const { keys } = await json('keys', 'list')
  expect(keys.map(({ id, model }: { id: string | null; model: string }) => [id, model])).toEqual([[null, 'tiny']])
  await inside('keys', 'forget', 'tiny')
  await expect(predict('--keys', at('none'))).rejects.toThrow(/cannot read .*none\/secret\.key/)
})
