import { encodeFrame, GloveboxError } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { createKeys, decryptReply, encryptQuery, openModel } from '../../../client/src/index.ts'
import { compileSmall } from '../../../client/test/small.ts'
import { compileTiny, tinySamples } from '../../../client/test/tiny.ts'
import { noKeys, openEngine, type Part } from './engine.ts'

// What a hostile client can send to a thread: anything, with a right checksum. Each is an error that the thread survives.

const tiny = compileTiny()
const model = openModel(tiny.client)
const { evaluation, secret } = createKeys(model)
const engine = openEngine(tiny.server)
const keys = engine.readKeys(evaluation)
const query = encryptQuery(model, secret, tinySamples(1))
const overhead = { header: 44, checksum: 16 }

const bodyOf = (frame: Uint8Array): Uint8Array => frame.slice(overhead.header, frame.length - overhead.checksum)
const reframe = (kind: 'query' | 'evaluation keys of a program', body: Uint8Array): Uint8Array =>
  encodeFrame(kind, model.part.digest, body)

/** Changes to the fields at the front, which end before `fields`; what is behind them is seeds and residues. */
function* mutations(body: Uint8Array, fields: number): Generator<[string, Uint8Array]> {
  for (let at = 0; at < fields; at++) {
    for (const value of [0, 1, 3, 128, 255]) {
      if (body[at] !== value) yield [`byte ${at} = ${value}`, body.with(at, value)]
    }
  }
  for (const value of [Number.NaN, Infinity, -1, 0, 1e300, 5e-324]) {
    const changed = body.slice()
    new DataView(changed.buffer).setFloat64(7, value, true)
    yield [`f64 at 7 = ${value}`, changed]
  }
  for (const length of [0, 1, 4, 5, 7, 15, 47, 100, body.length - 1]) yield [`${length} bytes`, body.slice(0, length)]
  yield ['all bits set', body.slice().fill(255, fields)]
  yield ['all zero behind the fields', body.slice().fill(0, fields)]
  const longer = new Uint8Array(body.length + 1)
  longer.set(body)
  yield ['more bytes', longer]
}

type Kind = Parameters<typeof reframe>[0]

/** How many were refused. */
function tryAll(
  use: (bytes: Uint8Array) => unknown,
  kind: Kind,
  frame: Uint8Array,
  fields: number,
  owner = model.part.digest,
): number {
  let refused = 0
  for (const [what, body] of mutations(bodyOf(frame), fields)) {
    try {
      use(encodeFrame(kind, owner, body))
    } catch (error) {
      expect(error, what).toBeInstanceOf(GloveboxError)
      refused++
    }
  }
  return refused
}

describe('what a client sends', () => {
  test('as a query is answered or refused', () => {
    expect(tryAll((bytes) => engine.answer(bytes, keys), 'query', query, 15)).toBeGreaterThan(50)
  })

  test('as a query of a model in BFV is answered or refused', () => {
    const files = compileSmall([6, 2], { scheme: 'bfv', packing: 'coefficient' })
    const client = openModel(files.client)
    using exact = openEngine(files.server)
    const own = encryptQuery(client, createKeys(client).secret, files.samples(1))
    const use = (bytes: Uint8Array): unknown => exact.answer(bytes, noKeys)
    expect(tryAll(use, 'query', own, 15, client.part.digest)).toBeGreaterThan(40)
    expect(use(own)).toBeInstanceOf(Uint8Array)
    // A scale that messages of BFV do not have, on the ciphertext behind the mask.
    const body = bodyOf(own)
    const view = new DataView(body.buffer)
    const at = 4 + (body.length - 4) / 2
    expect(view.getFloat64(at + 3, true)).toBe(1)
    view.setFloat64(at + 3, 2, true)
    expect(() => use(encodeFrame('query', client.part.digest, body))).toThrow(/scale/)
  })

  test('as keys is read or refused', () => {
    expect(
      tryAll((bytes) => engine.readKeys(bytes)[Symbol.dispose](), 'evaluation keys of a program', evaluation, 2),
    ).toBeGreaterThan(10)
  })

  test('is measured before the first sample is computed on', () => {
    const two = encryptQuery(model, secret, tinySamples(2))
    let computed = 0
    const cut = reframe('query', bodyOf(two).slice(0, -1))
    expect(() => engine.answer(cut, keys, { onProgress: () => computed++ })).toThrow('"ciphertexts" expected')
    expect(computed).toBe(0)
  })

  const withdraw = (): never => {
    throw new GloveboxError('unavailable', 'withdrawn')
  }
  test('is left alone between two samples once it is cancelled', () => {
    const three = encryptQuery(model, secret, tinySamples(3))
    let computed = 0
    const options = {
      onProgress: () => computed++,
      signal: { throwIfAborted: () => void (computed === 2 && withdraw()) },
    }
    expect(() => engine.answer(three, keys, options)).toThrow('withdrawn')
    expect(computed).toBe(2)
  })

  test('leaves nothing behind in memory when it is refused', () => {
    const bad = reframe('query', bodyOf(query).with(10, 3))
    const lose = (): void => {
      expect(() => engine.answer(bad, keys)).toThrow(GloveboxError)
    }
    lose()
    const before = process.memoryUsage().rss
    for (let i = 0; i < 50; i++) lose()
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6)
  })
})

test('an answer that was paused after each sample is the answer', () => {
  const samples = tinySamples(3)
  const three = encryptQuery(model, secret, samples)
  let part: Part | undefined
  let reply: Uint8Array | undefined
  const seen: number[] = []
  while (!reply) {
    const got = engine.answerOrPause(three, keys, {
      part,
      pause: () => true,
      onProgress: (done) => void seen.push(done),
    })
    if (got instanceof Uint8Array) reply = got
    else part = got
  }
  expect(seen).toEqual([1, 2, 3])
  const [paused, whole] = [reply, engine.answer(three, keys)].map((bytes) => decryptReply(model, secret, bytes))
  expect(paused).toHaveLength(3)
  paused!.forEach((output, i) => {
    for (const [k, value] of output.entries()) expect(value).toBeCloseTo(whole![i]![k]!, 2)
  })
})
