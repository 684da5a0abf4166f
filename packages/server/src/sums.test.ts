import { encodeFrame, GloveboxError } from '@glovebox/he'
import { simulate } from '@glovebox/ml'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, createKeys, decryptReply, encryptQuery, openModel } from '../../client/src/index.ts'
import { compileSmall } from '../../client/test/small.ts'
import { compileTiny, tinySamples } from '../../client/test/tiny.ts'
import { noKeys, openEngine } from './compute/engine.ts'
import { loadModel } from './registry/load.ts'
import { type Service, serve } from './serve.ts'

// Queries for a sum: the server adds up what it cannot read, then computes once.

const add = (rows: readonly ArrayLike<number>[]): number[] =>
  rows.map((row) => Array.from(row)).reduce((a, b) => a.map((v, i) => v + b[i]!))
/** Parts of a sample, so that the sum is within the range that the model was calibrated on. */
const partsOf = (sample: readonly number[]): number[][] => [0.5, 0.3, 0.2].map((share) => sample.map((v) => share * v))

const tiny = compileTiny()
const model = openModel(tiny.client)
const { secret, evaluation } = createKeys(model)
const engine = openEngine(tiny.server)
const keys = engine.readKeys(evaluation)

/** The ciphertexts of a query as those of a sum. */
function asSum(query: Uint8Array, change: (body: Uint8Array) => Uint8Array = (body) => body): Uint8Array {
  return encodeFrame('query for a sum', model.part.digest, change(query.slice(44, query.length - 16)))
}

describe('on the engine', () => {
  test('the answer is that of the sum, not the sum of the answers', () => {
    const [whole] = tinySamples(1)
    const parts = partsOf(whole!)
    const reply = engine.answer(asSum(encryptQuery(model, secret, parts)), keys)
    const [output, ...others] = decryptReply(model, secret, reply, { count: 1 })
    expect(others).toEqual([])
    const expected = tiny.expected(whole!)
    output!.forEach((value, j) => expect(Math.abs(value - expected[j]!)).toBeLessThan(0.01))
    const apart = add(parts.map((part) => tiny.expected(part)))
    expect(Math.max(...expected.map((v, j) => Math.abs(v - apart[j]!)))).toBeGreaterThan(0.05)
  })

  test('what is no query for a sum is refused, and the next one answered', () => {
    const three = encryptQuery(model, secret, tinySamples(3))
    const used = engine.answer(asSum(three), keys).length
    const bad: ((body: Uint8Array) => Uint8Array)[] = [
      (body) => body.slice(0, -1),
      (body) => body.with(0, 2),
      (body) => body.with(0, 0),
      // The scale of the second ciphertext.
      (body) => body.with(4 + (body.length - 4) / 3 + 10, 1),
    ]
    for (const change of bad) expect(() => engine.answer(asSum(three, change), keys)).toThrow(GloveboxError)
    expect(engine.answer(asSum(three), keys)).toHaveLength(used)
  })

  test('batches are not added up', () => {
    const batch = compileSmall([3, 2], { packing: 'batch' })
    const client = openModel(batch.client)
    const query = encryptQuery(client, createKeys(client).secret, batch.samples(2))
    const sum = encodeFrame('query for a sum', client.part.digest, query.slice(44, query.length - 16))
    expect(() => openEngine(batch.server).answer(sum, noKeys)).toThrow(/batch packing/)
  })
})

test('sums of integers are those of a model in BFV, to the last bit', () => {
  const files = compileSmall([20, 3], { scheme: 'bfv', packing: 'coefficient', summands: 3 })
  const client = openModel(files.client)
  const { scale } = client.part.input
  const samples = files.samples(3).map((sample) => sample.map((v) => Math.round(v * scale) / scale))
  const keys = createKeys(client)
  const query = encryptQuery(client, keys.secret, samples)
  const frame = encodeFrame('query for a sum', client.part.digest, query.slice(44, query.length - 16))
  using exact = openEngine(files.server)
  const [output, ...others] = decryptReply(client, keys.secret, exact.answer(frame, noKeys), { count: 1 })
  expect(others).toEqual([])
  expect(output).toEqual(simulate(files.program, Float64Array.from(add(samples))))
})

describe('over HTTP', () => {
  const linear = compileSmall([20, 3], { packing: 'coefficient', summands: 3 })
  let service: Service
  beforeAll(async () => {
    const served = loadModel({ name: 'linear', clientPart: linear.client, serverPart: linear.server })
    service = await serve([served], pino({ level: 'silent' }), { port: 0 })
  })
  afterAll(() => service.close())

  test('one output comes back, of all samples together', async () => {
    const remote = await connect(service.url).model('linear')
    const own = createKeys(remote)
    const [whole] = linear.samples(1)
    const parts = partsOf([...whole!])
    const [single] = (await remote.predict([whole!], own)).outputs
    const { outputs, answers } = await remote.predict(parts, own, { sum: true })
    expect([outputs.length, answers.length]).toEqual([1, 1])
    outputs[0]!.forEach((value, j) => expect(Math.abs(value - single![j]!)).toBeLessThan(0.01))
  })

  test('a sum of more samples than the program was compiled for is refused before it is sent', async () => {
    const remote = await connect(service.url).model('linear')
    expect(remote.part.input.summands).toBe(3)
    const own = createKeys(remote)
    const four = linear.samples(4).map((sample) => sample.map((v) => v / 4))
    await expect(remote.predict(four, own, { sum: true })).rejects.toThrow(
      /"samples" expected at most 3 in a sum for "x", got 4: compile it with --summands 4/,
    )
    const { outputs } = await remote.predict(four.slice(1), own, { sum: true })
    expect(linear.error([new Float64Array(add(four.slice(1)))], outputs)).toBeLessThan(1)
  })

  test('a sum beyond what the program can hold is refused before it is sent', async () => {
    const remote = await connect(service.url).model('linear')
    const most = new Float64Array(20).fill(0.9 * remote.part.input.largest)
    await expect(remote.predict([most, most], createKeys(remote), { sum: true })).rejects.toThrow(
      /^the sum of the samples: .* expected a number from/,
    )
    expect((await remote.predict([most, most], createKeys(remote))).outputs).toHaveLength(2)
  })
})
