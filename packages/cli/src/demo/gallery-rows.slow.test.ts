import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { demos } from './list.ts'
import { runDemo } from './run.ts'
import { showRun } from './show.ts'
import { heldOutTweets } from './tweets.ts'

// Demos with few inputs, on synthetic inputs and, where the data is there, on real ones that were held out. What is encrypted is as good as what is in
// the clear, and both are as good as what a second implementation says.

const data = process.env.GLOVEBOX_DATA ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url))
const folder = testFolder()

const keys =
  'name samples metric clear encrypted reference maxError serverMs serverMsPerSample samplesPerSecond keygenMs uploadBytes replyBytes keyBytes packing ringDegree logQP threads data estimateMs'

/** Inputs, the least score of them, what of the encrypted one may differ from the clear one, packing, what is on the screen. Order by many equal rates is fragile: claims. */
const rows = {
  mortality: [60, 0.7, 0.01, 'batch', ['Why patient', 'other facts together', '│█']],
  fraud: [12, 0.8, 0, 'coefficient', ['€', 'LOOK']],
  claims: [200, -0.2, 0.03, 'coefficient', ['sedan', 'claims a year', '$']],
  threat: [6, 0.6, 0, 'slots', ['tcp', 'ATTACK']],
  flowering: [4, 0.5, 0.002, 'coefficient', ['200,000', 'days']],
  'flowering-53859': [4, 0.5, 0.002, 'coefficient', ['53,859', 'days']],
  sentiment: [12, 0.6, 0, 'coefficient', ['negative', 'positive', '│']],
  'digits-batch': [40, 0.9, 0, 'batch', ['predicted 7, is 7']],
} as const

const withoutTruth = ['claims', 'flowering', 'flowering-53859']
/** A request of a batch is as large as it gets, however few samples are in it. */
const most = { uploadBytes: 60e6, replyBytes: 1e6 }

for (const source of ['synthetic', 'real'] as const) {
  describe.runIf(source === 'synthetic' || existsSync(data))(source, () => {
    test.each(Object.entries(rows))('%s', async (name, [samples, least, tolerance, packing, texts]) => {
      const demo = await demos.get(name)!()
      const from = source === 'real' ? data : undefined
      const run = await runDemo(demo, { samples, threads: 1, data: from, onStage: () => {} })
      const { result } = run
      expect(Object.keys(result).join(' ')).toBe(keys)
      expect(result).toMatchObject({ name, samples, packing, threads: 1 })
      expect(result.data).toBe(
        name === 'digits-batch' ? 'real' : source === 'real' && name === 'flowering' ? 'resampled' : source,
      )
      if (source === 'synthetic' && withoutTruth.includes(name)) {
        expect([result.clear, result.encrypted, result.reference]).toEqual([null, null, null])
      } else {
        expect(result.clear!).toBeGreaterThanOrEqual(least)
        expect(Math.abs(result.reference! - result.clear!)).toBeLessThan(1e-6)
        expect(Math.abs(result.encrypted! - result.clear!)).toBeLessThanOrEqual(tolerance)
      }
      // Scores of few inputs hide much: the second implementation has the same outputs, too.
      const { reference } = run.task
      const largest = Math.max(...run.outcome.clear.map((row) => Math.max(...row.map(Math.abs))))
      reference().forEach((row, i) => {
        expect(row).toHaveLength(run.outcome.clear[i]!.length)
        for (let k = 0; k < row.length; k++)
          expect(Math.abs(row[k]! - run.outcome.clear[i]![k]!)).toBeLessThan(1e-5 * largest)
      })
      expect(result.maxError).toBeGreaterThan(0)
      expect(result.maxError).toBeLessThan(0.002)
      expect(result.serverMs).toBeGreaterThan(0)
      expect(result.keyBytes > 0).toBe(name === 'threat' || name === 'digits-batch')
      expect(result.uploadBytes).toBeLessThan(most.uploadBytes)
      expect(result.replyBytes).toBeLessThan(most.replyBytes)
      const text = stripVTControlCharacters(await showRun(demo, run, 80, folder))
      for (const part of ['server compute', 'noise', ...texts]) expect(text).toContain(part)
      for (const line of text.replaceAll(folder, '').split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80)
      if (source === 'real' && name.startsWith('flowering')) expect(existsSync(`${folder}/${name}.svg`)).toBe(true)
    })
  })
}

test.runIf(existsSync(data))('as many tweets are held out as in training', async () => {
  const tweets = await heldOutTweets(data, Infinity)
  expect(tweets).toHaveLength(2289)
  expect(tweets.filter(({ label }) => label === 'positive').length / 2289).toBeCloseTo(0.519, 3)
})
