import { importOnnx, runClear } from '@glovebox/ml'
import { expect, test } from 'vitest'
import { readInput } from '../files.ts'
import { modelFile } from './model-file.ts'
import { createRandomness } from './random.ts'
import { referenceOfOnnx } from './reference-onnx.ts'

// Two implementations that share no code: an error in one of them shows here, for onnxruntime holds the importer too.

test.each([
  ['digits', [1, 28, 28]],
  ['xray', [1, 28, 28]],
  ['digits-linear', [1, 28, 28]],
  ['pets', [256]],
])('%s is computed as the importer reads it', async (name, shape) => {
  const bytes = await readInput(await modelFile(name))
  const { uniform } = createRandomness(7)
  const sample = Float64Array.from({ length: shape.reduce((a, b) => a * b) }, uniform)
  const expected = runClear(importOnnx(bytes).graph, sample)
  const found = referenceOfOnnx(bytes, shape)(sample)
  expect(found).toHaveLength(expected.length)
  found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 9))
})
