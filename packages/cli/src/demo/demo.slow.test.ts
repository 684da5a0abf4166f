import { expect, test } from 'vitest'
import { glovebox, start, testFolder } from '../../test/glovebox.ts'
import { alive, childrenOf, until } from '../../test/processes.ts'

const folder = testFolder()

test('classifies real digits and prints exactly the object that scripts read', async () => {
  const { code, stdout, stderr } = await glovebox('demo', 'digits', '--images', '5', '--threads', '2', '--json')
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.trim().split('\n')).toHaveLength(1)
  const result = JSON.parse(stdout)
  expect(Object.keys(result)).toEqual([
    'model',
    'images',
    'agreeWithClear',
    'accuracy',
    'maxLogitError',
    'serverMsMedian',
    'roundTripMsMedian',
    'keygenMs',
    'uploadBytes',
    'replyBytes',
    'keyBytes',
    'threads',
    'ringDegree',
    'logQP',
    'securityBits',
    'name',
    'samples',
    'metric',
    'clear',
    'encrypted',
    'reference',
    'maxError',
    'serverMs',
    'serverMsPerSample',
    'samplesPerSecond',
    'packing',
    'data',
    'estimateMs',
  ])
  expect(result).toMatchObject({
    model: 'digits',
    images: 5,
    agreeWithClear: 5,
    accuracy: 1,
    threads: 2,
    securityBits: 128,
  })
  expect(result.maxLogitError).toBeLessThan(0.01)
  expect(result.uploadBytes).toBeLessThan(400_000)
  expect(result.replyBytes).toBeLessThan(60_000)
  expect(result.keyBytes).toBeLessThan(60_000_000)
  for (const value of Object.values(result)) expect(value).not.toBeNull()
})

test('for people it shows digits and a table, without colours or bars where there is no terminal', async () => {
  const { code, stdout, stderr } = await glovebox('demo', 'digits', '--images', '3')
  expect([code, stderr]).toEqual([0, ''])
  for (const text of ['predicted 7, is 7', '3 of 3 digits', 'evaluation keys', 'security', '█'])
    expect(stdout).toContain(text)
  expect(stdout).not.toContain('\u001b')
})

test.runIf(process.platform === 'linux').concurrent.each(['SIGKILL', 'SIGINT'] as const)(
  'its server goes with it on %s',
  async (signal) => {
    // A demo that is killed cannot clean up; the folder of the tests takes what it leaves.
    const demo = start({ TMPDIR: folder }, 'demo', 'digits', '--images', '2000', '--json')
    const server = await until(() => childrenOf(demo.pid!)[0])
    demo.kill(signal)
    await until(() => !alive(server) || undefined)
    expect(alive(server)).toBe(false)
  },
)
