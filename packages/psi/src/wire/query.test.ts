import { type Ciphertext, decodeFrame, encodeFrame, fromHex, GloveboxError } from '@glovebox/he'
import { encryptSymmetric } from '@glovebox/he/secret'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Evaluator, openEvaluator } from '../evaluate/evaluator.ts'
import { friendlySet, matrixSet } from '../params/presets.ts'
import { createSetParams } from '../params/set-params.ts'
import { createQueryKeys, type QueryKeys } from '../receiver/keyring.ts'
import { type PreparedQuery, prepareQueries, readAnswers } from '../receiver/query.ts'
import { outputOf, plainRows } from '../test-support/plain-set.ts'
import { encodeQuery, encodeReply, peekQuery } from './query.ts'

// What a server gets is hostile, and so is what a client gets back.

const params = createSetParams({ ...matrixSet(100, { prefixBits: 1 }), matrix: { degree: 4, babySteps: 2 } })
const entries = Array.from({ length: 20 }, (_, i) => ({ output: outputOf(i) }))
const limits = { epoch: 3, maxBytes: 1e7 }
let evaluator: Evaluator
let keys: QueryKeys
let decoded: ReturnType<Evaluator['decodeKeys']>
let query: PreparedQuery
let reply: Uint8Array

beforeAll(() => {
  evaluator = openEvaluator(params, plainRows(params, entries))
  keys = createQueryKeys(params)
  decoded = evaluator.decodeKeys(keys.upload!, limits.maxBytes)
  query = [...prepareQueries(keys, [outputOf(4)], 3)][0]!
  reply = evaluator.answer(query.bytes, decoded, limits)
})
afterAll(() => {
  evaluator[Symbol.dispose]()
  keys[Symbol.dispose]()
})

/** The body of a query changed, its checksum right again. */
function changed(change: (body: Uint8Array) => Uint8Array): Uint8Array {
  return encodeFrame('query of a set', fromHex(params.digest), change(query.bytes.slice(44, -16)))
}

function refused(code: string, run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(GloveboxError)
    expect((error as GloveboxError).code).toBe(code)
    return (error as Error).message
  }
  throw new Error('was accepted')
}

describe('a query', () => {
  const answer = (bytes: Uint8Array, options = limits): Uint8Array => evaluator.answer(bytes, decoded, options)

  test('has a header that can be read alone', () => {
    expect(peekQuery(params, query.bytes, limits)).toEqual({ epoch: 3, bucket: query.bucket, keys: keys.digest })
  })
  test('that is cut short or has bytes behind it is refused', () => {
    for (const length of [0, 3, 43, 60, 100, 1000, query.bytes.length - 1])
      expect(refused('malformed', () => answer(query.bytes.slice(0, length)))).toMatch(/the query of a set/)
    refused('malformed', () => answer(changed((body) => body.slice(0, -1))))
    refused('malformed', () => answer(changed((body) => Uint8Array.from([...body, 0]))))
  })
  test('with a bit changed anywhere is refused', () => {
    fc.assert(
      fc.property(fc.nat(query.bytes.length * 8 - 1), (bit) => {
        const bytes = query.bytes.slice()
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        expect(() => answer(bytes)).toThrow(GloveboxError)
      }),
      { numRuns: 60 },
    )
  })
  test('with a body of any other bytes is refused, or answered with noise, and leaves no memory', () => {
    const { used } = evaluator.memory
    fc.assert(
      fc.property(fc.nat(query.bytes.length - 61), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, bytes) => {
        try {
          answer(
            changed((body) => {
              body.set(bytes.subarray(0, body.length - at), at)
              return body
            }),
          )
        } catch (error) {
          expect(error).toBeInstanceOf(GloveboxError)
        }
      }),
      { numRuns: 60 },
    )
    expect(evaluator.memory.used).toBe(used)
  })
  test('larger than the limit is refused before it is read', () => {
    refused('too-large', () => answer(query.bytes, { epoch: 3, maxBytes: 1000 }))
  })
  test('of another epoch is refused, and says which one there is', () => {
    expect(refused('parameters-mismatch', () => answer(query.bytes, { ...limits, epoch: 4 }))).toMatch(
      'the query is for epoch 3, this set is in epoch 4',
    )
  })
  test('of another set is refused', () => {
    const other = createSetParams(friendlySet())
    using foreign = createQueryKeys(other)
    const [theirs] = prepareQueries(foreign, [outputOf(1)], 3)
    refused('parameters-mismatch', () => answer(theirs!.bytes))
  })
  test('of a bucket that there is not, or with other ciphertexts than it should have, is refused', () => {
    const set = (at: number, value: number) => (body: Uint8Array) => {
      new DataView(body.buffer).setUint16(at, value, true)
      return body
    }
    expect(refused('malformed', () => answer(changed(set(4, 2))))).toMatch('"bucket" expected less than 2')
    expect(refused('malformed', () => answer(changed(set(38, 1))))).toMatch('"count" expected 2 ciphertexts, got 1')
    expect(refused('malformed', () => answer(changed(set(38, 65535))))).toMatch('65535')
  })
  test('below the top level is refused', () => {
    const { scheme, secret, digest } = keys
    const make = (level: number): Ciphertext => encryptSymmetric(scheme, secret, scheme.encode([1], { level }))
    const bytes = encodeQuery(params, { epoch: 3, bucket: 0, keys: digest, ciphertexts: [make(1), make(0)] })
    expect(refused('malformed', () => answer(bytes))).toMatch('ciphertext 1 of the query has 2 parts at level 0')
  })
  test('without the keys that it needs is refused', () => {
    refused('missing-key', () => evaluator.answer(query.bytes, undefined, limits))
  })
})

describe('keys', () => {
  test('that lack one are refused', () => {
    const other = createSetParams({ ...params.literal, matrix: { degree: 4, babySteps: 4 } })
    using fewer = createQueryKeys(other)
    expect(refused('missing-key', () => evaluator.decodeKeys(fewer.upload!, 1e7))).toMatch('Galois key for 2 steps')
  })
  test('that are cut, damaged, too large or foreign are refused', () => {
    const upload = keys.upload!
    refused('malformed', () => evaluator.decodeKeys(upload.slice(0, 5000), 1e7))
    refused('too-large', () => evaluator.decodeKeys(upload, 1000))
    const damaged = upload.slice()
    damaged[2000]! ^= 1
    refused('malformed', () => evaluator.decodeKeys(damaged, 1e7))
  })
})

describe('a reply', () => {
  const read = (bytes: Uint8Array, options = limits): unknown => readAnswers(keys, query, [outputOf(4)], bytes, options)

  test('says that a member is one', () => expect(read(reply)).toEqual([{ found: true }]))
  test('of another epoch, cut, damaged or too large is refused', () => {
    refused('malformed', () => read(reply, { ...limits, epoch: 4 }))
    refused('malformed', () => read(reply.slice(0, -3)))
    refused('too-large', () => read(reply, { ...limits, maxBytes: 99 }))
    const { owner } = decodeFrame(reply, 'reply of a set')
    const body = reply.slice(44, -16)
    const framed = (bytes: Uint8Array): Uint8Array => encodeFrame('reply of a set', owner, bytes)
    expect(refused('malformed', () => read(framed(body.slice(0, -1))))).toMatch('the reply of a set')
    // More replies of fewer bits in as many bytes: a second of work for each two megabytes.
    const fewer = { ...params, replyBits: 2 }
    using ciphertext = encryptSymmetric(keys.scheme, keys.secret, keys.scheme.encode([1, 2, 3], { level: 0 }))
    const many = encodeReply(fewer, 3, [{ group: 0 }], new Array(params.pairs).fill(ciphertext))
    expect(refused('malformed', () => read(many))).toMatch('"bundles" expected')
    new DataView(body.buffer).setUint16(8, 9, true)
    expect(refused('malformed', () => read(framed(body)))).toMatch('"group" expected less than 1')
    new DataView(body.buffer).setUint32(4, 2 ** 32 - 1, true)
    refused('malformed', () => read(framed(body)))
  })
})

test('an output that is none is refused, and not shown', () => {
  expect(() => prepareQueries(keys, [new Uint8Array(32)], 3).next()).toThrow('"outputs[0]" expected 64 bytes, got 32')
})
