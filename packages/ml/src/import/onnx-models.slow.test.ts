import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runOrt } from '../../test/ort.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { runAfter } from '../model/after.ts'
import type { Model } from '../model/model.ts'
import { runClear } from '../run/clear.ts'
import { importOnnx } from './onnx.ts'

// Models that others made: the folder onnx-models of the data that is kept beside the repository.
const data = process.env.GLOVEBOX_DATA ?? new URL('../../../../../shared/data', import.meta.url).pathname
const folder = join(data, 'onnx-models')
const present = existsSync(folder)
if (!present) console.warn(`skipped: there is no ${folder} (GLOVEBOX_DATA says where the data is)`)

function read(file: string): Model | Error {
  try {
    return importOnnx(new Uint8Array(readFileSync(join(folder, file))))
  } catch (error) {
    return error as Error
  }
}

describe.skipIf(!present)('models of others', () => {
  const files = present
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.onnx'))
    : []
  const found = files.map((file) => ({ file, model: read(file) }))

  test('are imported, or refused by the name of an op', () => {
    expect(found.length).toBeGreaterThan(0)
    for (const { file, model } of found) {
      console.log(`${file}: ${model instanceof Error ? model.message : 'imported'}`)
      if (!(model instanceof Error)) continue
      expect([file, model.name]).toEqual([file, 'GloveboxError'])
      expect(model.message).toMatch(/(op|of|^) ?[\w.]+ (of )?node "/)
    }
  })

  test('trees compare, which encryption cannot: each of them is refused with what to do instead', () => {
    const trees = found.filter(({ file }) => file.includes('treecl'))
    for (const { model } of trees) {
      expect(model).toMatchObject({
        code: 'unsupported',
        message: expect.stringMatching(/TreeEnsembleClassifier of node .*train a linear model/),
      })
    }
  })

  test('what is imported computes what onnxruntime does', async () => {
    for (const { file, model } of found) {
      if (model instanceof Error || model.before.length > 0) continue
      const { graph, after } = model
      const samples = randomNumbers(1, 3 * graph.nodes[0]!.size)
      const raw = runClear(graph, samples)
      const width = raw.length / 3
      const answers = [0, 1, 2].flatMap((i) => runAfter(after, raw.subarray(i * width, (i + 1) * width)).values)
      const truth = await runOrt(new Uint8Array(readFileSync(join(folder, file))), graph.inputShape, samples)
      const largest = Math.max(1, ...truth.map(Math.abs))
      expect([file, largestDifference(answers, truth) < 1e-4 * largest]).toEqual([file, true])
    }
  })
})
