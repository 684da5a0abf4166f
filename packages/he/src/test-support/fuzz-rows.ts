import { readFileSync } from 'node:fs'
import { openBackend } from '../backend/open.ts'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { equalBytes } from '../base/digest.ts'
import { decodeFrame, encodeFrame, peekKind } from '../base/frame.ts'
import { createParams } from '../params/params.ts'
import { extendedIndex, openRing, type Ring } from '../ring/ring.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { encryptPublic } from '../rlwe/encrypt-public.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import { extendedLimbs, type SwitchingKey } from '../rlwe/keys.ts'
import { readReply, writeReply } from '../rlwe/reply.ts'
import { createSecretKey, type SecretKey, secretLimb } from '../rlwe/secret-key.ts'
import { decodeSecretKey, encodeSecretKey } from '../rlwe/secret-wire.ts'
import {
  decodeCiphertext,
  decodeEvaluationKeys,
  decodePublicKey,
  encodeCiphertext,
  encodeEvaluationKeys,
  encodePublicKey,
  readCiphertext,
} from '../rlwe/wire.ts'
import { multiply } from '../schemes/ckks/arithmetic.ts'
import { encodeSlots } from '../schemes/ckks/encoder.ts'
import type { Accepted, FuzzRow, Limb } from './fuzz.ts'
import { goldenLiteral } from './golden.ts'
import type { Field } from './mutate.ts'

/** A ring far too small to be secure that writes and reads all the same: its objects take a few hundred bytes. */
function tinyRing(): Ring {
  const params = createParams({
    scheme: 'ckks',
    ringDegree: 64,
    modulusBits: [17, 13, 20],
    specialBits: [21],
    security: 'INSECURE',
  })
  return openRing({ ...params, literal: { ...params.literal, security: '128-classical' } }, openBackend())
}

export function* limbsFrom(ring: Ring, ptr: number, indices: readonly number[]): Generator<Limb> {
  for (const [i, index] of indices.entries())
    yield { values: ring.heap.f64(ptr + i * ring.limbBytes, ring.n), p: ring.moduli[index]!.p }
}

export const upTo = (count: number): number[] => [...Array(count).keys()]

/** What was let in is written as it came: one value has one encoding, so nothing is let in that was not looked at. */
function requireSame(written: Uint8Array, bytes: Uint8Array): void {
  if (!equalBytes(written, bytes)) throw new Error('what was read is written as other bytes')
}

export function ciphertext(ct: Ciphertext, bytes?: Uint8Array): Accepted {
  const { ring, parts, level } = ct
  return {
    limbs: limbsFrom(
      ring,
      ct.slab.ptr,
      upTo(parts).flatMap(() => upTo(level + 1)),
    ),
    check() {
      if (!(level >= 0 && level <= ring.params.maxLevel)) throw new Error(`level ${level}`)
      if (!(parts === 2 || parts === 3)) throw new Error(`${parts} parts`)
      if (!(ct.scale >= 1 && ct.scale < 2 ** 200)) throw new Error(`scale ${ct.scale}`)
      if (!(ct.stride >= 1 && ct.stride < ring.n)) throw new Error(`stride ${ct.stride}`)
      if (!(ct.kept >= 1 && (ct.kept - 1) * ct.stride < ring.n)) throw new Error(`${ct.kept} kept`)
      if (bytes) requireSame(encodeCiphertext(ct), bytes)
    },
    dispose: () => ct[Symbol.dispose](),
  }
}

export function* switchingKey({ ring, slab, level, digits }: SwitchingKey): Generator<Limb> {
  const limbs = extendedLimbs(ring, level)
  const indices = upTo(limbs).map((limb) => extendedIndex(ring, level, limb))
  yield* limbsFrom(
    ring,
    slab.ptr,
    upTo(2 * digits).flatMap(() => indices),
  )
}

export function secretLimbs(key: SecretKey): Limb[] {
  const { ring } = key
  return ring.moduli.map(({ p }, i) => ({ values: ring.heap.f64(secretLimb(key, i), ring.n), p }))
}

const ciphertextFields: readonly Field[] = [
  { offset: 0, type: 'u8' },
  { offset: 1, type: 'u8' },
  { offset: 2, type: 'u8' },
  { offset: 3, type: 'f64' },
]

/** The decoders of the library's own wire format over one ring, with good frames of each kind. */
function wireRows(of: string, ring: Ring, golden: Record<string, readonly Uint8Array[]>, weight: number): FuzzRow[] {
  const context = { ring }
  // A residue takes ring.limbBytes / n bytes in memory and at least a prime's bits on the wire, and half of what is held may come from a seed.
  const least = Math.min(...ring.moduli.map(({ p }) => Math.floor(Math.log2(p))))
  const mayTake = (length: number): number => (2 * Math.ceil((8 * length) / (ring.n * least)) + 4) * ring.limbBytes
  const common = { shape: 'frame', ring, mayTake, weight } as const
  return [
    {
      ...common,
      name: `ciphertexts, ${of}`,
      golden: golden.ciphertexts!,
      fields: ciphertextFields,
      decode: (bytes) => ciphertext(decodeCiphertext(context, bytes), bytes),
    },
    {
      ...common,
      name: `public keys, ${of}`,
      golden: golden.publicKeys!,
      decode(bytes) {
        const key = decodePublicKey(context, bytes)
        const primes = upTo(ring.params.primes.length)
        return {
          limbs: limbsFrom(ring, key.slab.ptr, [...primes, ...primes]),
          check: () => requireSame(encodePublicKey(key), bytes),
          dispose: () => key[Symbol.dispose](),
        }
      },
    },
    {
      ...common,
      name: `evaluation keys, ${of}`,
      golden: golden.evaluationKeys!,
      // relinearisation, level of its key; the count and the first element where there is no relinearisation key.
      fields: [
        { offset: 0, type: 'u8' },
        { offset: 1, type: 'u8' },
        { offset: 1, type: 'u32' },
        { offset: 5, type: 'u32' },
        { offset: 9, type: 'u8' },
      ],
      decode(bytes) {
        const keys = decodeEvaluationKeys(context, bytes)
        const all = [...(keys.relinearisation ? [keys.relinearisation] : []), ...keys.galois.values()]
        return {
          limbs: (function* () {
            for (const key of all) yield* switchingKey(key)
          })(),
          check() {
            for (const element of keys.galois.keys())
              if (element % 2 === 0 || element >= 2 * ring.n) throw new Error(`Galois element ${element}`)
            requireSame(encodeEvaluationKeys(context, keys), bytes)
          },
          dispose: () => keys[Symbol.dispose](),
        }
      },
    },
    {
      ...common,
      name: `secret keys, ${of}`,
      golden: golden.secretKeys!,
      // The secret is small, and stretched out over every prime.
      mayTake: () => (ring.moduli.length + 3) * ring.limbBytes,
      decode(bytes) {
        const key = decodeSecretKey(context, bytes)
        return {
          limbs: secretLimbs(key),
          check() {
            requireSame(encodeSecretKey(key), bytes)
            for (const byte of bytes.subarray(44, -16))
              if (byte & (byte >> 1) & 0x55) throw new Error('a coefficient of 3')
          },
          dispose: () => key[Symbol.dispose](),
        }
      },
    },
    {
      ...common,
      name: `replies, ${of}`,
      golden: golden.replies!,
      fields: [
        { offset: 0, type: 'u8' },
        { offset: 1, type: 'u32' },
        { offset: 5, type: 'f64' },
      ],
      // Two limbs, one to unpack from; two bits a coefficient are enough on the wire, and zeros need not be sent.
      mayTake: () => 4 * ring.limbBytes + 64,
      decode(bytes) {
        const { body } = decodeFrame(bytes, 'reply')
        const ct = readReply(body, ring)
        return ciphertext(ct)
      },
    },
    {
      ...common,
      name: `bodies of ciphertexts, ${of}`,
      shape: 'body',
      golden: golden.ciphertexts!.map((frame) => frame.subarray(44, frame.length - 16)),
      fields: ciphertextFields,
      decode: (bytes) => ciphertext(readCiphertext(new ByteReader(bytes, 'a body'), ring)),
    },
  ]
}

/** A little program of reads, told by the bytes themselves. */
function readOnAndOn(bytes: Uint8Array): Accepted {
  const reader = new ByteReader(bytes, 'bytes')
  while (reader.remaining > 0) {
    const op = reader.u8('op') % 8
    if (op === 0) reader.u16('u16')
    else if (op === 1) reader.u32('u32')
    else if (op === 2) reader.f64('f64')
    else if (op === 3) {
      const wanted = reader.u8('length')
      if (reader.slice(wanted, 'slice').length !== wanted) throw new Error('a slice of another length')
    } else if (op === 4) {
      if (reader.text('text', 100).length > 100) throw new Error('a text above its limit')
    } else if (op === 5) reader.ensure(reader.u32('size') % 300, 'ahead')
    if (reader.offset > bytes.length) throw new Error('read behind the end')
  }
  reader.end()
  return {}
}

function baseRows(): FuzzRow[] {
  const frames = [0, 1, 40, 300].map((length) =>
    encodeFrame(
      'query',
      new Uint8Array(32).fill(7),
      Uint8Array.from({ length }, (_, i) => (i * 37) & 255),
    ),
  )
  const script = new ByteWriter()
  script.u8(0).u16(1).u8(1).u32(2).u8(2).f64(3).u8(3).u8(2).raw(Uint8Array.of(1, 2)).u8(4).text('grüße').u8(5).u32(3)
  script.u8(6).u8(7).u8(6)
  return [
    {
      name: 'frames',
      shape: 'frame',
      golden: frames,
      decode(bytes) {
        const { body, owner } = decodeFrame(bytes, 'query', { maxBytes: 2000 })
        return {
          check() {
            if (bytes.length > 2000) throw new Error('above its limit')
            if (body.bytes.length + 60 !== bytes.length || owner.length !== 32)
              throw new Error('a body of another size')
            if (peekKind(bytes) !== 'query') throw new Error('of another kind')
          },
        }
      },
    },
    { name: 'bytes', shape: 'body', golden: [script.done()], decode: readOnAndOn },
  ]
}

function tinyRows(): FuzzRow[] {
  const ring = tinyRing()
  const context = { ring }
  const secret = createSecretKey(context)
  const publicKey = createPublicKey(context, secret)
  const at = (level: number, scale: number) => encodeSlots(ring, [0.5, -0.25], level, scale)
  const low = encryptSymmetric(context, secret, at(0, 2 ** 8))
  const root = encryptPublic(context, publicKey, at(2, 2 ** 12))
  const replies = [
    { bits: 12, stride: 1 },
    { bits: 2, stride: 1 },
    { bits: 16, stride: 32 },
    { bits: 11, stride: 7, count: 3 },
  ].map((options) => {
    const writer = new ByteWriter()
    writeReply(writer, low, options)
    return encodeFrame('reply', new Uint8Array(32), writer.done())
  })
  const relinearisation = createRelinearisationKey(context, secret)
  return wireRows(
    'N = 64',
    ring,
    {
      ciphertexts: [encryptSymmetric(context, secret, at(2, 2 ** 12)), low, root, multiply(root, root)].map(
        encodeCiphertext,
      ),
      publicKeys: [encodePublicKey(publicKey)],
      evaluationKeys: [
        encodeEvaluationKeys(context, { relinearisation, galois: new Map() }),
        encodeEvaluationKeys(context, {
          relinearisation: undefined,
          galois: createGaloisKeys(context, secret, [
            { steps: 1, level: 0 },
            { steps: 'conjugate', level: 1 },
          ]),
        }),
        encodeEvaluationKeys(context, {
          relinearisation: createRelinearisationKey(context, secret, { level: 0 }),
          galois: createGaloisKeys(context, secret, [{ steps: 2 }]),
        }),
      ],
      secretKeys: [encodeSecretKey(secret)],
      replies,
    },
    1,
  )
}

/** The files of vectors/he. */
function goldenRows(): FuzzRow[] {
  const ring = openRing(createParams(goldenLiteral), openBackend())
  const file = (name: string): Uint8Array =>
    new Uint8Array(readFileSync(new URL(`../../../../vectors/he/${name}`, import.meta.url)))
  return wireRows(
    'the golden files',
    ring,
    {
      ciphertexts: ['seeded', 'whole', 'level-0', 'three-parts'].map((name) => file(`ciphertext-${name}.gbx`)),
      publicKeys: [file('public.key')],
      evaluationKeys: [file('evaluation.key')],
      secretKeys: [file('secret.key')],
      replies: [file('reply.gbx'), file('reply-coefficients.gbx')],
    },
    1 / 30,
  )
}

/** Every decoder of this package that reads bytes from outside. */
export function fuzzRows(): FuzzRow[] {
  return [...baseRows(), ...tinyRows(), ...goldenRows()]
}
