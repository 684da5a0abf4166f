import { expect, test } from 'vitest'
import { demo } from './fraud.ts'
import { runDemo } from './run.ts'
import { showRun } from './show.ts'

test('a demo runs on synthetic rows and shows them in 80 columns, a server process away', async () => {
  const run = await runDemo(demo, { samples: 20, threads: 1, data: undefined, onStage: () => {} })
  const { result } = run
  expect(result).toMatchObject({ name: 'fraud', samples: 20, metric: 'accuracy', packing: 'coefficient', keyBytes: 0 })
  expect(result.data).toBe('synthetic')
  expect([result.encrypted, result.reference]).toEqual([result.clear, result.clear])
  expect(result.clear).toBeGreaterThan(0.7)
  expect(result.maxError).toBeLessThan(0.002)
  const text = await showRun(demo, run, 80, 'out')
  for (const part of ['€', 'LOOK', 'pass', 'honest', 'server compute', 'synthetic']) expect(text).toContain(part)
  for (const line of text.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80)
})
