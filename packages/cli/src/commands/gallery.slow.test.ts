import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createKeys, decryptReply, encryptQuery, openModel } from '@glovebox/client'
import {
  bundle,
  compile,
  type Model,
  type OutputStep,
  runAfter,
  runClear,
  simulate,
  syntheticSamples,
  typicalRows,
} from '@glovebox/ml'
import { openEngine } from '@glovebox/server'
import { expect, test } from 'vitest'
import { readModel } from '../model-file.ts'

// Every model of the gallery in every packing that it may have: the encrypted run, the simulation and the model in the clear agree within the bound that the compiler states.

const models = fileURLToPath(new URL('../../../../models', import.meta.url))
const files = readdirSync(models).flatMap((name) =>
  ['model.json', 'model-200000.json', 'model.onnx']
    .map((file) => join(models, name, file))
    .filter((file) => existsSync(file)),
)
/** Samples of each model. */
const count = 3
/** More inputs than these are too many ciphertexts for a test of batches. */
const widestBatch = 256

function samplesOf(model: Model): Float64Array {
  return model.before.length > 0 ? typicalRows(model).samples : syntheticSamples(model.graph.inputShape, 8)
}

test('there is a gallery', () => expect(files.length).toBeGreaterThan(5))

test.each(files.map((file) => [file.slice(models.length + 1), file]))('%s', async (name, file) => {
  const model = await readModel(file)
  const samples = samplesOf(model)
  const { size } = model.graph.nodes[0]!
  const first = samples.subarray(0, count * size)
  const answers = (after: readonly OutputStep[], outputs: Float64Array): number[] =>
    Array.from({ length: count }, (_, i) => {
      const width = outputs.length / count
      return runAfter(after, outputs.subarray(i * width, (i + 1) * width)).values
    }).flat()
  const clear = answers(model.after, runClear(model.graph, first))
  const packings = size <= widestBatch ? ([undefined, 'batch'] as const) : [undefined]
  for (const packing of packings) {
    const program = compile(model, { name, samples, ...(packing && { packing }) })
    const { client, server } = bundle(program)
    const opened = openModel(client)
    using _context = opened.context
    using keys = createKeys(opened)
    const engine = openEngine(server)
    using evaluation = engine.readKeys(keys.evaluation)
    // As numbers: what the client does first is done.
    const part = { ...opened.part, input: { ...opened.part.input, before: [] } }
    const inputs = Array.from({ length: count }, (_, i) => first.slice(i * size, (i + 1) * size))
    const query = encryptQuery({ ...opened, part }, keys.secret, inputs)
    const encrypted = decryptReply(opened, keys.secret, engine.answer(query, evaluation)).flatMap((row) => [...row])
    const { largestOutput, relativeError } = program.report
    const bound = largestOutput * relativeError
    const [simulated, plain] = [simulate(program, first), simulate(program, first, { noise: false })]
    const far = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
      Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0)
    const within = { name, packing: program.packing, encrypted: true, simulated: true, apart: true, plain: true }
    expect({
      name,
      packing: program.packing,
      encrypted: far(encrypted, plain) <= bound,
      simulated: far(simulated, plain) <= bound,
      // Two times noise of 4 deviations.
      apart: far(simulated, encrypted) <= Math.SQRT2 * bound,
      // Without activations the program computes the model itself.
      plain: program.report.approximation !== undefined || far(answers(program.output.after, plain), clear) <= 1e-6,
    }).toEqual(within)
  }
})
