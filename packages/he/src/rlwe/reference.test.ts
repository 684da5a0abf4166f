import { describe, expect, test } from 'vitest'
import { createParams } from '../params/params.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { definitionSuite, mostError } from '../test-support/definition-suite.ts'
import { Draw } from '../test-support/random.ts'
import {
  addPoly,
  centredPoly,
  evaluate,
  largest,
  multiplyPoly,
  type Poly,
  productOf,
  subtractPoly,
} from '../test-support/reference-ring.ts'
import { readSecret, referenceEncrypt } from '../test-support/reference-rlwe.ts'
import {
  bitsOf,
  forgeFrame,
  openFrame,
  packBits,
  readWireCiphertext,
  readWireSecret,
} from '../test-support/reference-wire.ts'
import { decrypt } from './decrypt.ts'
import { encryptSymmetric } from './encrypt-symmetric.ts'
import { publicBound } from './error-bound.ts'
import { createPublicKey } from './keygen.ts'
import { createSecretKey } from './secret-key.ts'
import { encodeSecretKey } from './secret-wire.ts'
import { decodeCiphertext, encodeCiphertext } from './wire.ts'

// Small rings here: the reference takes quadratic time. Larger ones are in reference.slow.test.ts.
const insecure = { scheme: 'ckks', ringDegree: 64, security: 'INSECURE' } as const
definitionSuite('wasm-fused', { ...insecure, modulusBits: [50, 40, 49], specialBits: [50] })
definitionSuite('wasm', { ...insecure, modulusBits: [40, 36, 36], specialBits: [40, 40] })
definitionSuite('wasm-fused', { ...insecure, modulusBits: [50, 40, 49, 40], specialBits: [50, 50] }, 2)
definitionSuite('reference', { ...insecure, modulusBits: [30, 20], specialBits: [30] })

describe('over the wire, under secure parameters', () => {
  const params = createParams({ scheme: 'ckks', ringDegree: 1024, modulusBits: [26], specialBits: [] })
  const ckks = openCkks(params)
  const n = params.ringDegree
  const Q = productOf(params.primes)
  const secret = createSecretKey(ckks)
  const s = readWireSecret(openFrame(encodeSecretKey(secret)).body, n)
  const draw = new Draw('over the wire')
  const m = Array.from({ length: n }, () => draw.integer(-(2 ** 20), 2 ** 20))
  const message = m.map(BigInt)
  const plaintext = ckks.encodeCoefficients(m, { scale: 1 })

  test('the secret on the wire is the secret in memory', () => {
    expect(s).toEqual(readSecret(secret))
  })

  test.each(['seeded', 'whole'] as const)('the reference reads and decrypts a ciphertext: %s', (form) => {
    const ct =
      form === 'seeded'
        ? encryptSymmetric(ckks, secret, plaintext)
        : ckks.encrypt(createPublicKey(ckks, secret), plaintext)
    const frame = openFrame(encodeCiphertext(ct))
    expect(frame).toMatchObject({ kind: 1, owner: params.digest })
    const read = readWireCiphertext(frame.body, n, params.primes)
    expect(read).toMatchObject({ level: 0, scale: 1 })
    expect(read.seed !== undefined).toBe(form === 'seeded')
    const [c0, c1] = read.parts as [Poly, Poly]
    const error = subtractPoly(centredPoly(addPoly(c0, multiplyPoly(c1, s)), Q), message)
    expect(largest(error)).toBeGreaterThan(0)
    expect(largest(error)).toBeLessThanOrEqual(form === 'seeded' ? mostError : publicBound(n))
  })

  test('the library reads and decrypts a ciphertext that the reference wrote', () => {
    const p = params.primes[0]!
    const parts = referenceEncrypt(message, s, Q).map((part) =>
      evaluate(part, p).map((x) => (x < 0n ? x + BigInt(p) : x)),
    )
    const head = Buffer.alloc(11)
    head.set([0, 2, 0])
    head.writeDoubleLE(1, 3)
    const body = Buffer.concat([head, ...parts.map((part) => packBits(part, bitsOf(p)))])
    const ct = decodeCiphertext(ckks, forgeFrame(1, params.digest, body))
    const decoded = ckks.decodeCoefficients(decrypt(ckks, secret, ct))
    const errors = Array.from(decoded, (x, i) => x - m[i]!)
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(mostError)
    expect(Math.max(...errors.map(Math.abs))).toBeGreaterThan(0)
  })
})
