import {
  type Ciphertext,
  type Ckks,
  ciphertextBytes,
  createParams,
  decodeCiphertext,
  decodeEvaluationKeys,
  type EvaluationKeys,
  encodeCiphertext,
  encodeEvaluationKeys,
  openCkks,
  replyBytes,
  switchingKeyBytes,
} from '@glovebox/he'
import { createSecretKey, encryptSymmetric, type SecretKey } from '@glovebox/he/secret'
import { beforeAll, describe, expect, test } from 'vitest'
import { digitsModel, testDigits } from '../../test/digits.ts'
import { buildModel, floats, longs, type ModelLiteral, node } from '../../test/onnx.ts'
import { runOrt } from '../../test/ort.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { createKeysFor, encryptRun, openSession } from '../../test/session.ts'
import { compile } from '../compile/compile.ts'
import { importOnnx } from '../import/onnx.ts'
import { keysNeeded, type Program } from '../program/program.ts'
import { runClear } from './clear.ts'
import { costOf } from './cost.ts'
import { runEncrypted, runEncryptedAsync, type StepTiming } from './encrypted.ts'
import { type Prepared, prepare } from './prepare.ts'
import { simulate } from './simulate.ts'

const discard = (ciphertexts: readonly Ciphertext[]): void => {
  for (const ciphertext of ciphertexts) ciphertext[Symbol.dispose]()
}
const largest = (values: Float64Array): number => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0)

describe('encrypted equals onnxruntime', () => {
  const models: Record<string, ModelLiteral> = {
    'one dense layer': {
      input: ['n', 30],
      initializers: [floats('w', [3, 30], randomNumbers(1, 90)), floats('b', [3], randomNumbers(2, 3))],
      nodes: [node('Gemm', ['x', 'w', 'b'], 'y', { transB: 1 })],
    },
    'a padded convolution, a square, a pool, a dense layer': {
      input: ['n', 2, 6, 6],
      initializers: [
        floats('w', [3, 2, 3, 3], randomNumbers(1, 54)),
        floats('b', [3], randomNumbers(2, 3)),
        floats('g', [4, 27], randomNumbers(3, 108)),
      ],
      nodes: [
        node('Conv', ['x', 'w', 'b'], 'a', { pads: [1, 1, 1, 1] }),
        node('Mul', ['a', 'a'], 's'),
        node('AveragePool', ['s'], 'p', { kernel_shape: [2, 2], strides: [2, 2] }),
        node('Flatten', ['p'], 'f'),
        node('Gemm', ['f', 'g'], 'y', { transB: 1 }),
      ],
    },
    'a residual sum and products of different maps': {
      input: ['n', 8],
      initializers: [
        floats('u', [8, 8], randomNumbers(1, 64)),
        floats('v', [8, 8], randomNumbers(2, 64)),
        longs('three', [3], []),
      ],
      nodes: [
        node('MatMul', ['x', 'u'], 'a'),
        node('MatMul', ['x', 'v'], 'b'),
        node('Mul', ['a', 'b'], 'c'),
        node('Add', ['c', 'x'], 'd'),
        node('Cast', ['three'], 'e', { to: 1 }),
        node('Pow', ['d', 'e'], 'y'),
      ],
    },
  }
  test.each(Object.entries(models))('%s', async (_, literal) => {
    const bytes = buildModel(literal)
    const { graph } = importOnnx(bytes)
    const size = graph.nodes[0]!.size
    const samples = randomNumbers(5, 4 * size)
    const truth = await runOrt(bytes, graph.inputShape, samples)
    const session = openSession(compile(graph, { samples, precisionBits: 10 }))
    for (let i = 0; i < 2; i++) {
      const answer = session.predict(samples.subarray(i * size, (i + 1) * size))
      const expected = truth.subarray(i * answer.length, (i + 1) * answer.length)
      expect(largestDifference(answer, expected)).toBeLessThan(2 ** -10 * largest(truth))
    }
  })
})

describe('models/digits', () => {
  const { images, labels } = testDigits(200)
  const { graph } = importOnnx(digitsModel)
  let samples: Float64Array
  let truth: Float64Array
  let program: Program
  const row = (all: Float64Array, i: number, width: number): Float64Array => all.subarray(i * width, (i + 1) * width)
  const best = (logits: Float64Array): number => logits.indexOf(Math.max(...logits))

  beforeAll(async () => {
    samples = Float64Array.from(images, (byte) => byte / 255)
    truth = await runOrt(digitsModel, graph.inputShape, samples)
    program = compile(graph, { name: 'digits' })
  })

  test('the clear run agrees with onnxruntime on every logit and knows the digits', () => {
    const clear = runClear(graph, samples)
    expect(largestDifference(clear, truth)).toBeLessThan(1e-4)
    const right = [...labels].filter((label, i) => best(row(clear, i, 10)) === label).length
    expect(right).toBeGreaterThanOrEqual(196)
  })

  test('the program without noise is the clear model', () => {
    const some = samples.subarray(0, 784 * 5)
    expect(largestDifference(simulate(program, some, { noise: false }), runClear(graph, some))).toBeLessThan(1e-9)
  })

  test('the encrypted run is as precise as promised, and simulation says how precise', () => {
    const session = openSession(program)
    const count = 4
    const answers = Float64Array.from(
      Array.from({ length: count }, (_, i) => [...session.predict(row(samples, i, 784))]).flat(),
    )
    const expected = truth.subarray(0, 10 * count)
    expect(largestDifference(answers, expected)).toBeLessThan(program.report.targetError * largest(truth))
    for (let i = 0; i < count; i++) expect(best(row(answers, i, 10))).toBe(best(row(truth, i, 10)))
    const rms = (values: Float64Array): number =>
      Math.hypot(...values.map((v, k) => v - expected[k]!)) / Math.sqrt(expected.length)
    const ratio = rms(answers) / rms(simulate(program, samples.subarray(0, 784 * count)))
    expect(ratio).toBeGreaterThan(0.3)
    expect(ratio).toBeLessThan(2)
  })

  test('the cost says how many bytes there will be', () => {
    const params = createParams(program.params)
    const cost = costOf(program)
    const near = (estimate: number, bytes: number): void => expect(Math.abs(estimate / bytes - 1)).toBeLessThan(0.005)
    near(cost.uploadBytes, ciphertextBytes(params, program.input.level, true))
    near(cost.replyBytes, replyBytes(params.ringDegree, program.output.reply))
    const { rotations, relinearisation } = keysNeeded(program)
    const levels = [...rotations.map(({ level }) => level), relinearisation!]
    near(
      cost.keyBytes,
      levels.reduce((sum, level) => sum + switchingKeyBytes(params, level), 0),
    )
    expect(cost.steps.map(({ plainMultiplications }) => plainMultiplications)).toEqual([16, 0, 64, 0, 16])
  })

  test('refuses other parameters, an input at another scale, and missing keys', () => {
    const other = openCkks({
      scheme: 'ckks',
      ringDegree: 1024,
      modulusBits: [20],
      specialBits: [],
      security: 'INSECURE',
    })
    expect(() => prepare(program, other)).toThrow(expect.objectContaining({ code: 'parameters-mismatch' }))
    const ckks = openCkks(program.params)
    using prepared = prepare(program, ckks)
    const secret = createSecretKey(ckks)
    const none = { relinearisation: undefined, galois: new Map() }
    using wrong = encryptSymmetric(ckks, secret, ckks.encode([1], { level: program.input.level, scale: 2 ** 20 }))
    expect(() => runEncrypted(prepared, [wrong], none)).toThrow(expect.objectContaining({ code: 'scale-mismatch' }))
    using right = encryptSymmetric(ckks, secret, ckks.encode([1], program.input))
    expect(() => runEncrypted(prepared, [right], none)).toThrow(expect.objectContaining({ code: 'missing-key' }))
    for (const [input, got] of [
      [[], '0'],
      [[right, right], '2'],
      [right as never, 'object'],
    ] as const)
      expect(() => runEncrypted(prepared, input, none)).toThrow(
        new RangeError(`"input" expected an array of 1 ciphertexts, got ${got}`),
      )
  })
})

test('with threads the result is the same, and independent products are computed side by side', async () => {
  const bytes = buildModel({
    input: ['n', 8],
    initializers: [floats('u', [8, 8], randomNumbers(1, 64)), floats('v', [8, 8], randomNumbers(2, 64))],
    nodes: [
      node('MatMul', ['x', 'u'], 'a'),
      node('MatMul', ['x', 'v'], 'b'),
      node('Mul', ['a', 'a'], 'c'),
      node('Mul', ['b', 'b'], 'd'),
      node('Add', ['c', 'd'], 'y'),
    ],
  })
  const program = compile(importOnnx(bytes).graph, { samples: randomNumbers(5, 32), precisionBits: 10 })
  const products = program.steps.flatMap(({ op }, index) => (op === 'multiply' ? [index] : []))
  expect(products).toHaveLength(2)
  using one = openCkks(program.params)
  using two = openCkks(program.params, { threads: 2 })
  expect(await two.threadsStarted()).toBe(2)
  const secret = createSecretKey(one)
  const keys = createKeysFor(one, secret, keysNeeded(program))
  const input = encryptSymmetric(one, secret, one.encode([1, 2, 3], program.input))
  const [keyBytes, inputBytes] = [encodeEvaluationKeys(one, keys), encodeCiphertext(input)]
  const run = (ckks: Ckks): { readonly bytes: Uint8Array; readonly times: number[] } => {
    using prepared = prepare(program, ckks)
    using received = decodeEvaluationKeys(ckks, keyBytes)
    const times: number[] = []
    const onStep = ({ index, milliseconds }: StepTiming): void => {
      times[index] = milliseconds
    }
    const [output] = runEncrypted(prepared, [decodeCiphertext(ckks, inputBytes)], received, { onStep })
    return { bytes: encodeCiphertext(output!), times }
  }
  const [alone, threaded] = [run(one), run(two)]
  expect(threaded.bytes).toEqual(alone.bytes)
  const timesOf = ({ times }: { readonly times: number[] }): Set<number> =>
    new Set(products.map((index) => times[index]!))
  expect([timesOf(alone).size, timesOf(threaded).size]).toEqual([2, 1])
})

describe('a run that is stopped', () => {
  const bytes = buildModel({
    input: ['n', 16],
    initializers: [floats('u', [16, 16], randomNumbers(1, 256)), floats('v', [16, 4], randomNumbers(2, 64))],
    nodes: [node('MatMul', ['x', 'u'], 'a'), node('Mul', ['a', 'a'], 'b'), node('MatMul', ['b', 'v'], 'y')],
  })
  const program = compile(importOnnx(bytes).graph, { samples: randomNumbers(5, 64), precisionBits: 10 })
  const ckks = openCkks(program.params)
  let prepared: Prepared
  let keys: EvaluationKeys
  let input: Ciphertext[]
  // Held, so that the garbage collector gives nothing back while memory is counted.
  let secret: SecretKey
  beforeAll(() => {
    secret = createSecretKey(ckks)
    prepared = prepare(program, ckks)
    keys = createKeysFor(ckks, secret, keysNeeded(program))
    using message = ckks.encode([1], program.input)
    input = [encryptSymmetric(ckks, secret, message)]
    // Tables that are made once.
    discard(runEncrypted(prepared, input, keys))
  })

  test('stops wherever the signal is asked, throws its reason, and gives back all memory', () => {
    let asked = 0
    discard(runEncrypted(prepared, input, keys, { signal: { throwIfAborted: () => void asked++ } }))
    // More often than there are steps: within them too.
    expect(asked).toBeGreaterThan(5 * program.steps.length)
    const { used } = ckks.memory
    for (let stop = 0; stop < asked; stop++) {
      let left = stop
      const signal = {
        throwIfAborted() {
          if (left-- === 0) throw new Error(`stopped at ${stop}`)
        },
      }
      expect(() => runEncrypted(prepared, input, keys, { signal })).toThrow(`stopped at ${stop}`)
      expect(ckks.memory.used, `stopped at ${stop} of ${asked}`).toBe(used)
    }
  })

  test('gives back all memory where a key is missing, in a batch too, and without a signal', () => {
    const inBatch = compile(importOnnx(bytes).graph, { samples: randomNumbers(5, 64), packing: 'batch' })
    using other = openCkks(inBatch.params)
    const own = createSecretKey(other)
    using ready = prepare(inBatch, other)
    const all = createKeysFor(other, own, keysNeeded(inBatch))
    const query = encryptRun(other, own, inBatch, [randomNumbers(6, 16)])
    discard(runEncrypted(ready, query, all))
    const { used } = other.memory
    expect(() => runEncrypted(ready, query, { ...all, relinearisation: undefined })).toThrow(
      expect.objectContaining({ code: 'missing-key' }),
    )
    expect(other.memory.used).toBe(used)
    expect([own.kind, query.length]).toEqual(['secret-key', 16])
  })

  test('hears an AbortSignal between steps when it comes back to the event loop', async () => {
    expect(secret.kind).toBe('secret-key')
    const { used } = ckks.memory
    const abort = new AbortController()
    const reason = new Error('the client has left')
    const done: number[] = []
    const running = runEncryptedAsync(prepared, input, keys, {
      signal: abort.signal,
      onStep: ({ index }) => {
        done.push(index)
        // As a socket does: in an event.
        if (index === 0) setTimeout(() => abort.abort(reason), 0)
      },
    })
    await expect(running).rejects.toBe(reason)
    expect(done.length).toBeLessThan(program.steps.length)
    expect(ckks.memory.used).toBe(used)
    await expect(runEncryptedAsync(prepared, input, keys, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('gives the same result over events as at once', async () => {
    const residues = (ct: Ciphertext): Float64Array => ckks.ring.heap.f64(ct.slab.ptr, ckks.ring.n).slice()
    const [slow] = await runEncryptedAsync(prepared, input, keys)
    const [fast] = runEncrypted(prepared, input, keys)
    expect(residues(slow!)).toEqual(residues(fast!))
  })
})
