import { expect, test } from 'vitest'
import { digitsModel, testDigits } from '../../test/digits.ts'
import { runOrt } from '../../test/ort.ts'
import { largestDifference } from '../../test/random.ts'
import { openSession } from '../../test/session.ts'
import { compile } from '../compile/compile.ts'
import { importOnnx } from '../import/onnx.ts'
import { runClear } from './clear.ts'

const { graph } = importOnnx(digitsModel)
const best = (logits: Float64Array): number => logits.indexOf(Math.max(...logits))
const rows = (all: Float64Array, width: number): Float64Array[] =>
  Array.from({ length: all.length / width }, (_, i) => all.subarray(i * width, (i + 1) * width))

test('all 10,000 test digits: the clear run and onnxruntime agree to 1e-4 on every logit and reach 98.9 %', async () => {
  const { images, labels } = testDigits(10_000)
  const samples = Float64Array.from(images, (byte) => byte / 255)
  const clear = runClear(graph, samples)
  const truth = await runOrt(digitsModel, graph.inputShape, samples)
  expect(largestDifference(clear, truth)).toBeLessThan(1e-4)
  for (const logits of [clear, truth]) {
    const right = rows(logits, 10).filter((row, i) => best(row) === labels[i]).length
    expect(right).toBeGreaterThanOrEqual(9890)
  }
})

test('200 test digits encrypted: the same answers as onnxruntime, logits within 0.1 % of the largest', async () => {
  const samples = Float64Array.from(testDigits(200).images, (byte) => byte / 255)
  const truth = rows(await runOrt(digitsModel, graph.inputShape, samples), 10)
  const session = openSession(compile(graph))
  const answers = rows(samples, 784).map((sample) => session.predict(sample))
  expect(answers.map(best)).toEqual(truth.map(best))
  const largest = Math.max(...truth.flatMap((row) => [...row].map(Math.abs)))
  const error = Math.max(...answers.map((row, i) => largestDifference(row, truth[i]!)))
  expect(error).toBeLessThan(largest / 1000)
})
