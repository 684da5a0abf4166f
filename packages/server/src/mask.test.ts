import { ciphertextBytes, encodeFrame, equalBytes, frameOverhead } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { createKeys, decryptReply, encryptQuery, openModel } from '../../client/src/index.ts'
import { maskBytes } from '../../client/test/mask.ts'
import { compileSmall } from '../../client/test/small.ts'
import { compileTiny, tinySamples } from '../../client/test/tiny.ts'
import { noKeys, openEngine } from './compute/engine.ts'

// Every reply is hidden by a mask whose second part the client did not choose; with another one nothing is computed.

const small = compileSmall([20, 3], { packing: 'coefficient' })
/** Results are integers, and rows of weights may be nothing but zeros. */
const exact = compileSmall([20, 3], { scheme: 'bfv', packing: 'coefficient' })
const tiny = compileTiny()
/** Has a level 1, and needs no keys. */
const rescaled = compileSmall([3, 2], { packing: 'coefficient', precisionBits: 16 })

function open({ client, server }: { readonly client: Uint8Array; readonly server: Uint8Array }) {
  const model = openModel(client)
  const { secret, evaluation } = createKeys(model)
  const maskLength = ciphertextBytes(model.context.params, 0, true) - frameOverhead
  return { model, secret, evaluation, engine: openEngine(server), maskLength }
}

const bodyOf = (frame: Uint8Array): Uint8Array => frame.slice(44, frame.length - 16)
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))
const nothing = new Uint8Array()

const malformed = (message: RegExp) =>
  expect.objectContaining({ code: 'malformed', message: expect.stringMatching(message) })

describe('a query of a model without keys', () => {
  const { model, secret, engine, maskLength } = open(small)
  const query = encryptQuery(model, secret, small.samples(2))
  const body = bodyOf(query)
  const withMask = (mask: Uint8Array): Uint8Array =>
    encodeFrame('query', model.part.digest, joined(body.slice(0, 4), mask, body.slice(4 + maskLength)))
  const answer = (frame: Uint8Array) => engine.answer(frame, noKeys)

  test('is answered with any mask of the right form', () => {
    const good = withMask(maskBytes(model, secret, 'good'))
    expect(good).toHaveLength(query.length)
    expect(small.error(small.samples(2), decryptReply(model, secret, answer(good)))).toBeLessThan(2.5)
  })

  test.each([
    ['unseeded', /"mask" expected a seeded ciphertext of two parts at level 0, got one without a seed of 2 parts/],
    ['three parts', /"mask" expected a seeded ciphertext .* got one without a seed of 3 parts/],
  ] as const)('is refused with a mask of form "%s"', (form, message) => {
    expect(() => answer(withMask(maskBytes(model, secret, form)))).toThrow(malformed(message))
  })

  test('is refused without one, or with two', () => {
    expect(() => answer(withMask(nothing))).toThrow(malformed(/"ciphertexts" expected \d+ bytes for 2 of them/))
    const mask = maskBytes(model, secret, 'good')
    expect(() => answer(withMask(joined(mask, mask)))).toThrow(malformed(/"ciphertexts" expected/))
  })

  test('is refused at another level than 0', () => {
    const { model, secret, engine, maskLength } = open(rescaled)
    expect(model.part.keys).toEqual({ rotations: [] })
    expect(model.context.params.maxLevel).toBeGreaterThan(0)
    const body = bodyOf(encryptQuery(model, secret, rescaled.samples(1)))
    const mask = maskBytes(model, secret, 'level 1')
    const frame = encodeFrame('query', model.part.digest, joined(body.slice(0, 4), mask, body.slice(4 + maskLength)))
    expect(() => engine.answer(frame, noKeys)).toThrow(malformed(/"mask" .* at level 0, got one of 2 parts at level 1/))
  })

  test('leaves nothing behind in memory when it is refused', () => {
    const bad = withMask(maskBytes(model, secret, 'unseeded'))
    const lose = (): void => void expect(() => answer(bad)).toThrow()
    lose()
    const before = process.memoryUsage().rss
    for (let i = 0; i < 200; i++) lose()
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6)
  })
})

describe('evaluation keys', () => {
  const { model, secret, evaluation, engine, maskLength } = open(tiny)
  const body = bodyOf(evaluation)
  const withMask = (mask: Uint8Array): Uint8Array =>
    encodeFrame('evaluation keys of a program', model.part.digest, joined(body.slice(0, -maskLength), mask))

  test('are read with a mask of the right form', () => {
    using keys = engine.readKeys(withMask(maskBytes(model, secret, 'good')))
    expect(keys.mask).toMatchObject({ parts: 2, level: 0, seed: expect.any(Uint8Array) })
  })

  test.each([
    ['unseeded', /"mask" expected a seeded ciphertext .* without a seed of 2 parts/],
    ['three parts', /"mask" expected a seeded ciphertext .* of 3 parts/],
    ['level 1', /"mask" expected a seeded ciphertext .* at level 1/],
  ] as const)('are refused with a mask of form "%s"', (form, message) => {
    expect(() => engine.readKeys(withMask(maskBytes(model, secret, form)))).toThrow(malformed(message))
  })

  test('are refused without one, or with two', () => {
    const mask = maskBytes(model, secret, 'good')
    expect(() => engine.readKeys(withMask(nothing))).toThrow(expect.objectContaining({ code: 'malformed' }))
    expect(() => engine.readKeys(withMask(joined(mask, mask)))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})

describe('replies to the same query', () => {
  /** How many stretches of 16 bytes two replies have in common, behind the fields at the front. */
  const common = (a: Uint8Array, b: Uint8Array): number => {
    let count = 0
    for (let at = 128; at + 16 <= Math.min(a.length, b.length) - 16; at += 16)
      count += equalBytes(a.subarray(at, at + 16), b.subarray(at, at + 16)) ? 1 : 0
    return count
  }

  test.each([
    ['a model without keys', small, small.samples(2)],
    ['a model with keys', tiny, tinySamples(2)],
    ['a model in BFV', exact, exact.samples(2)],
  ])('are masked anew each time: %s', (_, files, samples) => {
    const { model, secret, evaluation, engine } = open(files)
    using keys = engine.readKeys(evaluation)
    const query = encryptQuery(model, secret, samples)
    const [one, other] = [engine.answer(query, keys), engine.answer(query, keys)]
    expect(one.length).toBeGreaterThan(4000)
    expect(common(one, one)).toBeGreaterThan(200)
    expect(common(one, other)).toBe(0)
    const [a, b] = [one, other].map((reply) => decryptReply(model, secret, reply))
    a!.forEach((row, i) => {
      row.forEach((v, j) => expect(Math.abs(v - b![i]![j]!)).toBeLessThan(0.05))
    })
  })

  test('are masked run by run: two samples that are the same ciphertext get different replies', () => {
    const { model, secret, engine, maskLength } = open(small)
    const body = bodyOf(encryptQuery(model, secret, small.samples(1)))
    const sample = body.slice(4 + maskLength)
    const two = joined(Uint8Array.of(2, 0, 0, 0), body.slice(4, 4 + maskLength), sample, sample)
    const reply = bodyOf(engine.answer(encodeFrame('query', model.part.digest, two), noKeys)).slice(4)
    expect(common(reply.slice(0, reply.length / 2), reply.slice(reply.length / 2))).toBe(0)
  })
})
