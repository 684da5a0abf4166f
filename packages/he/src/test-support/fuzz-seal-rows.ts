import { readFileSync } from 'node:fs'
import { deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { openBackend } from '../backend/open.ts'
import { readSealCiphertext, writeSealCiphertext } from '../interchange/seal-ciphertext.ts'
import {
  readSealGaloisKeys,
  readSealPublicKey,
  readSealRelinearisationKey,
  writeSealGaloisKeys,
  writeSealRelinearisationKey,
} from '../interchange/seal-keys.ts'
import { readSealParameters, writeSealParameters } from '../interchange/seal-parameters.ts'
import {
  readSealMessage,
  readSealPlaintext,
  writeSealMessage,
  writeSealPlaintext,
} from '../interchange/seal-plaintext.ts'
import { createSealPublicKey, readSealSecretKey, writeSealSecretKey } from '../interchange/seal-secret-key.ts'
import { createParams, type ParamsLiteral } from '../params/params.ts'
import { openRing, type Ring } from '../ring/ring.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createRelinearisationKey } from '../rlwe/keygen.ts'
import type { SwitchingKey } from '../rlwe/keys.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { encodeSlots } from '../schemes/ckks/encoder.ts'
import type { FuzzRow } from './fuzz.ts'
import { ciphertext, limbsFrom, secretLimbs, switchingKey, upTo } from './fuzz-rows.ts'
import { type Dice, type Field, mutateBody } from './mutate.ts'

const headerBytes = 16
const literal = {
  ringDegree: 64,
  modulusBits: [17, 13, 20],
  specialBits: [21],
  digitSize: 1,
  security: 'INSECURE',
} as const

function tinyRing(more: Pick<ParamsLiteral, 'scheme' | 'plaintextModulus'>): Ring {
  const params = createParams({ ...literal, ...more })
  return openRing({ ...params, literal: { ...params.literal, security: '128-classical' } }, openBackend())
}

/** A SEAL frame around content: 5e a1, 16, 4.1, the mode, and the length. */
function frame(mode: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + content.length)
  bytes.set([0x5e, 0xa1, headerBytes, 4, 1, mode])
  new DataView(bytes.buffer).setUint32(8, bytes.length, true)
  bytes.set(content, headerBytes)
  return bytes
}

type Map = (content: Uint8Array) => Uint8Array
const pack: readonly Map[] = [(content) => content, deflateSync, zstdCompressSync]
const unpack: readonly Map[] = [(content) => content, inflateSync, zstdDecompressSync]

/** Every way that SEAL has to write one object; mostly the plain one, which costs a tenth to read. */
function allModes(plain: Uint8Array): Uint8Array[] {
  return [0, 0, 0, 0, 0, 1, 2].map((mode) => frame(mode, pack[mode]!(plain.subarray(headerBytes))))
}

/** Edits what is in a frame, compressed again as it was; or the compressed bytes, with their length put right or not. */
function mutateSeal(fields: readonly Field[]): Exclude<FuzzRow['shape'], string> {
  return (golden: Uint8Array, dice: Dice, others: readonly Uint8Array[]): Uint8Array => {
    const mode = golden[5]!
    if (dice.chance(0.1)) return mutateBody(golden, dice, [], others)
    const content = golden.subarray(headerBytes)
    const inside = mode === 0 || dice.chance(0.6)
    const body = mutateBody(inside ? unpack[mode]!(content) : content, dice, inside ? fields : [], [content])
    return frame(mode, inside ? pack[mode]!(body) : body)
  }
}

/** Sizes are u64: their halves. */
const u64 = (offset: number): Field[] => [
  { offset, type: 'u32' },
  { offset: offset + 4, type: 'u32' },
]
// parms_id 32, is_ntt_form u8, size, poly_modulus_degree, coeff_modulus_size u64, scale f64, correction_factor u64, then an array in a frame: its size, its count.
const ciphertextFields: readonly Field[] = [
  { offset: 32, type: 'u8' },
  ...[33, 41, 49].flatMap(u64),
  { offset: 57, type: 'f64' },
  ...[65, 81, 89].flatMap(u64),
]
// parms_id 32, coeff_count u64, scale f64, array.
const plaintextFields: readonly Field[] = [...u64(32), { offset: 40, type: 'f64' }, ...[56, 64].flatMap(u64)]
// parms_id 32, dimension u64, keys of the first u64, public keys in frames.
const keyFields: readonly Field[] = [
  ...u64(32),
  ...u64(40),
  ...u64(56),
  ...ciphertextFields.map(({ offset, type }) => ({ offset: offset + 80, type })),
]
const parameterFields: readonly Field[] = [{ offset: 0, type: 'u8' }, ...[1, 9, 25, 33, 49, 57].flatMap(u64)]

/** Files that SEAL made from seeds, which it alone writes: vectors/seal. */
function seededRows(): FuzzRow[] {
  const file = (name: string): Uint8Array =>
    new Uint8Array(readFileSync(new URL(`../../../../vectors/seal/ckks/${name}.seal`, import.meta.url)))
  const ring = openRing(createParams(readSealParameters(file('parameters-none'))), openBackend())
  for (const element of [3, 2 * ring.n - 1]) ring.automorphism(element)
  const context = { ring }
  const row = (
    name: string,
    files: readonly string[],
    fields: readonly Field[],
    decode: FuzzRow['decode'],
  ): FuzzRow => ({
    name: `SEAL ${name} from seeds`,
    golden: files.map(file),
    shape: mutateSeal(fields),
    ring,
    decode,
    weight: 0.01,
  })
  return [
    row('ciphertexts', ['ciphertext-seeded-none', 'ciphertext-seeded-zstd'], ciphertextFields, (bytes) =>
      ciphertext(readSealCiphertext(context, bytes)),
    ),
    row('relinearisation keys', ['relin-keys-seeded-zstd'], keyFields, (bytes) => {
      const key = readSealRelinearisationKey(context, bytes)
      return { limbs: switchingKey(key), dispose: () => key[Symbol.dispose]() }
    }),
    row('public keys', ['public-key-seeded-zlib'], ciphertextFields, (bytes) => {
      const key = readSealPublicKey(context, bytes)
      const primes = upTo(ring.params.primes.length)
      return { limbs: limbsFrom(ring, key.slab.ptr, [...primes, ...primes]), dispose: () => key[Symbol.dispose]() }
    }),
  ]
}

/** The readers of SEAL's files, over rings far too small to be secure. */
export function fuzzSealRows(): FuzzRow[] {
  const ring = tinyRing({ scheme: 'ckks' })
  const bfv = tinyRing({ scheme: 'bfv', plaintextModulus: 257 })
  const context = { ring }
  const none = { compression: 'none' } as const
  const secret = createSecretKey(context)
  const plain = encodeSlots(ring, [0.5, -0.25], 2, 2 ** 12)
  const low = encodeSlots(ring, [0.5], 0, 2 ** 8)
  const relinearisation = createRelinearisationKey(context, secret)
  const galois = createGaloisKeys(context, secret, [{ steps: 1 }, { steps: 'conjugate' }])
  // Tables of automorphisms stay with the ring: all are made before anybody looks at its memory.
  for (let element = 3; element < 2 * ring.n; element += 2) ring.automorphism(element)
  // What an object of these parameters can be at most, and room to work: how long the input is says little where it is compressed.
  const limbs = (count: number) => () => (count + 6) * ring.limbBytes + 4096
  const digitLimbs = 2 * ring.params.primes.length * ring.moduli.length
  const row = (
    name: string,
    golden: readonly Uint8Array[],
    fields: readonly Field[],
    mayTake: (() => number) | undefined,
    decode: FuzzRow['decode'],
  ): FuzzRow => ({
    name: `SEAL ${name}`,
    golden: golden.flatMap(allModes),
    shape: mutateSeal(fields),
    ring,
    decode,
    ...(mayTake && { mayTake }),
  })
  const message = Float64Array.from({ length: 64 }, (_, i) => i % 257)
  const keyOf = (key: SwitchingKey) => ({ limbs: switchingKey(key), dispose: () => key[Symbol.dispose]() })
  return [
    row(
      'ciphertexts',
      [plain, low].map((m) => writeSealCiphertext(encryptSymmetric(context, secret, m), none)),
      ciphertextFields,
      limbs(9),
      (bytes) => ciphertext(readSealCiphertext(context, bytes)),
    ),
    row(
      'plaintexts',
      [plain, low].map((m) => writeSealPlaintext(m, none)),
      plaintextFields,
      limbs(3),
      (bytes) => {
        const read = readSealPlaintext(context, bytes)
        return {
          limbs: limbsFrom(ring, read.slab.ptr, upTo(read.level + 1)),
          dispose: () => read[Symbol.dispose](),
        }
      },
    ),
    row('public keys', [createSealPublicKey(context, secret, none)], ciphertextFields, limbs(7), (bytes) => {
      const key = readSealPublicKey(context, bytes)
      const primes = upTo(ring.params.primes.length)
      return { limbs: limbsFrom(ring, key.slab.ptr, [...primes, ...primes]), dispose: () => key[Symbol.dispose]() }
    }),
    row('secret keys', [writeSealSecretKey(secret, none)], plaintextFields, limbs(12), (bytes) => {
      const key = readSealSecretKey(context, bytes)
      return { limbs: secretLimbs(key), dispose: () => key[Symbol.dispose]() }
    }),
    {
      ...row(
        'relinearisation keys',
        [writeSealRelinearisationKey(relinearisation, none)],
        keyFields,
        limbs(2 * digitLimbs),
        (bytes) => keyOf(readSealRelinearisationKey(context, bytes)),
      ),
      weight: 0.3,
    },
    {
      ...row('Galois keys', [writeSealGaloisKeys(context, galois, none)], keyFields, undefined, (bytes) => {
        const keys = readSealGaloisKeys(context, bytes)
        return {
          limbs: (function* () {
            for (const key of keys.values()) yield* switchingKey(key)
          })(),
          check() {
            for (const element of keys.keys())
              if (element % 2 === 0 || element < 3 || element >= 2 * ring.n)
                throw new Error(`Galois element ${element}`)
          },
          dispose() {
            for (const key of keys.values()) key[Symbol.dispose]()
          },
        }
      }),
      weight: 0.1,
    },
    {
      ...row('BFV plaintexts', [writeSealMessage({ ring: bfv }, message, none)], plaintextFields, limbs(1), (bytes) => {
        const values = readSealMessage({ ring: bfv }, bytes)
        return {
          check() {
            if (values.length > 64 || values.some((x) => !Number.isInteger(x) || Math.abs(x) > 257))
              throw new Error('a coefficient that is not one modulo t')
          },
        }
      }),
      ring: bfv,
    },
    {
      ...row(
        'parameters',
        [
          writeSealParameters(
            createParams({ scheme: 'ckks', ringDegree: 2048, modulusBits: [18, 17], specialBits: [18], digitSize: 1 }),
            none,
          ),
          writeSealParameters(
            createParams({
              scheme: 'bfv',
              ringDegree: 1024,
              modulusBits: [25],
              specialBits: [],
              plaintextModulus: 12289,
            }),
            none,
          ),
        ],
        parameterFields,
        undefined,
        (bytes) => {
          const read = readSealParameters(bytes)
          return {
            check() {
              createParams(read)
            },
          }
        },
      ),
      weight: 0.3,
    },
    ...seededRows(),
  ]
}
