import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ByteWriter } from '../base/bytes.ts'
import { GloveboxError } from '../base/errors.ts'
import { decodeFrame, encodeFrame } from '../base/frame.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { goldenDigest, goldenLiteral, goldenMessage, goldenScales } from '../test-support/golden.ts'
import { addPoly, centredPoly, decodeSlots, multiplyPoly } from '../test-support/reference-ring.ts'
import { openFrame, readWireCiphertext, readWireSecret } from '../test-support/reference-wire.ts'
import { decrypt } from './decrypt.ts'
import { publicBound, symmetricBound } from './error-bound.ts'
import { conjugationElement, rotationElement } from './keys.ts'
import { readReply } from './reply.ts'
import { decodeSecretKey, encodeSecretKey } from './secret-wire.ts'
import {
  decodeCiphertext,
  decodeEvaluationKeys,
  decodePublicKey,
  encodeCiphertext,
  encodeEvaluationKeys,
  encodePublicKey,
} from './wire.ts'

// Files written once, in vectors/he. Whoever changes what they read as breaks everything that people have stored.

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../../vectors/he/${name}`, import.meta.url)))

describe.each(['wasm-fused', 'wasm', 'reference'] as const)('the golden files on %s', (backend) => {
  const ckks = openCkks(goldenLiteral, { backend })
  const secret = decodeSecretKey(ckks, golden('secret.key'))
  const farthest = (values: ArrayLike<number>, expected: readonly number[]): number =>
    Math.max(...expected.map((x, i) => Math.abs(values[i]! - x)))

  test('belong to the parameters', () => {
    expect(ckks.params.digest).toBe(goldenDigest)
  })

  test('the secret key', () => {
    expect(encodeSecretKey(secret)).toEqual(golden('secret.key'))
  })

  test.each([
    ['ciphertext-seeded.gbx', { level: 1, parts: 2, scale: goldenScales.top }, symmetricBound(2048) / goldenScales.top],
    ['ciphertext-whole.gbx', { level: 1, parts: 2, scale: goldenScales.top }, publicBound(2048) / goldenScales.top],
    [
      'ciphertext-level-0.gbx',
      { level: 0, parts: 2, scale: goldenScales.low },
      symmetricBound(2048) / goldenScales.low,
    ],
    [
      'ciphertext-three-parts.gbx',
      { level: 1, parts: 3, scale: goldenScales.factor ** 2 },
      (2.1 * symmetricBound(2048)) / goldenScales.factor,
    ],
  ])('%s decrypts, and is written again as it was', (name, shape, bound) => {
    const ct = decodeCiphertext(ckks, golden(name))
    expect(ct).toMatchObject(shape)
    expect(ct.seed !== undefined).toBe(name === 'ciphertext-seeded.gbx' || name === 'ciphertext-level-0.gbx')
    expect(encodeCiphertext(ct)).toEqual(golden(name))
    const expected = shape.parts === 3 ? goldenMessage.map((x) => x * x) : goldenMessage
    expect(farthest(ckks.decode(decrypt(ckks, secret, ct)), expected)).toBeLessThan(bound)
  })

  test('the public key is written again as it was, and encrypts', () => {
    const key = decodePublicKey(ckks, golden('public.key'))
    expect(encodePublicKey(key)).toEqual(golden('public.key'))
    const ct = ckks.encrypt(key, ckks.encode(goldenMessage, { scale: goldenScales.top }))
    expect(farthest(ckks.decode(decrypt(ckks, secret, ct)), goldenMessage)).toBeLessThan(
      publicBound(2048) / goldenScales.top,
    )
  })

  test('the evaluation keys are written again as they were, and work', () => {
    const keys = decodeEvaluationKeys(ckks, golden('evaluation.key'))
    expect(encodeEvaluationKeys(ckks, keys)).toEqual(golden('evaluation.key'))
    expect([...keys.galois].map(([element, key]) => [element, key.level])).toEqual([
      [rotationElement(ckks.ring, 1), 0],
      [conjugationElement(ckks.ring), 0],
    ])
    const ct = decodeCiphertext(ckks, golden('ciphertext-level-0.gbx'))
    const turned = goldenMessage.map((_, i) => goldenMessage[(i + 1) % 1024]!)
    expect(farthest(ckks.decode(decrypt(ckks, secret, ckks.rotate(ct, 1, keys))), turned)).toBeLessThan(0.5)
    const square = ckks.relinearise(decodeCiphertext(ckks, golden('ciphertext-three-parts.gbx')), keys)
    expect(square.parts).toBe(2)
  })

  test('the reply decrypts', () => {
    const { body } = decodeFrame(golden('reply.gbx'), 'reply')
    const ct = readReply(body, ckks.ring)
    body.end()
    expect(ct).toMatchObject({ level: 0, stride: 1, scale: goldenScales.low })
    // Switching down to 14 bits: 7 standard deviations of q / 2^14 sqrt((1 + 2N/3) / 12) in each of N coefficients.
    const rounding =
      (7 * (ckks.params.primes[0]! / 2 ** 14) * Math.sqrt((2048 * (1 + 4096 / 3)) / 12)) / goldenScales.low
    expect(farthest(ckks.decode(decrypt(ckks, secret, ct)), goldenMessage)).toBeLessThan(
      symmetricBound(2048) / goldenScales.low + rounding,
    )
  })

  test('the reply of two coefficients decrypts', () => {
    const { body } = decodeFrame(golden('reply-coefficients.gbx'), 'reply')
    expect(body.remaining).toBe(17 + Math.ceil((2 * 14) / 8) + (2048 * 14) / 8)
    const ct = readReply(body, ckks.ring)
    body.end()
    expect(ct).toMatchObject({ level: 0, stride: 3, kept: 2, scale: goldenScales.low })
    const coefficients = ckks.decodeCoefficients(decrypt(ckks, secret, ct))
    const rounding = (7 * (ckks.params.primes[0]! / 2 ** 14) * Math.sqrt((1 + 4096 / 3) / 12)) / goldenScales.low
    for (const at of [0, 3])
      expect(Math.abs(coefficients[at]! - (goldenMessage[at] ?? 0))).toBeLessThan(rounding + 22 / goldenScales.low)
    expect(coefficients.every((x, i) => i === 0 || i === 3 || x === 0)).toBe(true)
  })

  test.each(['truncated', 'flipped-bit', 'residue-too-large', 'transparent', 'level-255'])(
    'corrupt/%s.gbx is refused',
    (name) => {
      expect(() => decodeCiphertext(ckks, golden(`corrupt/${name}.gbx`))).toThrow(GloveboxError)
      expect(() => decodeCiphertext(ckks, golden(`corrupt/${name}.gbx`))).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      )
    },
  )
})

test('a second reader of the format, on bigint, decrypts the golden ciphertext too', () => {
  const s = readWireSecret(openFrame(golden('secret.key')).body, 2048)
  const q = openCkks(goldenLiteral).params.primes
  const { parts, scale } = readWireCiphertext(openFrame(golden('ciphertext-level-0.gbx')).body, 2048, q)
  const m = centredPoly(addPoly(parts[0]!, multiplyPoly(parts[1]!, s)), BigInt(q[0]!))
  const { re } = decodeSlots(m, scale)
  expect(Math.max(...goldenMessage.map((x, i) => Math.abs(re[i]! - x)))).toBeLessThan(
    symmetricBound(2048) / goldenScales.low,
  )
})

test('frames of all kinds keep their numbers', () => {
  const kinds = {
    ciphertext: 1,
    'public key': 3,
    'evaluation keys': 4,
    'secret key': 5,
    'client part': 16,
    'server part': 17,
    query: 18,
    reply: 19,
    'evaluation keys of a program': 20,
    'secret key of a program': 21,
    'query for a sum': 22,
    'query of a set': 32,
    'reply of a set': 33,
  } as const
  for (const [kind, number] of Object.entries(kinds)) {
    expect(encodeFrame(kind as keyof typeof kinds, new Uint8Array(32), new ByteWriter().u8(1).done())[5]).toBe(number)
  }
})
