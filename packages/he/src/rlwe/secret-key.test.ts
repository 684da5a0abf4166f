import { format, inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { ByteReader } from '../base/bytes.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { readSecret } from '../test-support/reference-rlwe.ts'
import { smallLiteral, smallScale } from '../test-support/small.ts'
import { decrypt } from './decrypt.ts'
import { encryptSymmetric } from './encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from './keygen.ts'
import { sampleTernary } from './noise.ts'
import { createSecretKey, newSecretKey, type SecretKey, secretLimb } from './secret-key.ts'
import { decodeSecretKey, encodeSecretKey, readSecretKey } from './secret-wire.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const ckks = openCkks(smallLiteral)
const { ring, params } = ckks

const runOfNumbers = /(-?\d+[,\s]+){8}/

/** Anything that could stand for residues or coefficients: a run of numbers, or the address of one. */
function expectNoSecret(text: string, key: SecretKey): void {
  expect(text).not.toMatch(runOfNumbers)
  expect(text).not.toContain('slab')
  expect(text).not.toContain(String(key.slab.ptr))
  // Shorter ones are parts of other numbers by chance.
  for (const residue of ring.heap.f64(secretLimb(key, 0), 32))
    if (Math.abs(residue) >= 10_000) expect(text).not.toContain(String(Math.abs(residue)))
}

describe('a secret key', () => {
  const key = createSecretKey(ckks)

  test('prints and serialises as its kind alone', () => {
    expect(JSON.stringify(key)).toBe('{"kind":"secret-key"}')
    expect(JSON.stringify({ nested: [key] })).toBe('{"nested":[{"kind":"secret-key"}]}')
    expect(Object.keys(key)).toEqual(['kind'])
    expect(JSON.stringify({ ...key })).toBe('{"kind":"secret-key"}')
    expect(`${key}`).toBe('[object Object]')
    for (const text of [
      inspect(key),
      inspect(key, { depth: 10 }),
      inspect([{ key }], { depth: 10 }),
      format('%s %O %j', key, { key }, key),
    ]) {
      expectNoSecret(text, key)
    }
    // Who asks for hidden properties sees that there is memory, not what is in it.
    expect(inspect(key, { depth: 20, showHidden: true })).not.toMatch(runOfNumbers)
    expect(structuredCloneOf(key)).not.toContain('ring')
  })

  /** What a structured clone (postMessage, a database) would carry. */
  function structuredCloneOf(value: object): string {
    try {
      return JSON.stringify(structuredClone(value))
    } catch {
      return ''
    }
  }

  test('stays out of error messages', () => {
    const stranger = openCkks({ ...smallLiteral, modulusBits: [17, 18] })
    const twin = openCkks(params)
    const ct = encryptSymmetric(ckks, key, ckks.encode([1], { scale: smallScale }))
    const bytes = encodeSecretKey(key)
    for (const act of [
      () => decrypt(stranger, key, ct),
      () => decrypt(twin, key, ct),
      () => ckks.add(ct, key as never),
      () => ckks.decode(key as never),
      () => ckks.encrypt(key as never, key as never),
      () => createGaloisKeys(ckks, key, [{ steps: 0.5 }]),
      () => createRelinearisationKey(ckks, key, { level: 99 }),
      () => createPublicKey(twin, key),
      () => decodeSecretKey(stranger, bytes),
      () =>
        decodeSecretKey(
          ckks,
          bytes.map((b, i) => (i === 100 ? ~b : b)),
        ),
      () => decodeSecretKey(ckks, bytes.subarray(0, 300)),
      () => decodeSecretKey(ckks, bytes, { maxBytes: 10 }),
      () => JSON.parse(key as never),
    ]) {
      let error: unknown
      try {
        act()
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(Error)
      expectNoSecret(`${(error as Error).message} ${inspect(error, { depth: 10 })}`, key)
    }
  })

  test('is wiped from memory when it is disposed of, and only then', () => {
    const doomed = createSecretKey(ckks)
    const { ptr, bytes } = doomed.slab
    const memory = (): Uint8Array => ring.heap.u8(ptr, bytes)
    expect(readSecret(doomed).some((c) => c !== 0n)).toBe(true)
    doomed[Symbol.dispose]()
    expect(memory().every((b) => b === 0)).toBe(true)
    // Disposing again must not wipe what lies there by then.
    using next = ring.limbs(ring.moduli.length)
    expect(next.ptr).toBe(ptr)
    memory().fill(7)
    doomed[Symbol.dispose]()
    expect(memory().every((b) => b === 7)).toBe(true)
  })

  test('is wiped when it is dropped and collected', async () => {
    const fresh = openCkks(params)
    const { used } = fresh.ring.heap
    const drop = (): { ptr: number; bytes: number } => {
      const { ptr, bytes } = createSecretKey(fresh).slab
      return { ptr, bytes }
    }
    const { ptr, bytes } = drop()
    for (let i = 0; i < 100 && fresh.ring.heap.used > used; i++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(fresh.ring.heap.used).toBe(used)
    expect(fresh.ring.heap.u8(ptr, bytes).every((b) => b === 0)).toBe(true)
  })

  test('is given back and wiped when making it fails half-way', () => {
    const fresh = openCkks(params)
    const { heap, n, limbBytes } = fresh.ring
    const { used } = heap
    let at = 0
    const fail = (coefficients: number): void => {
      at = coefficients
      sampleTernary(fresh.ring, coefficients)
      expect(heap.f64(at, n).some((c) => c !== 0)).toBe(true)
      throw new Error('no more random bytes')
    }
    expect(() => newSecretKey(fresh.ring, fail)).toThrow('no more random bytes')
    expect(heap.used).toBe(used)
    expect(heap.u8(at, limbBytes).every((b) => b === 0)).toBe(true)
  })

  test('leaves no copy of its coefficients in the memory that was used on the way', () => {
    const fresh = openCkks(params)
    const secret = createSecretKey(fresh)
    const coefficients = readSecret(secret).map(Number)
    using plain = fresh.encode([1], { scale: smallScale })
    using ct = encryptSymmetric(fresh, secret, plain)
    decrypt(fresh, secret, ct)[Symbol.dispose]()
    createPublicKey(fresh, secret)
    createRelinearisationKey(fresh, secret)
    createGaloisKeys(fresh, secret, [{ steps: 1 }])
    encodeSecretKey(secret)
    const needle = Buffer.from(Float64Array.from(coefficients.slice(0, 64)).buffer)
    const all = Buffer.from(fresh.ring.backend.memory.buffer)
    expect(all.includes(needle)).toBe(false)
    const limb = Buffer.from(fresh.ring.heap.u8(secretLimb(secret, 0), 512))
    expect(all.indexOf(limb), 'the key itself is there').toBe(secretLimb(secret, 0))
    expect(all.indexOf(limb, secretLimb(secret, 0) + 1), 'and nowhere else').toBe(-1)
  })

  test('of a weight that no drawn key has is refused, of zeros above all', () => {
    const decode = (bytes: Uint8Array) => readSecretKey(new ByteReader(bytes, 'the key'), ring)
    /** The first `weight` coefficients 1, the others 0. */
    const ofWeight = (weight: number): Uint8Array => {
      const bytes = new Uint8Array(ring.n / 4)
      for (let i = 0; i < weight; i++) bytes[i >> 2]! |= 1 << (2 * (i & 3))
      return bytes
    }
    const used = ring.heap.used
    // N = 2048: 1365.3 on average, ten standard deviations are 213.3.
    for (const weight of [0, 1, 64, 1151])
      expect(() => decode(ofWeight(weight))).toThrow(
        expect.objectContaining({
          code: 'malformed',
          message: 'the key: "coefficients" expected about two in three other than 0, got far fewer',
        }),
      )
    for (const weight of [1579, 2048])
      expect(() => decode(ofWeight(weight))).toThrow('expected about two in three other than 0, got far more')
    expect(ring.heap.used).toBe(used)
    for (const weight of [1153, 1578]) {
      using key = decode(ofWeight(weight))
      expect(readSecret(key).filter((c) => c === 1n).length).toBe(weight)
    }
  })

  test('is another one every time', () => {
    const [a, b] = [readSecret(createSecretKey(ckks)), readSecret(createSecretKey(ckks))]
    const agree = a.filter((c, i) => c === b[i]).length
    // A third of 2048 agree by chance; ten standard deviations.
    expect(Math.abs(agree - 2048 / 3)).toBeLessThan(10 * Math.sqrt((2048 * 2) / 9))
  })
})
