import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { GloveboxError } from '../base/errors.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { bitsOf, forgeFrame, openFrame, reframe } from '../test-support/reference-wire.ts'
import { smallLiteral, smallScale } from '../test-support/small.ts'
import { encryptSymmetric } from './encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from './keygen.ts'
import { readReply, writeReply } from './reply.ts'
import { createSecretKey } from './secret-key.ts'
import { decodeSecretKey, encodeSecretKey } from './secret-wire.ts'
import {
  decodeCiphertext,
  decodeEvaluationKeys,
  decodePublicKey,
  encodeCiphertext,
  encodeEvaluationKeys,
  encodePublicKey,
} from './wire.ts'

// Frames from somebody who can compute a checksum: every one below is right in its frame and wrong inside.

const ckks = openCkks(smallLiteral)
const { ring, params } = ckks
const secret = createSecretKey(ckks)
const publicKey = createPublicKey(ckks, secret)
const plain = ckks.encode([0.5], { scale: smallScale })
const seeded = encodeCiphertext(encryptSymmetric(ckks, secret, plain))
const whole = encodeCiphertext(ckks.encrypt(publicKey, plain))
const small = ckks.encode([0.5], { scale: 2 ** 8 })
const threeParts = encodeCiphertext(ckks.multiply(ckks.encrypt(publicKey, small), ckks.encrypt(publicKey, small)))
const keys = encodeEvaluationKeys(ckks, {
  relinearisation: createRelinearisationKey(ckks, secret),
  galois: createGaloisKeys(ckks, secret, [{ steps: 1 }, { steps: 2 }]),
})
const relinearisationOnly = encodeEvaluationKeys(ckks, {
  relinearisation: createRelinearisationKey(ckks, secret),
  galois: new Map(),
})

/** Who receives the frames. Nothing else is in its memory, so that its peak is what decoding took. */
const receiver = openCkks(params)

type Decode = (context: typeof ckks, bytes: Uint8Array) => Disposable

/** The largest frame so far: the peak of a heap never sinks. */
let mostTaken = 0

/** Refused as malformed with the message, and without memory for more than what is really there. */
function refuses(decode: Decode, bytes: Uint8Array, message: string | RegExp): void {
  const { heap } = receiver.ring
  const { used } = heap
  let thrown: unknown
  try {
    decode(receiver, bytes)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(GloveboxError)
  expect(thrown).toMatchObject({ code: 'malformed' })
  expect((thrown as Error).message).toMatch(message)
  expect(heap.used, 'nothing is held').toBe(used)
  // A residue takes 8 bytes in memory, at least 2 on the wire, and half of an object may come from a seed. One limb is 16384 bytes.
  mostTaken = Math.max(mostTaken, bytes.length)
  expect(heap.peak - used).toBeLessThanOrEqual(8 * mostTaken + 4 * 16384)
}

const at =
  (offset: number, ...bytes: number[]) =>
  (body: Buffer) => {
    body.set(bytes, offset)
    return undefined
  }

describe('hostile ciphertexts', () => {
  // Body: seeded u8, parts u8, level u8, scale f64, [seed 32], residues.
  test.each([
    ['seeded is neither 0 nor 1', seeded, at(0, 2), '"seeded" expected 0 or 1, got 2'],
    ['no parts', whole, at(1, 0), '"parts" expected 2 or 3, got 0'],
    ['one part', whole, at(1, 1), '"parts" expected 2 or 3, got 1'],
    ['255 parts', whole, at(1, 255), '"parts" expected 2 or 3, got 255'],
    ['three parts from a seed', seeded, at(1, 3), '"parts" expected 2, got 3'],
    ['a third part that is not there', whole, at(1, 3), /is truncated: "residues" needs \d+ bytes/],
    ['a level above the top', whole, at(2, 2), '"level" expected at most 1, got 2'],
    ['level 255', whole, at(2, 255), '"level" expected at most 1, got 255'],
    ['a lower level than the residues are for', whole, at(2, 0), /"scale" expected|bytes after its end|residues below/],
    ['seeded but whole', whole, at(0, 1), /after its end|residues below/],
    ['whole but seeded', seeded, at(0, 0), /is truncated: "residues" needs/],
  ])('%s', (_what, bytes, edit, message) => {
    refuses(decodeCiphertext, reframe(bytes, edit), message)
  })

  test.each([0, -1, -0, Number.NaN, Infinity, -Infinity, 2 ** 40, 1e308])('a scale of %d', (scale) => {
    const edit = (body: Buffer): undefined => void body.writeDoubleLE(scale, 3)
    for (const bytes of [seeded, whole, threeParts])
      refuses(
        decodeCiphertext,
        reframe(bytes, edit),
        /"scale" expected a positive number that fits the modulus of level 1, got/,
      )
  })

  test('a residue that is not below its prime: p itself, and all ones, first, last and in between', () => {
    const p = params.primes[0]!
    const bits = bitsOf(p)
    for (const value of [BigInt(p), (1n << BigInt(bits)) - 1n]) {
      for (const index of [0, 1, 7, 1000, ring.n - 1]) {
        const edit = (body: Buffer): undefined => {
          for (let b = 0; b < bits; b++) {
            const bit = 8 * 11 + index * bits + b
            const mask = 1 << (bit & 7)
            body[bit >> 3] = (body[bit >> 3]! & ~mask) | ((value >> BigInt(b)) & 1n ? mask : 0)
          }
        }
        refuses(
          decodeCiphertext,
          reframe(whole, edit),
          `"part 0, limb 0" expected residues below ${p}, got 1 that are not`,
        )
      }
    }
  })

  test('all residues too large', () => {
    refuses(
      decodeCiphertext,
      reframe(whole, (body) => body.fill(255, 11)),
      /"part 0, limb 0" expected residues below \d+, got 2048 that are not/,
    )
  })

  test('one residue too large in the last limb of the last part', () => {
    refuses(
      decodeCiphertext,
      reframe(threeParts, (body) => body.fill(255, body.length - 3)),
      /"part 2, limb 1" expected residues below/,
    )
  })

  test('a transparent ciphertext: everything but part 0 is 0', () => {
    const half = (openFrame(whole).body.length - 11) / 2
    const third = (openFrame(threeParts).body.length - 11) / 3
    refuses(
      decodeCiphertext,
      reframe(whole, (body) => body.fill(0, 11 + half)),
      'the ciphertext is transparent',
    )
    refuses(
      decodeCiphertext,
      reframe(threeParts, (body) => body.fill(0, 11 + third)),
      'the ciphertext is transparent',
    )
    refuses(
      decodeCiphertext,
      reframe(whole, (body) => body.fill(0, 11)),
      'the ciphertext is transparent',
    )
    // Modulo one prime is enough: dropping the others would uncover the message.
    const first = (ring.n * bitsOf(params.primes[0]!)) / 8
    refuses(
      decodeCiphertext,
      reframe(whole, (body) => body.fill(0, 11 + half, 11 + half + first)),
      'the ciphertext is transparent',
    )
    refuses(
      decodeCiphertext,
      reframe(whole, (body) => body.fill(0, 11 + half + first)),
      'the ciphertext is transparent',
    )
  })

  test('bytes missing or left over inside the frame, at every field', () => {
    for (const bytes of [seeded, whole, threeParts]) {
      const { length } = openFrame(bytes).body
      for (const keep of [0, 1, 2, 3, 10, 11, 12, 42, 43, 44, length >> 1, length - 1]) {
        refuses(
          decodeCiphertext,
          reframe(bytes, (body) => body.subarray(0, keep)),
          /is truncated/,
        )
      }
      refuses(
        decodeCiphertext,
        reframe(bytes, (body) => Buffer.concat([body, Buffer.alloc(1)])),
        'has 1 bytes after its end',
      )
      refuses(
        decodeCiphertext,
        reframe(bytes, (body) => Buffer.concat([body, body])),
        /bytes after its end/,
      )
    }
  })
})

describe('hostile keys', () => {
  // Body: relinearisation u8 [key], count u32, (element u32, key)…; a key: level u8, seed 32, residues.
  const keyBytes = openFrame(relinearisationOnly).body.length - 5
  const count = 1 + keyBytes
  const first = count + 4
  const second = first + 4 + keyBytes
  const u32 =
    (offset: number, value: number) =>
    (body: Buffer): undefined =>
      void body.writeUInt32LE(value, offset)

  test.each([
    ['relinearisation is neither 0 nor 1', at(0, 7), '"relinearisation" expected 0 or 1, got 7'],
    ['a key above the top level', at(1, 2), '"key level" expected at most 1, got 2'],
    ['a key of level 255', at(1, 255), '"key level" expected at most 1, got 255'],
    ['four billion Galois keys', u32(count, 2 ** 32 - 1), /"Galois element" needs 4 bytes/],
    ['one Galois key too many', u32(count, 3), /"Galois element" needs 4 bytes/],
    ['one Galois key too few', u32(count, 1), /bytes after its end/],
    ['an even Galois element', u32(first, 4), '"Galois element" expected an odd number above 1 and below 4096, got 4'],
    ['the identity', u32(first, 1), '"Galois element" expected an odd number above 1 and below 4096, got 1'],
    ['a Galois element of 2N + 1', u32(first, 4097), 'got 4097'],
    ['a Galois element of 2^32 - 1', u32(first, 2 ** 32 - 1), 'got 4294967295'],
    [
      'the same Galois element twice',
      u32(second, 3),
      '"Galois element" expected an odd number above 3 and below 4096, got 3',
    ],
    [
      'Galois elements that go down',
      u32(first, 27),
      '"Galois element" expected an odd number above 27 and below 4096, got 9',
    ],
    [
      'residues that are too large',
      (body: Buffer) => body.fill(255, body.length - 3),
      /"digit 1, limb 2" expected residues below/,
    ],
  ])('evaluation keys: %s', (_what, edit, message) => {
    refuses(decodeEvaluationKeys, reframe(keys, edit), message)
  })

  test('evaluation keys cut anywhere inside the frame', () => {
    const { length } = openFrame(keys).body
    for (const keep of [
      0,
      1,
      2,
      33,
      34,
      35,
      count - 1,
      count,
      first - 1,
      first,
      first + 4,
      first + 5,
      second,
      length - 1,
    ]) {
      refuses(
        decodeEvaluationKeys,
        reframe(keys, (body) => body.subarray(0, keep)),
        /is truncated/,
      )
    }
  })

  test('a frame of a few bytes that speaks of a whole key', () => {
    refuses(
      decodeEvaluationKeys,
      forgeFrame(4, params.digest, Buffer.concat([Buffer.from([1, 1]), randomBytes(32)])),
      /"residues of a key" needs \d+ bytes/,
    )
  })

  test('keys in full that are cut, too large or too long, and levels that no key has', () => {
    const whole = encodeEvaluationKeys(ckks, {
      relinearisation: { ...createRelinearisationKey(ckks, secret), seed: undefined },
      galois: new Map(),
    })
    refuses(decodeEvaluationKeys, reframe(whole, at(1, 0x82)), '"key level" expected at most 1, got 130')
    // As if it had a seed, and the reverse.
    refuses(decodeEvaluationKeys, reframe(whole, at(1, 1)), /residues below|bytes after its end|expected/)
    refuses(decodeEvaluationKeys, reframe(relinearisationOnly, at(1, 0x81)), /"residues of a key" needs \d+ bytes/)
    refuses(
      decodeEvaluationKeys,
      reframe(whole, (body) => body.fill(255, body.length - 7, body.length - 4)),
      /"a of digit 1, limb 2" expected residues below/,
    )
    const bytes = encodePublicKey({ ...publicKey, seed: undefined })
    refuses(
      decodePublicKey,
      reframe(bytes, (body) => body.fill(255, body.length - 3)),
      /"a, limb 1" expected residues below/,
    )
    const { length } = openFrame(bytes).body
    for (const keep of [length - 1, length - 32, length - 40])
      refuses(
        decodePublicKey,
        reframe(bytes, (body) => body.subarray(0, keep)),
        /residues below|bytes after its end/,
      )
    refuses(
      decodePublicKey,
      reframe(bytes, (body) => Buffer.concat([body, Buffer.alloc(1)])),
      /residues below|bytes after its end/,
    )
  })

  test('keys for parameters that have none', () => {
    const other = openCkks({ ...smallLiteral, specialBits: [] })
    const body = new ByteWriter().u8(1).u8(0).raw(new Uint8Array(5000)).done()
    expect(() => decodeEvaluationKeys(other, forgeFrame(4, other.params.digest, body))).toThrow(
      '"key" expected none, as the parameters have no special prime, got one',
    )
  })

  test('a public key with residues that are too large, cut, or with more behind it', () => {
    const bytes = encodePublicKey(publicKey)
    refuses(
      decodePublicKey,
      reframe(bytes, (body) => body.fill(255, body.length - 3)),
      /"b, limb 1" expected residues below/,
    )
    for (const keep of [0, 31, 32, 33, 5000])
      refuses(
        decodePublicKey,
        reframe(bytes, (body) => body.subarray(0, keep)),
        /is truncated/,
      )
    refuses(
      decodePublicKey,
      reframe(bytes, (body) => Buffer.concat([body, body])),
      /bytes after its end/,
    )
  })

  test('a secret key with a coefficient that is none, cut, or with more behind it; and no word of what the others are', () => {
    const bytes = encodeSecretKey(secret)
    for (const code of [0b11, 0b1100, 0b110000, 0b11000000]) {
      for (const where of [0, 100, ring.n / 4 - 1]) {
        refuses(
          decodeSecretKey,
          reframe(bytes, at(where, code)),
          /^the secret key: "coefficients" expected two-bit values 0, 1 or 2, got a 3$/,
        )
      }
    }
    refuses(
      decodeSecretKey,
      reframe(bytes, (body) => body.subarray(1)),
      /is truncated/,
    )
    refuses(
      decodeSecretKey,
      reframe(bytes, (body) => Buffer.concat([body, Buffer.alloc(9)])),
      'the secret key has 9 bytes after its end',
    )
  })
})

describe('hostile replies', () => {
  // Body: bits u8, stride u32, scale f64, c_0, c_1.
  const writer = new ByteWriter()
  const reply = ckks.encrypt(publicKey, ckks.encode([0.5], { scale: 2 ** 10, level: 0 }))
  writeReply(writer, reply, { bits: 12, stride: 4 })
  const good = writer.done().slice()
  const read =
    (edit: (view: DataView, bytes: Uint8Array) => Uint8Array | undefined): Decode =>
    () => {
      const bytes = good.slice()
      return readReply(new ByteReader(edit(new DataView(bytes.buffer), bytes) ?? bytes, 'the reply'), receiver.ring)
    }

  test.each([
    ...[0, 1, 18, 41, 255].map(
      (bits) =>
        [
          `${bits} bits`,
          (view: DataView) => void view.setUint8(0, bits),
          /"bits" expected an integer from 2 to 17, got/,
        ] as const,
    ),
    ...[0, 2048, 2 ** 31, 2 ** 32 - 1].map(
      (stride) =>
        [
          `a stride of ${stride}`,
          (view: DataView) => void view.setUint32(1, stride, true),
          /"stride" expected an integer from 1 to 2047, got/,
        ] as const,
    ),
    ...[0, -1, Number.NaN, Infinity, 2 ** 30].map(
      (scale) =>
        [
          `a scale of ${scale}`,
          (view: DataView) => void view.setFloat64(5, scale, true),
          /"scale" expected a positive number that fits the modulus of level 0/,
        ] as const,
    ),
    ['more bits than are there', (view: DataView) => void view.setUint8(0, 13), /is truncated: "part 1" needs/],
    ['a stride of 3', (view: DataView) => void view.setUint32(1, 3, true), /is truncated: "part/],
    ['a smaller stride than was sent', (view: DataView) => void view.setUint32(1, 1, true), /is truncated: "part/],
    [
      'a transparent one',
      (_: DataView, bytes: Uint8Array) => bytes.fill(0, 13 + (2048 / 4) * 1.5),
      'the ciphertext is transparent',
    ],
    ['nothing', (_: DataView, bytes: Uint8Array) => bytes.subarray(0, 0), /is truncated/],
    ['only a head', (_: DataView, bytes: Uint8Array) => bytes.subarray(0, 13), /is truncated/],
  ] as const)('%s', (_what, edit, message) => {
    refuses(read(edit), good, message)
  })

  // Body: bits + 128 u8, stride u32, count u32, scale f64, c_0, c_1.
  const few = new ByteWriter()
  writeReply(few, reply, { bits: 12, stride: 300, count: 5 })
  const counted = few.done().slice()
  test.each([
    ...[0, 8, 2 ** 31, 2 ** 32 - 1].map(
      (count) =>
        [
          `a count of ${count}`,
          (view: DataView) => void view.setUint32(5, count, true),
          /"count" expected an integer from 1 to 7, got/,
        ] as const,
    ),
    [
      'all coefficients, counted',
      (view: DataView) => void view.setUint32(5, 7, true),
      '"count" expected less than 7, or none at all, got 7',
    ],
    [
      'a larger stride than its count has room for',
      (view: DataView) => void view.setUint32(1, 512, true),
      '"count" expected an integer from 1 to 4, got 5',
    ],
    ['bits of 50', (view: DataView) => void view.setUint8(0, 178), '"bits" expected an integer from 2 to 17, got 50'],
    ['no bits', (view: DataView) => void view.setUint8(0, 128), '"bits" expected an integer from 2 to 17, got 0'],
    ['more values than are there', (view: DataView) => void view.setUint32(5, 6, true), /is truncated: "part 1" needs/],
    [
      'a transparent one',
      (_: DataView, bytes: Uint8Array) => bytes.fill(0, 17 + Math.ceil((5 * 12) / 8)),
      'the ciphertext is transparent',
    ],
    ['only a head', (_: DataView, bytes: Uint8Array) => bytes.subarray(0, 8), /is truncated/],
  ] as const)('with a count: %s', (_what, edit, message) => {
    const decode: Decode = () => {
      const bytes = counted.slice()
      const cut = edit(new DataView(bytes.buffer), bytes) ?? bytes
      return readReply(new ByteReader(cut, 'the reply'), receiver.ring)
    }
    refuses(decode, counted, message)
  })
})

describe('any frame at all', () => {
  const decoders: readonly (readonly [number, Uint8Array, Decode])[] = [
    [1, seeded, decodeCiphertext],
    [1, threeParts, decodeCiphertext],
    [3, encodePublicKey(publicKey), decodePublicKey],
    [4, keys, decodeEvaluationKeys],
    [5, encodeSecretKey(secret), decodeSecretKey],
  ]
  const which = fc.constantFrom(...decoders)

  /** Either an object or a GloveboxError; never another error, and no memory held after one. */
  function survives(decode: Decode, bytes: Uint8Array): void {
    const { heap } = receiver.ring
    const { used } = heap
    try {
      decode(receiver, bytes)[Symbol.dispose]()
    } catch (error) {
      if (!(error instanceof GloveboxError)) throw error
    }
    expect(heap.used).toBe(used)
  }

  test('random bodies', () => {
    fc.assert(
      fc.property(which, fc.uint8Array({ maxLength: 200 }), ([kind, , decode], body) =>
        survives(decode, forgeFrame(kind, params.digest, body)),
      ),
      { numRuns: 300 },
    )
  })

  test('real bodies with a few bytes overwritten, cut out or put in', () => {
    const edit = fc.tuple(
      fc.constantFrom('set', 'cut', 'insert'),
      fc.oneof(fc.integer({ min: 0, max: 60 }), fc.nat()),
      fc.uint8Array({ maxLength: 6 }),
    )
    fc.assert(
      fc.property(which, fc.array(edit, { minLength: 1, maxLength: 4 }), ([, bytes, decode], edits) => {
        const hostile = reframe(bytes, (original) => {
          let body = original
          for (const [what, where, value] of edits) {
            const offset = where % (body.length + 1)
            if (what === 'set') body.set(value.subarray(0, body.length - offset), offset)
            else if (what === 'cut')
              body = Buffer.concat([body.subarray(0, offset), body.subarray(offset + value.length)])
            else body = Buffer.concat([body.subarray(0, offset), value, body.subarray(offset)])
          }
          return body
        })
        survives(decode, hostile)
      }),
      { numRuns: 200 },
    )
  })
})
