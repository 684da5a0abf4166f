import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { compileTiny, type Tiny, tinySamples } from '../../../client/test/tiny.ts'
import { testFolder } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'
import { testService } from '../../test/service.ts'
import { makeFolder } from '../files.ts'

// The commands that look after a service, in the order in which people use them.

const service = testService()
const folder = testFolder()
const at = (...names: string[]): string => join(folder, ...names)
const samples = tinySamples(6)
let tiny: Tiny

async function writeModel(name: string, model: Tiny): Promise<void> {
  await makeFolder(at(name))
  writeFileSync(at(name, 'client.gbx'), model.client)
  writeFileSync(at(name, 'server.gbx'), model.server)
}

beforeAll(async () => {
  tiny = compileTiny()
  await writeModel('one', tiny)
  writeFileSync(at('one', 'metrics.json'), '{"accuracy":0.875}')
  writeFileSync(at('one', 'card.md'), '# tiny\n')
  await writeModel('two', compileTiny(5))
  writeFileSync(at('x.json'), JSON.stringify(samples))
})

const json = async (...args: string[]) => JSON.parse((await inside(...args, '--json')).stdout)

describe('a model in a service', () => {
  test('push makes versions; the same folder again is the same one, unless it is forced', async () => {
    expect((await inside('models')).stdout).toBe(
      `no models at ${service.url} yet: npx glovebox push FOLDER --name NAME\n`,
    )
    const pushed = await inside('push', at('one'), '--name', 'tiny', '--tag', 'team=blue', '--alias', 'candidate')
    expect(pushed.stdout).toMatch(/^tiny@1: [\d.]+ KB, all of it uploaded to http.*\ntiny@candidate is version 1\n$/)
    expect((await inside('push', at('one'), '--name', 'tiny')).stdout).toMatch(
      /^tiny@1: these files are this version already/,
    )
    expect(await json('push', at('two'), '--name', 'tiny')).toMatchObject({ version: '2', created: true })
    expect(await json('push', at('one'), '--name', 'tiny')).toMatchObject({
      version: '1',
      created: false,
      uploadedBytes: 0,
    })
    expect(await json('push', at('one'), '--name', 'tiny', '--force')).toMatchObject({
      version: '3',
      created: true,
      // All of its blobs are there.
      uploadedBytes: 0,
    })
  })

  test('models lists it, with metrics and tags of its versions', async () => {
    const { models } = await json('models')
    expect(models).toHaveLength(1)
    expect(models[0].versions.map(({ version }: { version: string }) => version)).toEqual(['3', '2', '1'])
    expect(models[0].versions[2].tags).toMatchObject({ accuracy: '0.875', team: 'blue' })
    expect((await inside('models', 'tiny')).stdout).toContain('accuracy=0.875')
    await expect(inside('models', 'cats')).rejects.toThrow(
      `there is no model "cats" at ${service.url}; there are: tiny`,
    )
  })

  test('test compares it with the folder that was pushed, here', async () => {
    const labels = samples.map((sample) => {
      const row = tiny.expected(sample)
      return String(row.indexOf(Math.max(...row)))
    })
    writeFileSync(at('labels.txt'), `${labels.join('\n')}\n`)
    const tested = await json('test', 'tiny@1', '--data', at('x.json'), '--labels', at('labels.txt'))
    expect(tested).toMatchObject({ kind: 'classes', samples: 6, agree: 6, clear: 1, encrypted: 1, requests: 6 })
    expect(tested.largestDifference).toBeGreaterThan(0)
    expect(tested.largestDifference / tested.largestOutput).toBeLessThan(0.001)
    for (const time of [tested.totalMs, tested.roundTripMs, tested.computeMs]) {
      expect(time.median).toBeGreaterThan(0)
      expect(time.p95).toBeGreaterThanOrEqual(time.median)
    }
    expect(tested.keyBytes).toBeGreaterThan(0)
    const { stdout } = await inside('test', 'tiny@2', '--data', at('x.json'), '-n', '2')
    expect(stdout).toContain('same class in 2 of 2')
    expect(stdout).toContain('not known')
    for (const line of stdout.split('\n')) if (!line.includes(folder)) expect(line.length).toBeLessThanOrEqual(80)
  })

  test('test finds a wrong label, another program and a folder that was never pushed', async () => {
    writeFileSync(at('wrong.json'), JSON.stringify(['none', 'none', 'none', 'none', 'none', 'none']))
    expect(await json('test', 'tiny@1', '--data', at('x.json'), '--labels', at('wrong.json'))).toMatchObject({
      clear: 0,
      encrypted: 0,
      agree: 6,
    })
    await expect(inside('test', 'tiny@1', '--data', at('x.json'), '--clear', at('two'))).rejects.toThrow(
      /server\.gbx is another program than the one that the service has/,
    )
    await expect(inside('test', 'tiny@1', '--data', at('x.json'), '--labels', at('one/card.md'))).rejects.toThrow(
      'expected what is true of 6 samples, got 1',
    )
    const remembered = process.env.XDG_STATE_HOME
    process.env.XDG_STATE_HOME = at('elsewhere')
    await expect(inside('test', 'tiny@1', '--data', at('x.json'))).rejects.toThrow(
      'tiny@1 was not pushed from here, so its weights are not known to compare with: name its folder by --clear DIR',
    )
    process.env.XDG_STATE_HOME = remembered
  })

  test('deploy moves an alias, and predict follows it', async () => {
    expect((await inside('deploy', 'tiny@2')).stdout).toBe('tiny@production is version 2\n')
    const output = async (model: string): Promise<number[]> =>
      (await json('predict', model, '--input', at('x.json'))).outputs[0]
    const other = await output('tiny')
    expect((await inside('deploy', 'tiny@candidate', '--alias', 'production')).stdout).toBe(
      'tiny@production is version 1; it was 2\n',
    )
    const own = await output('tiny')
    const truth = tiny.expected(samples[0]!)
    own.forEach((v, i) => expect(Math.abs(v - truth[i]!)).toBeLessThan(0.01))
    expect(other.some((v, i) => Math.abs(v - truth[i]!) > 0.1)).toBe(true)
    expect(await output('tiny@2')).not.toEqual(own)
  })

  test('what is not there is said with what is', async () => {
    await expect(inside('predict', 'tiny@7', '--input', at('x.json'))).rejects.toThrow(
      `tiny has no version "7" at ${service.url}; there are: 3, 2, 1, candidate, production`,
    )
    await expect(inside('deploy', 'tiny@9')).rejects.toThrow(/has no version/)
    await expect(inside('predict', 'tiny', '--server', 'http://127.0.0.1:9', '--input', 'x')).rejects.toThrow(
      /the server at http:\/\/127\.0\.0\.1:9 cannot be reached/,
    )
  })

  test('a folder that was cut short is refused before anything goes up', async () => {
    await writeModel('short', tiny)
    const file = at('short', 'server.gbx')
    truncateSync(file, statSync(file).size - 7)
    const before = service.lines.length
    await expect(inside('push', at('short'), '--name', 'short')).rejects.toThrow(/short\/server\.gbx: the server part/)
    await writeModel('mixed', tiny)
    writeFileSync(at('mixed/server.gbx'), readFileSync(at('two/server.gbx')))
    await expect(inside('push', at('mixed'), '--name', 'mixed')).rejects.toThrow(/another program than client\.gbx/)
    await expect(inside('push', at('nowhere'), '--name', 'x')).rejects.toThrow(/cannot read .*nowhere\/client\.gbx/)
    writeFileSync(at('mixed/examples.json'), '{"kind":"cats","source":"public","items":[]}')
    await expect(inside('push', at('mixed'), '--name', 'mixed')).rejects.toThrow('expected "kind" of digit, rows')
    expect(service.lines).toHaveLength(before)
  })

  test('top shows it in 80 columns', async () => {
    const { stdout } = await inside('top', '--once')
    expect(stdout).toMatch(/^tiny +\d+ /m)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(await json('top', '--once')).toMatchObject({ threads: { total: 1 } })
  })

  test('types are those of the model', async () => {
    await inside('types', 'tiny', '-o', at('tiny.ts'))
    expect(readFileSync(at('tiny.ts'), 'utf8')).toMatch(/export /)
  })
})
