import { describe, expect, test } from 'vitest'
import { toHex } from '../base/digest.ts'
import { isPrime } from '../base/numbers.ts'
import { createParams, type ParamsLiteral } from '../params/params.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import type { SecretKey } from '../rlwe/secret-key.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { decodeEvaluationKeys, decodePublicKey, encodeEvaluationKeys, encodePublicKey } from '../rlwe/wire.ts'
import { openBfv } from '../schemes/bfv/bfv.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { expectSameBytes } from '../test-support/same-bytes.ts'
import {
  openPeer,
  type PeerCompression,
  saved,
  seal,
  sealCompressions,
  sealParameters,
} from '../test-support/seal-peer.ts'
import { readSealCiphertext, writeSealCiphertext } from './seal-ciphertext.ts'
import {
  readSealGaloisKeys,
  readSealPublicKey,
  readSealRelinearisationKey,
  writeSealGaloisKeys,
  writeSealRelinearisationKey,
} from './seal-keys.ts'
import { readSealParameters, sealParmsId, writeSealParameters } from './seal-parameters.ts'
import { readSealMessage, readSealPlaintext, writeSealMessage, writeSealPlaintext } from './seal-plaintext.ts'
import { createSealPublicKey, readSealSecretKey, writeSealSecretKey } from './seal-secret-key.ts'

// Known answers with node-seal at the other end: what one makes, the other reads, computes on and decrypts.

const literals = {
  ckks: { scheme: 'ckks', ringDegree: 4096, modulusBits: [38, 30], specialBits: [38], digitSize: 1 },
  bfv: {
    scheme: 'bfv',
    ringDegree: 4096,
    modulusBits: [35, 35],
    specialBits: [36],
    digitSize: 1,
    plaintextModulus: 114689,
  },
} as const satisfies Record<string, ParamsLiteral>
const scale = 2 ** 30
const t = literals.bfv.plaintextModulus

/** A scheme here, as the table of operations needs it. */
function openHere(scheme: 'ckks' | 'bfv', literal: ParamsLiteral) {
  const ckks = scheme === 'ckks' ? openCkks(literal) : undefined
  const bfv = scheme === 'bfv' ? openBfv(literal) : undefined
  const context = (ckks ?? bfv)!
  return {
    context,
    ckks,
    bfv,
    scheme: context,
    encode: (values: readonly number[], level = context.params.maxLevel) =>
      ckks ? ckks.encode(values, { scale, level }) : bfv!.encode(values, { level }),
    decrypted: (secret: SecretKey, ct: Ciphertext): number[] => {
      using plain = decrypt(context, secret, ct)
      return [...context.decode(plain)]
    },
  }
}

const schemes = ['ckks', 'bfv'] as const
const messages = (scheme: 'ckks' | 'bfv'): readonly (readonly number[])[] =>
  [1, 2].map((k) =>
    Array.from({ length: scheme === 'ckks' ? 2048 : 4096 }, (_, i) =>
      scheme === 'ckks' ? Math.cos(k * i * i + k) : (i * i * 7919 * k + 31 * k) % t,
    ),
  )

function expectClose(scheme: 'ckks' | 'bfv', got: readonly number[], expected: readonly number[]): void {
  expect(got.length).toBe(expected.length)
  // CKKS at a scale of 2^30. The worst is a rotation by SEAL: its digits are not centred, and their mean q/2 leaves an error of up to
  // 2N/π * 3.2 * sqrt(N) / 2 = 2^18 in the slots near psi.
  const most = scheme === 'ckks' ? 2 ** -10 : 0
  const worst = Math.max(...got.map((x, i) => Math.abs(x - expected[i]!)))
  expect(worst).toBeLessThanOrEqual(most)
}

const parms = {
  ckks: sealParameters('ckks', 4096, [38, 30, 38]),
  bfv: sealParameters('bfv', 4096, [35, 35, 36], 17),
}

describe('parameters', () => {
  test.each(schemes.flatMap((scheme) => sealCompressions.map((c) => [scheme, c] as const)))(
    '%s, %s: SEAL saves what is read here, with its primes',
    (scheme, compression) => {
      const read = readSealParameters(saved(parms[scheme], compression))
      const modulus = parms[scheme].coeffModulus()
      const primes = Array.from({ length: modulus.size() }, (_, i) => Number(modulus.get(i)!.value()))
      expect(read).toEqual({ ...literals[scheme], primes, security: '128-classical' })
    },
  )

  test.each(schemes.flatMap((scheme) => (['none', 'zlib'] as const).map((c) => [scheme, c] as const)))(
    '%s, %s: what is written here is what SEAL itself would make, and reads back',
    (scheme, compression) => {
      const params = createParams(literals[scheme])
      const bytes = writeSealParameters(params, { compression })
      const peer = openPeer(bytes)
      expect(createParams(readSealParameters(saved(peer.parms))).digest).toBe(params.digest)
      expect(createParams(readSealParameters(bytes)).digest).toBe(params.digest)
    },
  )

  test.each(schemes)('%s: the parms_id of every level', (scheme) => {
    const params = createParams(readSealParameters(saved(parms[scheme])))
    const { context } = openPeer(saved(parms[scheme]))
    const hex = (id: { values(): unknown }): string => {
      const words = id.values() as BigUint64Array
      return toHex(new Uint8Array(words.buffer, words.byteOffset, 32))
    }
    expect(toHex(sealParmsId(params, 'key'))).toBe(hex(context.keyParmsId()))
    let data = context.firstContextData()
    for (let level = params.maxLevel; level >= 0; level--) {
      expect(toHex(sealParmsId(params, level))).toBe(hex(data.parmsId()))
      if (level > 0) data = data.nextContextData()
    }
  })

  test('a chain of one prime has the same parms_id for keys and ciphertexts', () => {
    const one = sealParameters('ckks', 2048, [40])
    const params = createParams(readSealParameters(saved(one)))
    expect(params).toMatchObject({ maxLevel: 0, special: [] })
    const peer = openPeer(writeSealParameters(params))
    const ckks = openCkks(params)
    const secret = readSealSecretKey(ckks, saved(peer.secret))
    const key = readSealPublicKey(ckks, saved(peer.keygen.createPublicKey()))
    const values = [0.5, -0.25, ...Array(1022).fill(0)]
    const plain = ckks.encode(values, { scale: 2 ** 30 })
    expectClose('ckks', peer.decrypted(peer.ciphertext(writeSealCiphertext(ckks.encrypt(key, plain)))), values)
    const ct = readSealCiphertext(
      ckks,
      saved(peer.encryptor().encryptSymmetricSerializable(peer.encode(values, 2 ** 30))),
    )
    expectClose('ckks', [...ckks.decode(decrypt(ckks, secret, ct))], values)
  })

  test('SEAL’s own default at N = 8192 needs the 2018 tables', () => {
    const parameters = new seal.EncryptionParameters(seal.SchemeType.bfv)
    parameters.setPolyModulusDegree(8192)
    parameters.setCoeffModulus(seal.CoeffModulus.BFVDefault(8192, seal.SecLevelType.tc128))
    parameters.setPlainModulus(seal.PlainModulus.Batching(8192, 20))
    const bytes = saved(parameters)
    expect(() => readSealParameters(bytes)).toThrow(expect.objectContaining({ code: 'insecure-parameters' }))
    const { primes, security } = readSealParameters(bytes, { security: '128-classical-2018' })
    expect(primes).toHaveLength(5)
    expect(security).toBe('128-classical-2018')
  })

  test('primes of more than 50 bits, other schemes and large plaintext moduli are named', () => {
    expect(() => readSealParameters(saved(sealParameters('ckks', 8192, [60, 40, 60])))).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        message: expect.stringMatching(
          /^the SEAL parameters have the prime \d+ of 60 bits: primes are below 2\^50 here$/,
        ),
      }),
    )
    const bgv = new seal.EncryptionParameters(seal.SchemeType.bgv)
    bgv.setPolyModulusDegree(4096)
    bgv.setCoeffModulus(seal.CoeffModulus.Create(4096, Int32Array.of(36, 36)))
    bgv.setPlainModulus(seal.PlainModulus.Batching(4096, 17))
    expect(() => readSealParameters(saved(bgv))).toThrow('are for the scheme "bgv", only bfv and ckks are supported')
    expect(() => readSealParameters(saved(new seal.EncryptionParameters(seal.SchemeType.none)))).toThrow(
      'are for the scheme "none"',
    )
    expect(() => readSealParameters(saved(sealParameters('bfv', 4096, [35, 35, 36], 34)))).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('plaintext modulus') }),
    )
    // A special prime far below the others would drown the message.
    expect(() => readSealParameters(saved(sealParameters('ckks', 4096, [40, 30])))).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        message: expect.stringContaining('"specialBits" expected at least'),
      }),
    )
  })

  test('chains that SEAL cannot have are refused, and INSECURE ones', () => {
    const two = createParams({ scheme: 'ckks', ringDegree: 8192, modulusBits: [40, 40], specialBits: [40, 40] })
    const none = createParams({ scheme: 'ckks', ringDegree: 8192, modulusBits: [40, 40], specialBits: [] })
    for (const params of [two, none]) {
      expect(() => writeSealParameters(params)).toThrow('SEAL has one special prime and digits of one prime')
      expect(() => sealParmsId(params, 0)).toThrow(expect.objectContaining({ code: 'unsupported' }))
    }
    const insecure = createParams({ ...literals.ckks, ringDegree: 1024, security: 'INSECURE' })
    expect(() => writeSealParameters(insecure)).toThrow(expect.objectContaining({ code: 'insecure-parameters' }))
  })
})

describe.each(schemes)('%s: objects of SEAL, in every compression', (scheme) => {
  const peer = openPeer(saved(parms[scheme]))
  const here = openHere(scheme, readSealParameters(saved(parms[scheme])))
  const { context } = here
  const [a] = messages(scheme) as [readonly number[]]
  const plain = peer.encode(a, scale)
  const encryptor = peer.encryptor()
  const secret = readSealSecretKey(context, saved(peer.secret))

  test.each(sealCompressions)('%s', (compression: PeerCompression) => {
    // Secret key: written again, it is SEAL's own.
    const read = readSealSecretKey(context, saved(peer.secret, compression))
    expectSameBytes(
      saved(openPeer(saved(parms[scheme]), writeSealSecretKey(read)).secret, 'none'),
      saved(peer.secret, 'none'),
    )
    // Plaintexts.
    if (here.ckks) {
      using p = readSealPlaintext(context, saved(plain, compression))
      expect(p).toMatchObject({ level: 1, scale })
      expectClose(scheme, [...here.ckks.decode(p)], a)
      expectSameBytes(saved(peer.plaintext(writeSealPlaintext(p)), 'none'), saved(plain, 'none'))
    } else {
      const coefficients = readSealMessage(context, saved(plain, compression))
      expectClose(scheme, [...here.bfv!.decode(here.bfv!.encodeCoefficients(coefficients))], a)
      expectSameBytes(saved(peer.plaintext(writeSealMessage(context, coefficients)), 'none'), saved(plain, 'none'))
    }
    // Ciphertexts, whole and from a seed; SEAL reads back what it wrote.
    const whole = peer.made((ct) => encryptor.encrypt(plain, ct))
    const ours = readSealCiphertext(context, saved(whole, compression))
    expectClose(scheme, here.decrypted(secret, ours), a)
    expectSameBytes(saved(peer.ciphertext(writeSealCiphertext(ours)), 'none'), saved(whole, 'none'))
    const seeded = saved(encryptor.encryptSymmetricSerializable(plain), compression)
    expect(seeded.length).toBeLessThan(0.6 * saved(whole, compression).length)
    const expanded = readSealCiphertext(context, seeded)
    expect(expanded.seed).toBeUndefined()
    expectClose(scheme, here.decrypted(secret, expanded), a)
    expectSameBytes(
      writeSealCiphertext(expanded, { compression: 'none' }).subarray(16),
      saved(peer.ciphertext(seeded), 'none').subarray(16),
    )
    // Public keys, whole and from a seed.
    for (const key of [peer.keygen.createPublicKey(), peer.keygen.createPublicKeySerializable()]) {
      const publicKey = readSealPublicKey(context, saved(key, compression))
      expectClose(
        scheme,
        peer.decrypted(peer.ciphertext(writeSealCiphertext(context.encrypt(publicKey, here.encode(a))))),
        a,
      )
    }
    // Relinearisation keys and Galois keys: expanded and written, they are what SEAL expands them to.
    const relin = saved(peer.keygen.createRelinKeysSerializable(), compression)
    const ownRelin = readSealRelinearisationKey(context, relin)
    expectSameBytes(
      saved(peer.relinKeys(writeSealRelinearisationKey(ownRelin)), 'none'),
      saved(peer.relinKeys(relin), 'none'),
    )
    const galois = saved(peer.keygen.createGaloisKeysSerializableWithSteps(Int32Array.of(1, -3, 0)), compression)
    const ownGalois = readSealGaloisKeys(context, galois)
    expect([...ownGalois.keys()].sort((x, y) => x - y)).toEqual(
      [3, 8191, (peerElement(-3) + 8192) % 8192].sort((x, y) => x - y),
    )
    expectSameBytes(
      saved(peer.galoisKeys(writeSealGaloisKeys(context, ownGalois)), 'none'),
      saved(peer.galoisKeys(galois), 'none'),
    )
  })

  test('seeds of SHAKE256 are expanded as SEAL expands them', () => {
    const bytes = saved(encryptor.encryptSymmetricSerializable(plain), 'none')
    // The generator stands before the last 64 bytes.
    bytes[bytes.length - 65] = 2
    expectSameBytes(
      writeSealCiphertext(readSealCiphertext(context, bytes), { compression: 'none' }).subarray(16),
      saved(peer.ciphertext(bytes), 'none').subarray(16),
    )
    bytes[bytes.length - 65] = 3
    expect(() => readSealCiphertext(context, bytes)).toThrow(
      'has a seed of generator 3, only 1 (BLAKE2Xb) and 2 (SHAKE256)',
    )
  })
})

test('words that are too large for a uniform residue are drawn anew, where SEAL draws them', () => {
  // Primes just above 2^64 / 16385: one word in 2^14 is rejected, twenty times 8192 words have ten of them.
  const primes: number[] = []
  for (let p = Math.ceil(2 ** 64 / 16385 / 8192) * 8192 + 1; primes.length < 2; p += 8192)
    if (isPrime(BigInt(p))) primes.push(p)
  const literal: ParamsLiteral = { scheme: 'ckks', ringDegree: 4096, modulusBits: [50], specialBits: [50], primes }
  const ckks = openCkks(literal)
  const peer = openPeer(writeSealParameters(ckks.params))
  for (let i = 0; i < 20; i++) {
    const seeded = saved(peer.keygen.createRelinKeysSerializable(), 'none')
    using key = readSealRelinearisationKey(ckks, seeded)
    expectSameBytes(writeSealRelinearisationKey(key, { compression: 'none' }), saved(peer.relinKeys(seeded), 'none'))
  }
})

/** 3^steps modulo 8192. */
function peerElement(steps: number): number {
  let element = 1
  for (let i = 0; i < ((steps % 2048) + 2048) % 2048; i++) element = (element * 3) % 8192
  return element
}

type Op = readonly [
  name: string,
  expected: (a: readonly number[], b: readonly number[], scheme: 'ckks' | 'bfv') => number[],
]
const reduce = (scheme: 'ckks' | 'bfv', x: number): number => (scheme === 'bfv' ? ((x % t) + t) % t : x)
const product = (scheme: 'ckks' | 'bfv', x: number, y: number): number =>
  scheme === 'bfv' ? Number((BigInt(x) * BigInt(y)) % BigInt(t)) : x * y
/** Rows to the left; CKKS has one row, BFV two. */
function rotated(scheme: 'ckks' | 'bfv', a: readonly number[], steps: number): number[] {
  const columns = 2048
  return a.map((_, i) => {
    const row = scheme === 'bfv' ? Math.floor(i / columns) * columns : 0
    return a[row + ((((i - row + steps) % columns) + columns) % columns)]!
  })
}

const ops: readonly Op[] = [
  ['nothing', (a) => [...a]],
  ['add', (a, b, s) => a.map((x, i) => reduce(s, x + b[i]!))],
  ['subtract', (a, b, s) => a.map((x, i) => reduce(s, x - b[i]!))],
  ['negate', (a, _b, s) => a.map((x) => reduce(s, -x))],
  ['addPlain', (a, b, s) => a.map((x, i) => reduce(s, x + b[i]!))],
  ['subtractPlain', (a, b, s) => a.map((x, i) => reduce(s, x - b[i]!))],
  ['multiplyPlain', (a, b, s) => a.map((x, i) => product(s, x, b[i]!))],
  ['multiply', (a, b, s) => a.map((x, i) => product(s, x, b[i]!))],
  ['square', (a, _b, s) => a.map((x) => product(s, x, x))],
  ['multiply and relinearise', (a, b, s) => a.map((x, i) => product(s, x, b[i]!))],
  ['multiply, relinearise and go down', (a, b, s) => a.map((x, i) => product(s, x, b[i]!))],
  ['drop a level', (a) => [...a]],
  ['rotate by 1', (a, _b, s) => rotated(s, a, 1)],
  ['rotate by -3', (a, _b, s) => rotated(s, a, -3)],
  ['rotate at level 0', (a, _b, s) => rotated(s, a, 1)],
  ['conjugate', (a, _b, s) => (s === 'ckks' ? [...a] : [...a.slice(2048), ...a.slice(0, 2048)])],
]

describe.each(schemes)('%s: every operation', (scheme) => {
  const [a, b] = messages(scheme) as [readonly number[], readonly number[]]

  describe('SEAL computes on what Glovebox made', () => {
    // With the primes that Glovebox chooses: SEAL takes others of the same sizes.
    const here = openHere(scheme, literals[scheme])
    const { context } = here
    const secret = createSecretKey(context)
    const peer = openPeer(writeSealParameters(context.params), writeSealSecretKey(secret))
    const { evaluator } = peer
    const publicKey = createPublicKey(context, secret)
    const x = peer.ciphertext(writeSealCiphertext(context.encrypt(publicKey, here.encode(a))))
    const y = peer.ciphertext(
      writeSealCiphertext(encryptSymmetric(context, secret, here.encode(b)), { compression: 'none' }),
    )
    const plain = peer.plaintext(
      here.ckks
        ? writeSealPlaintext(here.encode(b))
        : writeSealMessage(context, here.bfv!.decodeCoefficients(here.encode(b))),
    )
    const relin = peer.relinKeys(writeSealRelinearisationKey(createRelinearisationKey(context, secret)))
    const requests = [{ steps: 1 }, { steps: -3 }, { steps: 'conjugate' }] as const
    const galois = peer.galoisKeys(writeSealGaloisKeys(context, createGaloisKeys(context, secret, requests)))
    const run = (op: string): ReturnType<typeof peer.ciphertext> =>
      peer.made((out) => {
        const rotate = (ct: typeof x, steps: number): void =>
          here.ckks ? evaluator.rotateVector(ct, steps, galois, out) : evaluator.rotateRows(ct, steps, galois, out)
        const mul = (): typeof x => peer.made((wide) => evaluator.multiply(x, y, wide))
        switch (op) {
          case 'nothing':
            return evaluator.negate(
              peer.made((z) => evaluator.negate(x, z)),
              out,
            )
          case 'add':
            return evaluator.add(x, y, out)
          case 'subtract':
            return evaluator.sub(x, y, out)
          case 'negate':
            return evaluator.negate(x, out)
          case 'addPlain':
            return evaluator.addPlain(x, plain, out)
          case 'subtractPlain':
            return evaluator.subPlain(x, plain, out)
          case 'multiplyPlain':
            return evaluator.multiplyPlain(x, plain, out)
          case 'multiply':
            return evaluator.multiply(x, y, out)
          case 'square':
            return evaluator.square(x, out)
          case 'multiply and relinearise':
            return evaluator.relinearize(mul(), relin, out)
          case 'multiply, relinearise and go down': {
            const narrow = peer.made((z) => evaluator.relinearize(mul(), relin, z))
            return here.ckks ? evaluator.rescaleToNext(narrow, out) : evaluator.cipherModSwitchToNext(narrow, out)
          }
          case 'drop a level':
            return evaluator.cipherModSwitchToNext(x, out)
          case 'rotate by 1':
            return rotate(x, 1)
          case 'rotate by -3':
            return rotate(x, -3)
          case 'rotate at level 0':
            return rotate(
              peer.made((z) => evaluator.cipherModSwitchToNext(x, z)),
              1,
            )
          case 'conjugate':
            return here.ckks ? evaluator.complexConjugate(x, galois, out) : evaluator.rotateColumns(x, galois, out)
          default:
            throw new Error(op)
        }
      })

    test.each(ops)('%s', (name, expected) => {
      if (name === 'nothing') expectClose(scheme, peer.decrypted(x), a)
      const out = run(name)
      const answer = expected(a, b, scheme)
      expectClose(scheme, peer.decrypted(out), answer)
      using read = readSealCiphertext(context, saved(out, sealCompressions[name.length % 3]!))
      expectClose(scheme, here.decrypted(secret, read), answer)
    })

    test('encrypts under a public key that was made here', () => {
      const encryptor = peer.encryptor(createSealPublicKey(context, secret))
      const ct = peer.made((out) => encryptor.encrypt(peer.encode(a, scale), out))
      expectClose(scheme, here.decrypted(secret, readSealCiphertext(context, saved(ct))), a)
      expectClose(scheme, peer.decrypted(ct), a)
    })
  })

  describe('Glovebox computes on what SEAL made', () => {
    const literal = readSealParameters(saved(parms[scheme]))
    const here = openHere(scheme, literal)
    const { context } = here
    const peer = openPeer(saved(parms[scheme]))
    const encryptor = peer.encryptor()
    const secret = readSealSecretKey(context, saved(peer.secret))
    const x = readSealCiphertext(context, saved(peer.made((ct) => encryptor.encrypt(peer.encode(a, scale), ct))))
    const y = readSealCiphertext(context, saved(encryptor.encryptSymmetricSerializable(peer.encode(b, scale))))
    const message = saved(peer.encode(b, scale))
    const plain = here.ckks
      ? readSealPlaintext(context, message)
      : here.bfv!.encodeCoefficients(readSealMessage(context, message))
    const keys = {
      relinearisation: readSealRelinearisationKey(context, saved(peer.keygen.createRelinKeysSerializable())),
      galois: readSealGaloisKeys(context, saved(peer.keygen.createGaloisKeysWithSteps(Int32Array.of(1, -3, 0)))),
    }
    const run = (op: string): Ciphertext => {
      const s = here.scheme
      const rotate = (ct: Ciphertext, steps: number): Ciphertext =>
        here.ckks ? here.ckks.rotate(ct, steps, keys) : here.bfv!.rotateRows(ct, steps, keys)
      const down = (ct: Ciphertext): Ciphertext =>
        here.ckks ? here.ckks.dropLevel(ct, 0) : here.bfv!.switchModulus(ct, 0)
      switch (op) {
        case 'nothing':
          return x
        case 'add':
          return s.add(x, y)
        case 'subtract':
          return s.subtract(x, y)
        case 'negate':
          return s.negate(x)
        case 'addPlain':
          return s.addPlain(x, plain)
        case 'subtractPlain':
          return s.subtractPlain(x, plain)
        case 'multiplyPlain':
          return s.multiplyPlain(x, plain)
        case 'multiply':
          return s.multiply(x, y)
        case 'square':
          return s.square(x)
        case 'multiply and relinearise':
          return s.relinearise(s.multiply(x, y), keys)
        case 'multiply, relinearise and go down': {
          const narrow = s.relinearise(s.multiply(x, y), keys)
          return here.ckks ? here.ckks.rescale(narrow) : here.bfv!.switchModulus(narrow)
        }
        case 'drop a level':
          return down(x)
        case 'rotate by 1':
          return rotate(x, 1)
        case 'rotate by -3':
          return rotate(x, -3)
        case 'rotate at level 0':
          return rotate(down(x), 1)
        case 'conjugate':
          return here.ckks ? here.ckks.conjugate(x, keys) : here.bfv!.rotateColumns(x, keys)
        default:
          throw new Error(op)
      }
    }

    test.each(ops)('%s', (name, expected) => {
      const out = run(name)
      const answer = expected(a, b, scheme)
      expectClose(scheme, here.decrypted(secret, out), answer)
      const compression = name.length % 2 ? 'none' : 'zlib'
      expectClose(scheme, peer.decrypted(peer.ciphertext(writeSealCiphertext(out, { compression }))), answer)
    })

    test('keys of SEAL go over the wire of Glovebox in full, and still work', () => {
      const far = openHere(scheme, literal)
      const bytes = encodeEvaluationKeys(context, keys)
      const read = decodeEvaluationKeys(far.context, bytes)
      expect(read.relinearisation!.seed).toBeUndefined()
      expectSameBytes(encodeEvaluationKeys(far.context, read), bytes)
      const ct = readSealCiphertext(far.context, writeSealCiphertext(x))
      const turned = far.ckks ? far.ckks.rotate(ct, 1, read) : far.bfv!.rotateRows(ct, 1, read)
      expectClose(scheme, peer.decrypted(peer.ciphertext(writeSealCiphertext(turned))), rotated(scheme, a, 1))
      const publicKey = readSealPublicKey(context, saved(peer.keygen.createPublicKeySerializable()))
      const farKey = decodePublicKey(far.context, encodePublicKey(publicKey))
      expect(farKey.seed).toBeUndefined()
      expectSameBytes(encodePublicKey(farKey), encodePublicKey(publicKey))
      expectClose(
        scheme,
        peer.decrypted(peer.ciphertext(writeSealCiphertext(far.context.encrypt(farKey, far.encode(a))))),
        a,
      )
    })
  })
})
