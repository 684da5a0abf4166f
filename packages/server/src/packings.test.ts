import { GloveboxError } from '@glovebox/he'
import { samplesPerRun } from '@glovebox/ml'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeInferRequest, lengthHeader } from '../../client/src/http/protocol.ts'
import { connect, createKeys, decryptReply, encryptQuery, openModel } from '../../client/src/index.ts'
import { compileSmall } from '../../client/test/small.ts'
import { noKeys, openEngine } from './compute/engine.ts'
import { loadModel } from './registry/load.ts'
import { type Service, serve } from './serve.ts'

// Models of every packing, from sample to output: on the engine, and over HTTP.

const models = {
  'coefficients, one ciphertext': compileSmall([20, 3], { packing: 'coefficient' }),
  'coefficients, several replies': compileSmall([500, 9], { packing: 'coefficient' }),
  'coefficients, several ciphertexts': compileSmall([4500, 2], { packing: 'coefficient' }),
  slots: compileSmall([6, 4, 2], { packing: 'slots' }),
  'slots, several ciphertexts': compileSmall([3000, 2], { packing: 'slots', ringDegrees: [4096], precisionBits: 6 }),
  'batch in coefficients': compileSmall([3, 2], { packing: 'batch' }),
  'batch in slots': compileSmall([3, 3, 2], { packing: 'batch' }),
}
const named = Object.entries(models)
/** Noise of rescaling has long tails, and thousands of outputs are looked at. */
const tolerance = 2.5

test('the models are what they are called', () => {
  const tilesOf = ({ program: { input, output } }: (typeof models)['slots']) => [
    input.layout.tiles,
    output.layout.tiles,
  ]
  expect(tilesOf(models['coefficients, one ciphertext'])[0]).toBe(1)
  expect(tilesOf(models['coefficients, several replies'])[1]).toBeGreaterThan(1)
  expect(tilesOf(models['coefficients, several ciphertexts'])[0]).toBeGreaterThan(2)
  expect(tilesOf(models['slots, several ciphertexts'])).toEqual([2, 1])
  expect(models['batch in coefficients'].program.encoding).toBe('coefficients')
  expect(models['batch in slots'].program).toMatchObject({ encoding: 'slots', relinearise: 'sums' })
})

describe.each(named)('%s', (_, { client, server, program, samples, error }) => {
  const model = openModel(client)
  using made = createKeys(model)
  const { secret, evaluation } = createKeys(model)
  const engine = openEngine(server)
  const keys = engine.readKeys(evaluation)
  const most = samplesPerRun(program)

  test('one query and reply have the bytes that the cost says', () => {
    const { cost } = model.part
    const query = encryptQuery(model, secret, samples(1))
    const reply = engine.answer(query, keys)
    const off = [query.length - cost.uploadBytes, reply.length - cost.replyBytes, evaluation.length - cost.keyBytes]
    for (const bytes of off) expect(Math.abs(bytes), String(off)).toBeLessThan(200)
    expect(made.evaluation.length).toBe(evaluation.length)
    if (most > 1) expect(encryptQuery(model, secret, samples(most))).toHaveLength(query.length)
  })

  test('1 sample, 2, a full run and one more: each gets its own answer', () => {
    const { ringDegree } = program.params
    expect(most).toBe(program.packing === 'batch' ? (program.encoding === 'slots' ? ringDegree / 2 : ringDegree) : 1)
    for (const count of new Set([1, 2, most, most + 1])) {
      const inputs = samples(count)
      const progress: number[] = []
      const query = encryptQuery(model, secret, inputs, { onProgress: (done) => progress.push(done) })
      const runs = Math.ceil(count / most)
      expect(progress).toEqual(Array.from({ length: runs }, (_, i) => Math.min(count, (i + 1) * most)))
      const reply = engine.answer(query, keys)
      const outputs = decryptReply(model, secret, reply, { count })
      expect(error(inputs, outputs), `${count} samples`).toBeLessThan(tolerance)
      // Other samples than were asked for, and cut or longer queries, are refused.
      expect(() => decryptReply(model, secret, reply, { count: count + 1 })).toThrow(GloveboxError)
    }
  })

  test('samples that are no numbers of the model are refused before anything is encrypted', () => {
    const [good] = samples(1)
    const bad = good!.slice()
    bad[1] = Number.NaN
    expect(() => encryptQuery(model, secret, [good!, bad])).toThrow('"sample 1" expected finite numbers')
    const far = good!.slice().fill(1e6)
    expect(() => encryptQuery(model, secret, [good!, far])).toThrow(/sample 1: "x\[0\]" expected a number from/)
  })

  test('without keys it is computed on where none are needed, else refused', () => {
    const query = encryptQuery(model, secret, samples(1))
    const { rotations, relinearisation } = model.part.keys
    if (rotations.length > 0 || relinearisation !== undefined) {
      expect(() => engine.answer(query, noKeys)).toThrow(expect.objectContaining({ code: 'missing-key' }))
    } else {
      expect(decryptReply(model, secret, engine.answer(query, noKeys))).toHaveLength(1)
    }
  })
})

describe('over HTTP', () => {
  const served = {
    linear: models['coefficients, one ciphertext'],
    batch: models['batch in coefficients'],
    network: models.slots,
  }
  let service: Service
  beforeAll(async () => {
    const loaded = Object.entries(served).map(([name, { client, server }]) =>
      loadModel({ name, clientPart: client, serverPart: server }),
    )
    service = await serve(loaded, pino({ level: 'silent' }), { port: 0 })
  })
  afterAll(() => service.close())

  const calls: string[] = []
  const counted = (url: string, init: RequestInit): Promise<Response> => {
    calls.push(`${init.method} ${new URL(url).pathname.replace(/[0-9a-f]{64}/, '…')}`)
    return fetch(url, init)
  }

  test('a model that needs no keys is asked without: nothing is uploaded but queries', async () => {
    const { samples, error } = served.linear
    calls.length = 0
    const model = await connect(service.url, { fetch: counted }).model('linear')
    using keys = createKeys(model)
    const inputs = samples(3)
    const { outputs } = await model.predict(inputs, keys)
    expect(error(inputs, outputs)).toBeLessThan(tolerance)
    expect(calls).toEqual(['GET /v2/models/linear/client', 'POST /v2/models/linear/infer'])
    // As the cost says, and the JSON of the protocol.
    const { uploadBytes, replyBytes } = await model.predict(inputs.slice(0, 1), keys)
    const { cost } = model.part
    expect(Math.abs(uploadBytes - cost.uploadBytes)).toBeLessThan(600)
    expect(Math.abs(replyBytes - cost.replyBytes)).toBeLessThan(600)
  })

  test('a batch goes in as many requests as runs', async () => {
    const { samples, error, program } = served.batch
    calls.length = 0
    const model = await connect(service.url, { fetch: counted }).model('batch')
    using keys = createKeys(model)
    const inputs = samples(samplesPerRun(program) + 1)
    const seen: number[] = []
    const { outputs } = await model.predict(inputs, keys, { onProgress: (done) => void seen.push(done) })
    expect(error(inputs, outputs)).toBeLessThan(tolerance)
    expect(seen).toEqual([inputs.length - 1, inputs.length])
    const post = 'POST /v2/models/batch/infer'
    expect(calls).toEqual(['GET /v2/models/batch/client', post, post])
  })

  test('a model that needs keys is not computed without: 400 says what to do', async () => {
    const model = await connect(service.url).model('network')
    using keys = createKeys(model)
    const query = encryptQuery(model, keys.secret, served.network.samples(1))
    const post = async (name: string, digest: string | undefined) => {
      const { body, headerLength } = encodeInferRequest('a', digest, query)
      const headers = { [lengthHeader]: String(headerLength) }
      const response = await fetch(`${service.url}/v2/models/${name}/infer`, { method: 'POST', headers, body })
      return [response.status, response.ok ? undefined : await response.json()]
    }
    expect(await post('network', undefined)).toEqual([
      400,
      {
        error: 'the model "network" needs evaluation keys: upload them, and name them by "parameters.keys"',
        code: 'malformed',
      },
    ])
    expect(await post('network', keys.digest)).toEqual([
      404,
      { error: expect.stringContaining('upload them first'), code: 'not-found' },
    ])
    // A query of another model is no query of this one.
    expect(await post('linear', undefined)).toEqual([
      409,
      { error: expect.stringContaining('belongs to other models'), code: 'parameters-mismatch' },
    ])
    const inputs = served.network.samples(1)
    const { outputs } = await model.predict(inputs, keys)
    expect(served.network.error(inputs, outputs)).toBeLessThan(tolerance)
    expect((await post('network', keys.digest))[0]).toBe(200)
  })
})
