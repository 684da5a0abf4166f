import { encodeFrame, GloveboxError } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { createKeys, encryptQuery, openModel } from '../../client/src/index.ts'
import { compileTiny, tinySamples } from '../../client/test/tiny.ts'
import { openEngine } from './engine.ts'

// What a hostile client can send to a thread: anything, with a right checksum. Each is an error that the thread survives.

const tiny = compileTiny()
const model = openModel(tiny.client)
const { evaluation, secret } = createKeys(model)
const engine = openEngine(tiny.server)
const keys = engine.readKeys(evaluation)
const query = encryptQuery(model, secret, tinySamples(1))
const overhead = { header: 44, checksum: 16 }

const bodyOf = (frame: Uint8Array): Uint8Array => frame.slice(overhead.header, frame.length - overhead.checksum)
const reframe = (kind: 'query' | 'evaluation keys of a program', body: Uint8Array): Uint8Array => encodeFrame(kind, model.part.digest, body)

/** Fields are at the front, so most changes are there; the rest is residues. */
function* mutations(body: Uint8Array): Generator<[string, Uint8Array]> {
  for (let at = 0; at < 64; at++) {
    for (const value of [0, 1, 2, 127, 128, 254, 255]) {
      if (body[at] !== value) yield [`byte ${at} = ${value}`, body.with(at, value)]
    }
  }
  for (const value of [Number.NaN, Infinity, -1, 0, 1e300, 5e-324]) {
    const changed = body.slice()
    new DataView(changed.buffer).setFloat64(7, value, true)
    yield [`f64 at 7 = ${value}`, changed]
  }
  for (const length of [0, 1, 4, 5, 7, 15, 47, 100, body.length - 1]) yield [`${length} bytes`, body.slice(0, length)]
  yield ['all bits set', body.map((byte, i) => (i < 47 ? byte : 255))]
  yield ['all zero behind the fields', body.map((byte, i) => (i < 47 ? byte : 0))]
  yield ['more bytes', Uint8Array.of(...body, 0)]
}

function refusals(use: (bytes: Uint8Array) => unknown, kind: 'query' | 'evaluation keys of a program', frame: Uint8Array): number {
  let refused = 0
  for (const [what, body] of mutations(bodyOf(frame))) {
    try {
      use(reframe(kind, body))
    } catch (error) {
      expect(error, what).toBeInstanceOf(GloveboxError)
      refused++
    }
  }
  return refused
}

describe('what a client sends', () => {
  test('as a query is answered or refused', () => {
    expect(refusals((bytes) => engine.answer(bytes, keys), 'query', query)).toBeGreaterThan(50)
  })

  test('as keys is read or refused', () => {
    expect(refusals((bytes) => engine.readKeys(bytes)[Symbol.dispose](), 'evaluation keys of a program', evaluation)).toBeGreaterThan(10)
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
