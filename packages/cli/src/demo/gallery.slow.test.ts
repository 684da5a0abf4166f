import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { defaultCostTable } from '@glovebox/ml'
import { describe, expect, test } from 'vitest'
import { glovebox, testFolder } from '../../test/glovebox.ts'
import { writeTable } from '../calibration/table.ts'

// Demos with few inputs, each with its server in a process of its own. What is encrypted is as good as what is in the clear, and both are as
// good as what a second implementation says.

const data = process.env.GLOVEBOX_DATA ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url))
const folder = testFolder()

const keys = [
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
  'keygenMs',
  'uploadBytes',
  'replyBytes',
  'keyBytes',
  'packing',
  'ringDegree',
  'logQP',
  'threads',
  'data',
  'estimateMs',
]

/** Name, inputs, least or largest score of them, what of the encrypted score may differ from the clear one, packing, what is on the screen. */
const demos = [
  ['weather', 160, [0, 6], 0.01, 'coefficient', ['rain?', 'as today']],
  ['fitness', 5, [0, 0.001], 0.001, 'coefficient', ['added up encrypted', 'steady']],
  ['pets', 8, [0.75, 1], 0, 'coefficient', ['dog?']],
  ['xray', 6, [0.66, 1], 0, 'slots', ['pneumonia', 'xray.png', '▓']],
  ['maintenance', 4, [0, 30], 0.1, 'slots', ['◆', 'Flights left']],
] as const

/** Photos are read where the decoder is installed. */
const hasDecoder = ((): boolean => {
  try {
    return createRequire(import.meta.url).resolve('jpeg-js') !== ''
  } catch {
    return false
  }
})()

const sources = [
  ['synthetic', []],
  ['real', ['--data', data]],
] as const

for (const [source, more] of sources) {
  describe.runIf(source === 'synthetic' || existsSync(data))(source, () => {
    const shown = demos.filter(([name]) => source === 'synthetic' || name !== 'pets' || hasDecoder)
    test.each(shown)('%s', async (name, samples, [low, high], tolerance, packing) => {
      const { code, stdout, stderr } = await glovebox('demo', name, '-n', String(samples), '--json', ...more)
      expect([code, stderr]).toEqual([0, ''])
      const result = JSON.parse(stdout)
      expect(Object.keys(result)).toEqual(keys)
      expect(result).toMatchObject({ name, samples, threads: 1, packing })
      // The weather is real wherever its npm package is.
      if (name !== 'weather') expect(result.data).toBe(source)
      expect(result.clear).toBeGreaterThanOrEqual(low)
      expect(result.clear).toBeLessThanOrEqual(high)
      expect(Math.abs(result.reference - result.clear)).toBeLessThan(1e-6)
      expect(Math.abs(result.encrypted - result.clear)).toBeLessThanOrEqual(tolerance)
      expect(result.maxError).toBeGreaterThan(0)
      expect(result.maxError).toBeLessThan(0.002)
      expect(result.serverMs).toBeGreaterThan(0)
      expect(result.keyBytes > 0).toBe(packing === 'slots')
      expect(result.replyBytes).toBeLessThan(25_000)
      if (packing === 'coefficient') expect(result.uploadBytes).toBeLessThan(60_000)
    })
  })
}

test('flowering prints what is shown after it, too', async () => {
  const { code, stdout, stderr } = await glovebox('demo', 'flowering', '-n', '2', '--json')
  expect([code, stderr]).toEqual([0, ''])
  const { also, ...result } = JSON.parse(stdout)
  expect(Object.keys(result)).toEqual(keys)
  expect(Object.keys(also)).toEqual(keys)
  expect([result.name, also.name]).toEqual(['flowering', 'flowering-53859'])
})

test('throughput is shown where several threads make one', async () => {
  const { stdout } = await glovebox('demo', 'digits-linear', '-n', '20', '-t', '2')
  expect(stdout).toMatch(/throughput +│ [\d,.]+ samples a second/)
})

test('estimates are priced by the table that is named', async () => {
  const file = `${folder}/costs.json`
  await writeTable(file, { ...defaultCostTable, request: 7e6 })
  const { stdout } = await glovebox('demo', 'weather', '-n', '20', '--json', '--costs', file)
  expect(JSON.parse(stdout).estimateMs).toBeGreaterThan(7000)
  expect((await glovebox('demo', 'weather', '--costs', `${folder}/none.json`)).stderr).toContain('none.json')
})

test.each(demos)('%s is shown in 80 columns without colours', async (name, samples, _, __, ___, texts) => {
  const { code, stdout, stderr } = await glovebox('demo', name, '-n', String(samples), '--out', folder)
  expect([code, stderr]).toEqual([0, ''])
  for (const text of ['server compute', 'noise', ...texts]) expect(stdout).toContain(text)
  expect(stdout).not.toContain('\u001b')
  for (const line of stdout.replaceAll(folder, '').split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80)
})
