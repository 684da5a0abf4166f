import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { GloveboxError } from '../base/errors.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { expandSeed, openFrame } from '../test-support/reference-wire.ts'
import { canonicalLimbs, residuesOf, smallLiteral, smallScale } from '../test-support/small.ts'
import { decrypt } from './decrypt.ts'
import { encryptSymmetric } from './encrypt-symmetric.ts'
import { publicBound, symmetricBound } from './error-bound.ts'
import { expandPublicKey, expandSwitchingKey } from './expand.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from './keygen.ts'
import { extendedLimbs, rotationElement, type SwitchingKey } from './keys.ts'
import { createSecretKey } from './secret-key.ts'
import { decodeSecretKey, encodeSecretKey } from './secret-wire.ts'
import { ciphertextBytes, switchingKeyBytes } from './sizes.ts'
import {
  decodeCiphertext,
  decodeEvaluationKeys,
  decodePublicKey,
  encodeCiphertext,
  encodeEvaluationKeys,
  encodePublicKey,
  readCiphertext,
  writeCiphertext,
} from './wire.ts'

const ckks = openCkks(smallLiteral)
const { ring, params } = ckks
const secret = createSecretKey(ckks)
const publicKey = createPublicKey(ckks, secret)
const relinearisation = createRelinearisationKey(ckks, secret)
const galois = createGaloisKeys(ckks, secret, [{ steps: 1 }, { steps: -1, level: 0 }, { steps: 'conjugate' }])
const message = Float64Array.from({ length: params.slots }, (_, i) => Math.sin(i))
const plain = ckks.encode(message, { scale: smallScale })
const seeded = encryptSymmetric(ckks, secret, plain)
const whole = ckks.encrypt(publicKey, plain)
const low = ckks.encode([0.5], { scale: 2 ** 8 })
const product = ckks.multiply(ckks.encrypt(publicKey, low), encryptSymmetric(ckks, secret, low))

/** Another context with the same parameters: the other end of the wire. */
const far = openCkks(params)

function keyResidues(key: SwitchingKey): Float64Array {
  const limbs = extendedLimbs(key.ring, key.level)
  const chain = Array.from({ length: key.level + 1 }, (_, i) => i)
  const special = params.special.map((_, i) => params.primes.length + i)
  return canonicalLimbs(key.ring, key.slab.ptr, 2 * key.digits * limbs, [...chain, ...special])
}

describe('what is written here is read there', () => {
  test.each([
    ['seeded', seeded],
    ['whole', whole],
    ['of three parts', product],
    ['at level 0', ckks.dropLevel(whole, 0)],
    ['seeded, at level 0', ckks.dropLevel(seeded, 0)],
  ])('a ciphertext %s', (_what, ct) => {
    const bytes = encodeCiphertext(ct)
    const read = decodeCiphertext(far, bytes)
    expect(read).toMatchObject({ kind: 'ciphertext', parts: ct.parts, level: ct.level, scale: ct.scale, stride: 1 })
    expect(read.ring).toBe(far.ring)
    expect(read.seed).toEqual(ct.seed)
    expect(residuesOf(read)).toEqual(residuesOf(ct))
    expect(encodeCiphertext(read)).toEqual(bytes)
  })

  test('a public key', () => {
    const bytes = encodePublicKey(publicKey)
    const read = decodePublicKey(far, bytes)
    const chain = [...params.primes.keys()]
    const limbs = 2 * chain.length
    expect(canonicalLimbs(far.ring, read.slab.ptr, limbs, chain)).toEqual(
      canonicalLimbs(ring, publicKey.slab.ptr, limbs, chain),
    )
    expect(encodePublicKey(read)).toEqual(bytes)
    // And it encrypts for the secret that it came from.
    const ct = decodeCiphertext(ckks, encodeCiphertext(far.encrypt(read, far.encode([1, 2], { scale: 2 ** 30 }))))
    const decoded = ckks.decode(decrypt(ckks, secret, ct))
    expect(Math.hypot(decoded[0]! - 1, decoded[1]! - 2)).toBeLessThan((2 * publicBound(ring.n)) / 2 ** 30)
  })

  test.each([
    ['all', { relinearisation, galois }],
    ['only for relinearising', { relinearisation, galois: new Map() }],
    ['only for rotating', { relinearisation: undefined, galois }],
    ['none', { relinearisation: undefined, galois: new Map() }],
  ] as const)('evaluation keys: %s', (_what, keys) => {
    const bytes = encodeEvaluationKeys(ckks, keys)
    const read = decodeEvaluationKeys(far, bytes)
    expect([...read.galois.keys()]).toEqual([...keys.galois.keys()].sort((a, b) => a - b))
    expect(read.relinearisation === undefined).toBe(keys.relinearisation === undefined)
    if (keys.relinearisation) expect(keyResidues(read.relinearisation!)).toEqual(keyResidues(keys.relinearisation))
    for (const [element, key] of keys.galois) {
      expect(read.galois.get(element)).toMatchObject({
        kind: 'switching-key',
        level: key.level,
        digits: key.digits,
        seed: key.seed,
      })
      expect(keyResidues(read.galois.get(element)!)).toEqual(keyResidues(key))
    }
    expect(encodeEvaluationKeys(far, read)).toEqual(bytes)
    read[Symbol.dispose]()
  })

  test('keys are written in one order, whatever the order they were made in', () => {
    const turned = new Map([...galois].reverse())
    expect(encodeEvaluationKeys(ckks, { relinearisation, galois: turned })).toEqual(
      encodeEvaluationKeys(ckks, { relinearisation, galois }),
    )
  })

  test('a secret key', () => {
    const bytes = encodeSecretKey(secret)
    const read = decodeSecretKey(far, bytes)
    const indices = [...ring.moduli.keys()]
    expect(canonicalLimbs(far.ring, read.slab.ptr, indices.length, indices)).toEqual(
      canonicalLimbs(ring, secret.slab.ptr, indices.length, indices),
    )
    expect(encodeSecretKey(read)).toEqual(bytes)
    // And it decrypts.
    const decoded = far.decode(decrypt(far, read, decodeCiphertext(far, encodeCiphertext(seeded))))
    expect(Math.max(...decoded.map((x, i) => Math.abs(x - message[i]!)))).toBeLessThan(
      (1.5 * symmetricBound(ring.n)) / smallScale,
    )
  })

  test('bodies may stand in other frames, one after the other', () => {
    const writer = new ByteWriter()
    writeCiphertext(writer, seeded)
    writeCiphertext(writer, product)
    const reader = new ByteReader(writer.done(), 'two ciphertexts')
    expect(residuesOf(readCiphertext(reader, far.ring))).toEqual(residuesOf(seeded))
    expect(residuesOf(readCiphertext(reader, far.ring))).toEqual(residuesOf(product))
    reader.end()
  })

  test('a view into a larger buffer is read as well as a buffer of its own', () => {
    const bytes = encodeCiphertext(seeded)
    const inside = new Uint8Array(bytes.length + 11)
    inside.set(bytes, 7)
    expect(residuesOf(decodeCiphertext(far, inside.subarray(7, 7 + bytes.length)))).toEqual(residuesOf(seeded))
  })
})

describe('keys whose a halves come from no seed of ours', () => {
  const whole = (key: SwitchingKey): SwitchingKey => ({ ...key, seed: undefined })

  test('a public key is written in full', () => {
    const bytes = encodePublicKey({ ...publicKey, seed: undefined })
    const read = decodePublicKey(far, bytes)
    expect(read.seed).toBeUndefined()
    const chain = [...params.primes.keys()]
    expect(canonicalLimbs(far.ring, read.slab.ptr, 2 * chain.length, chain)).toEqual(
      canonicalLimbs(ring, publicKey.slab.ptr, 2 * chain.length, chain),
    )
    expect(encodePublicKey(read)).toEqual(bytes)
    // As long as two halves, and a seeded one as a half and a seed.
    expect(2 * (openFrame(encodePublicKey(publicKey)).body.length - 32)).toBe(openFrame(bytes).body.length)
  })

  test('evaluation keys are written in full, beside seeded ones and at any level', () => {
    const keys = {
      relinearisation: whole(relinearisation),
      galois: new Map([...galois].map(([element, key], i) => [element, i % 2 === 0 ? whole(key) : key])),
    }
    const bytes = encodeEvaluationKeys(ckks, keys)
    const read = decodeEvaluationKeys(far, bytes)
    expect(read.relinearisation!.seed).toBeUndefined()
    expect(keyResidues(read.relinearisation!)).toEqual(keyResidues(relinearisation))
    for (const [element, key] of keys.galois) {
      expect(read.galois.get(element)).toMatchObject({ level: key.level, digits: key.digits, seed: key.seed })
      expect(keyResidues(read.galois.get(element)!)).toEqual(keyResidues(key))
    }
    expect(encodeEvaluationKeys(far, read)).toEqual(bytes)
    read[Symbol.dispose]()
  })

  test('whoever would expand one is told that there is nothing to expand', () => {
    expect(() => expandSwitchingKey(whole(relinearisation))).toThrow('"key" expected a switching-key with a seed')
    expect(() => expandPublicKey({ ...publicKey, seed: undefined })).toThrow('"key" expected a public-key with a seed')
  })
})

describe('seeds', () => {
  test('part 1 of a seeded ciphertext is the ChaCha20 stream of its seed, one nonce a prime', () => {
    params.primes.forEach((p, i) => {
      const at = seeded.slab.ptr + (seeded.level + 1 + i) * ring.limbBytes
      const ours = [...canonicalLimbs(ring, at, 1, [i])].map((x) => BigInt(x < 0 ? x + p : x))
      expect(ours).toEqual(expandSeed(seeded.seed!, 1, i, ring.n, p))
    })
  })

  test('so is the a part of public and switching keys, each kind and digit in its own domain', () => {
    const check = (seed: Uint8Array, domain: number, ptr: number, index: number): void => {
      const { p } = ring.moduli[index]!
      const ours = [...canonicalLimbs(ring, ptr, 1, [index])].map((x) => BigInt(x < 0 ? x + p : x))
      expect(ours).toEqual(expandSeed(seed, domain, index, ring.n, p))
    }
    check(publicKey.seed!, 2, publicKey.slab.ptr + (params.primes.length + 1) * ring.limbBytes, 1)
    const limbs = extendedLimbs(ring, 1)
    for (const digit of [0, 1]) {
      const a = relinearisation.slab.ptr + (2 * digit + 1) * limbs * ring.limbBytes
      check(relinearisation.seed!, 0x10000 + digit, a, 0)
      check(relinearisation.seed!, 0x10000 + digit, a + 2 * ring.limbBytes, 2)
    }
  })

  test('are fresh for every object', () => {
    const seeds = [
      seeded,
      encryptSymmetric(ckks, secret, plain),
      publicKey,
      createPublicKey(ckks, secret),
      relinearisation,
      ...galois.values(),
    ]
    expect(new Set(seeds.map(({ seed }) => String(seed))).size).toBe(seeds.length)
  })

  test('end where part 1 changes', () => {
    expect(seeded.seed).toHaveLength(32)
    expect(ckks.addPlain(seeded, plain).seed).toEqual(seeded.seed)
    expect(ckks.dropLevel(seeded, 0).seed).toEqual(seeded.seed)
    const { galois } = { galois: createGaloisKeys(ckks, secret, [{ steps: 1 }]) }
    const changed = [
      ckks.negate(seeded),
      ckks.add(seeded, seeded),
      ckks.subtract(seeded, whole),
      ckks.multiplyConstant(seeded, 2, 1),
      ckks.multiplyPlain(seeded, low),
      ckks.rescale({ ...seeded, scale: 2 ** 50 }),
      ckks.rotate(seeded, 1, { relinearisation, galois }),
      ckks.multiply(ckks.encrypt(publicKey, low), encryptSymmetric(ckks, secret, low)),
    ]
    for (const ct of changed) expect(ct.seed).toBeUndefined()
  })
})

describe('sizes', () => {
  test('are predicted to the byte', () => {
    for (const level of [0, 1]) {
      expect(encodeCiphertext(ckks.dropLevel(seeded, level)).length).toBe(ciphertextBytes(params, level, true))
      expect(encodeCiphertext(ckks.dropLevel(whole, level)).length).toBe(ciphertextBytes(params, level, false))
      const key = createRelinearisationKey(ckks, secret, { level })
      const alone = encodeEvaluationKeys(ckks, { relinearisation: key, galois: new Map() }).length
      const empty = encodeEvaluationKeys(ckks, { relinearisation: undefined, galois: new Map() }).length
      expect(alone - empty).toBe(switchingKeyBytes(params, level))
    }
  })

  test('under larger parameters too: digits of several primes, a short last digit, several special primes', () => {
    const large = openCkks({
      scheme: 'ckks',
      ringDegree: 8192,
      modulusBits: [40, 30, 25],
      specialBits: [40, 35],
      digitSize: 2,
    })
    const s = createSecretKey(large)
    for (const level of [0, 1, 2]) {
      const ct = encryptSymmetric(large, s, large.encode([1], { scale: 2 ** 20, level }))
      expect(encodeCiphertext(ct).length).toBe(ciphertextBytes(large.params, level, true))
      const key = createGaloisKeys(large, s, [{ steps: 1, level }])
      const bytes = encodeEvaluationKeys(large, { relinearisation: undefined, galois: key })
      expect(openFrame(bytes).body.length).toBe(1 + 4 + 4 + switchingKeyBytes(large.params, level))
      expect(keyLevels(decodeEvaluationKeys(large, bytes).galois)).toEqual([[rotationElement(large.ring, 1), level]])
    }
  })

  function keyLevels(keys: ReadonlyMap<number, SwitchingKey>): (readonly [number, number])[] {
    return [...keys].map(([element, key]) => [element, key.level] as const)
  }

  test('a secret key takes two bits a coefficient', () => {
    expect(openFrame(encodeSecretKey(secret)).body.length).toBe(ring.n / 4)
  })
})

describe('what belongs elsewhere is refused', () => {
  test('other parameters', () => {
    const other = openCkks({ ...smallLiteral, modulusBits: [17, 18] })
    for (const decode of [
      () => decodeCiphertext(other, encodeCiphertext(seeded)),
      () => decodePublicKey(other, encodePublicKey(publicKey)),
      () => decodeEvaluationKeys(other, encodeEvaluationKeys(ckks, { relinearisation, galois })),
      () => decodeSecretKey(other, encodeSecretKey(secret)),
    ]) {
      expect(decode).toThrow(
        expect.objectContaining({
          code: 'parameters-mismatch',
          message: expect.stringContaining('belongs to other parameters: digest'),
        }),
      )
    }
  })

  test('an option cannot take the place of the parameters', () => {
    const other = openCkks({ ...smallLiteral, modulusBits: [17, 18] })
    const owner = Buffer.from(params.digest, 'hex')
    expect(() => decodeCiphertext(other, encodeCiphertext(seeded), { owner } as object)).toThrow(
      'belongs to other parameters',
    )
  })

  test('another kind of object', () => {
    expect(() => decodeCiphertext(ckks, encodeSecretKey(secret))).toThrow(
      'expected a frame of kind "ciphertext", got "secret key"',
    )
    expect(() => decodeSecretKey(ckks, encodePublicKey(publicKey))).toThrow(
      'expected a frame of kind "secret key", got "public key"',
    )
    expect(() => decodeEvaluationKeys(ckks, encodeCiphertext(seeded))).toThrow(
      'expected a frame of kind "evaluation keys", got "ciphertext"',
    )
  })

  test('more bytes than the caller allows, before they are read', () => {
    const bytes = encodeCiphertext(whole)
    expect(() => decodeCiphertext(ckks, bytes, { maxBytes: 1000, what: 'the query' })).toThrow(
      expect.objectContaining({
        code: 'too-large',
        message: `the query has ${bytes.length} bytes, at most 1000 are accepted`,
      }),
    )
  })

  test('any flipped bit', () => {
    const frames = [
      encodeCiphertext(seeded),
      encodePublicKey(publicKey),
      encodeEvaluationKeys(ckks, { relinearisation, galois }),
      encodeSecretKey(secret),
    ]
    const decoders = [decodeCiphertext, decodePublicKey, decodeEvaluationKeys, decodeSecretKey] as const
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.nat(), fc.integer({ min: 0, max: 7 }), (which, at, bit) => {
        const bytes = frames[which]!.slice()
        bytes[at % bytes.length]! ^= 1 << bit
        expect(() => decoders[which]!(ckks, bytes)).toThrow(
          expect.objectContaining({ name: 'GloveboxError', code: 'malformed' }),
        )
      }),
      { numRuns: 400 },
    )
  })

  test('anything cut short', () => {
    for (const [bytes, decode] of [
      [encodeCiphertext(seeded), decodeCiphertext],
      [encodeCiphertext(product), decodeCiphertext],
      [encodePublicKey(publicKey), decodePublicKey],
      [encodeEvaluationKeys(ckks, { relinearisation, galois }), decodeEvaluationKeys],
      [encodeSecretKey(secret), decodeSecretKey],
    ] as const) {
      const lengths = new Set([
        ...Array(120).keys(),
        bytes.length >> 1,
        ...Array.from({ length: 40 }, (_, i) => bytes.length - 1 - i),
      ])
      for (const length of lengths) expect(() => decode(ckks, bytes.slice(0, length))).toThrow(GloveboxError)
    }
  })
})
