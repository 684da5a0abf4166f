import { ByteWriter, decodeFrame, encodeFrame, readCiphertext, readEvaluationKeys, writeReply } from '@glovebox/he'
import { decodeServerPart, prepare, runEncrypted } from '@glovebox/ml'
import { describe, expect, test } from 'vitest'
import { compileTiny, tinySamples } from '../test/tiny.ts'
import { type ClientKeys, createKeys, decodeKeys, decodeSecretKey, encodeSecretKey } from './keys.ts'
import { type ClientModel, openModel } from './model.ts'
import { encryptQuery } from './query.ts'
import { decryptReply } from './reply.ts'

const tiny = compileTiny()
const model = openModel(tiny.client)
const keys = createKeys(model)
const other = openModel(compileTiny(2).client)
const samples = tinySamples(2)

/** What a server does, on a context of its own; `change` may tamper with the body of the reply. */
function answer(
  query: Uint8Array,
  evaluation: Uint8Array,
  change: { readonly bits?: number; readonly stride?: number; readonly count?: number } = {},
): Uint8Array {
  const { program } = decodeServerPart(tiny.server)
  const { context } = openModel(tiny.client)
  const prepared = prepare(program, context)
  const received = readEvaluationKeys(decodeFrame(evaluation, 'evaluation keys of a program').body, context.ring)
  const { body } = decodeFrame(query, 'query')
  const count = body.u32('count')
  const writer = new ByteWriter()
  writer.u32(change.count ?? count)
  for (let i = 0; i < count; i++) {
    const [output] = runEncrypted(prepared, [readCiphertext(body, context.ring)], received)
    writeReply(writer, output!, { ...program.output.reply, ...change })
  }
  return encodeFrame('reply', model.part.digest, writer.done())
}

function close(outputs: readonly Float64Array[]): void {
  outputs.forEach((row, i) => {
    const expected = tiny.expected(samples[i]!)
    expect(row).toHaveLength(expected.length)
    row.forEach((value, j) => {
      expect(Math.abs(value - expected[j]!)).toBeLessThan(0.01)
    })
  })
}

test('outputs are those of the clear model, through the bytes of every step', () => {
  const stored = decodeKeys(model, encodeSecretKey(keys), keys.evaluation)
  const query = encryptQuery(model, stored.secret, samples)
  const outputs = decryptReply(model, stored.secret, answer(query, stored.evaluation), { count: 2 })
  expect(outputs).toHaveLength(2)
  close(outputs)
})

test('a query is fresh every time', () => {
  const [a, b] = [encryptQuery(model, keys.secret, samples), encryptQuery(model, keys.secret, samples)]
  expect(a).toHaveLength(b.length)
  expect(Buffer.compare(a, b)).not.toBe(0)
})

describe('keys', () => {
  const progress: [number, number][] = []
  test('are made with progress and hold nothing that prints', () => {
    using made = createKeys(model, { onProgress: (done, total) => progress.push([done, total]) })
    const total = model.part.keys.rotations.length + 1
    expect(progress.at(-1)).toEqual([total, total])
    expect(JSON.stringify(made.secret)).toBe('{"kind":"secret-key"}')
    expect(made.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(Math.abs(made.evaluation.length - model.part.cost.keyBytes)).toBeLessThan(100)
  })

  test('of another model are refused', () => {
    const mismatch = { code: 'parameters-mismatch' }
    const stranger = createKeys(other)
    expect(() => decodeSecretKey(model, encodeSecretKey(stranger))).toThrow(expect.objectContaining(mismatch))
    expect(() => decodeKeys(model, encodeSecretKey(keys), stranger.evaluation)).toThrow(
      expect.objectContaining(mismatch),
    )
  })

  test('of two key generations are refused together', () => {
    const again = createKeys(model)
    expect(() => decodeKeys(model, encodeSecretKey(again), keys.evaluation)).toThrow('not made from this secret key')
  })

  test('a client part that asks for keys without end is refused', () => {
    const rotations = Array.from({ length: 2047 }, (_, i) => ({ steps: i + 1, level: model.context.params.maxLevel }))
    const greedy: ClientModel = {
      ...other,
      part: { ...other.part, keys: { rotations: [...rotations, ...rotations, ...rotations, ...rotations] } },
    }
    expect(() => createKeys(greedy)).toThrow(expect.objectContaining({ code: 'too-large' }))
  })
})

describe('samples', () => {
  test('of the wrong size are refused with the one that is wrong, before anything is encrypted', () => {
    expect(() => encryptQuery(model, keys.secret, [samples[0]!, [1, 2, 3]])).toThrow(
      '"sample 1" expected 16 numbers (1x4x4), got 3',
    )
    expect(() => encryptQuery(model, keys.secret, [])).toThrow('"samples" expected 1 to 131072 samples, got 0')
  })
})

describe('a reply', () => {
  const query = encryptQuery(model, keys.secret, samples)
  const good = answer(query, keys.evaluation)
  const decryptIt = (bytes: Uint8Array, count = 2, by: ClientModel = model, with_: ClientKeys = keys) =>
    decryptReply(by, with_.secret, bytes, { count })

  test('with another number of samples than asked for is refused', () => {
    expect(() => decryptIt(good, 1)).toThrow('"count" expected 1, as many as were asked for, got 2')
    expect(() => decryptIt(answer(query, keys.evaluation, { count: 3 }), 3)).toThrow('"replies" expected')
    expect(() => decryptIt(answer(query, keys.evaluation, { count: 1 }), 1)).toThrow('"replies" expected')
  })

  test('that is trimmed otherwise than announced is refused', () => {
    const { bits, stride } = model.part.output.reply
    for (const change of [{ stride: stride / 2 }, { bits: bits - 2 }]) {
      expect(() => decryptIt(answer(query, keys.evaluation, change))).toThrow('as the client part says')
    }
  })

  test('at another scale than announced is refused', () => {
    const scaled: ClientModel = {
      ...model,
      part: { ...model.part, output: { ...model.part.output, scale: model.part.output.scale * 2 } },
    }
    expect(() => decryptIt(good, 2, scaled)).toThrow(expect.objectContaining({ code: 'scale-mismatch' }))
  })

  test('of another model is refused', () => {
    expect(() => decryptIt(good, 2, other, createKeys(other))).toThrow('belongs to other models')
  })

  test('that is damaged or cut is refused, wherever', () => {
    for (let i = 0; i < good.length; i += Math.floor(good.length / 60)) {
      const flipped = good.slice()
      flipped[i]! ^= 1 << (i % 8)
      expect(() => decryptIt(flipped), `a bit of byte ${i}`).toThrow(expect.objectContaining({ name: 'GloveboxError' }))
      expect(() => decryptIt(good.slice(0, i)), `cut at ${i}`).toThrow(expect.objectContaining({ code: 'malformed' }))
    }
  })
})

test('a query that no frame holds is refused before anything is encrypted', () => {
  const many = new Array<number[]>(2 ** 16).fill(samples[0]!)
  const { secret } = keys
  let encrypted = 0
  expect(() => encryptQuery(model, secret, many, { onProgress: () => encrypted++ })).toThrow(
    expect.objectContaining({
      code: 'too-large',
      message: expect.stringMatching(/of 65536 samples .* at most 1073741824/),
    }),
  )
  expect(encrypted).toBe(0)
})
