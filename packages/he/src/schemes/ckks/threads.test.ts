import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../../rlwe/keygen.ts'
import type { EvaluationKeys } from '../../rlwe/keys.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { decodeCiphertext, decodeEvaluationKeys, encodeCiphertext, encodeEvaluationKeys } from '../../rlwe/wire.ts'
import { Draw } from '../../test-support/random.ts'
import { type Ckks, openCkks } from './ckks.ts'

// Threads change who computes, not what: every double in memory is the same as on one thread, its representative included.

const literal = { scheme: 'ckks', ringDegree: 4096, modulusBits: [37, 32], specialBits: [37] } as const
const deep = {
  scheme: 'ckks',
  ringDegree: 1024,
  modulusBits: [50, 40, 40, 40, 40],
  specialBits: [50, 50],
  digitSize: 2,
  security: 'INSECURE',
} as const

const doubles = ({ ring, slab, parts, level }: Ciphertext): Float64Array[] =>
  Array.from({ length: parts * (level + 1) }, (_, limb) =>
    ring.heap.f64(slab.ptr + limb * ring.limbBytes, ring.n).slice(),
  )

describe.each([
  ['two limbs on two threads', literal, 2 ** 26, 2],
  ['two limbs on five threads', literal, 2 ** 26, 5],
  ['five limbs in digits of two on two threads', deep, 2 ** 40, 2],
] as const)('%s', (_, params, scale, threads) => {
  let one: Ckks
  let many: Ckks
  let keys: readonly [EvaluationKeys, EvaluationKeys]
  let inputs: readonly (readonly [Ciphertext, Ciphertext])[]
  beforeAll(async () => {
    one = openCkks(params)
    many = openCkks(params, { threads })
    expect(await many.threadsStarted()).toBe(threads)
    const secret = createSecretKey(one)
    const made = {
      relinearisation: createRelinearisationKey(one, secret),
      galois: createGaloisKeys(one, secret, [{ steps: 1 }, { steps: 5 }]),
    }
    // INSECURE parameters cannot be written: the words are copied.
    const copyKey = <K extends EvaluationKeys['relinearisation'] & object>(key: K): K => {
      const slab = many.ring.limbs(Math.floor(key.slab.bytes / many.ring.limbBytes))
      many.ring.heap.u8(slab.ptr, slab.bytes).set(one.ring.heap.u8(key.slab.ptr, slab.bytes))
      return { ...key, ring: many.ring, slab }
    }
    keys = [
      made,
      {
        relinearisation: copyKey(made.relinearisation),
        galois: new Map([...made.galois].map(([element, key]) => [element, copyKey(key)])),
      },
    ]
    const draw = new Draw(`threads ${threads} ${params.ringDegree}`)
    inputs = [0, 1].map(() => {
      const a = encryptSymmetric(one, secret, one.encode(draw.reals(params.ringDegree / 2), { scale }))
      const slab = many.ring.limbs(2 * (a.level + 1))
      many.ring.heap.u8(slab.ptr, slab.bytes).set(one.ring.heap.u8(a.slab.ptr, slab.bytes))
      return [a, { ...a, ring: many.ring, slab }] as const
    })
  })
  afterAll(() => {
    one?.[Symbol.dispose]()
    many?.[Symbol.dispose]()
  })

  const circuits: Record<string, (ckks: Ckks, a: Ciphertext, b: Ciphertext, keys: EvaluationKeys) => Ciphertext> = {
    'a product, relinearised and rescaled': (ckks, a, b, k) => ckks.rescale(ckks.relinearise(ckks.multiply(a, b), k)),
    'a rotation': (ckks, a, _b, k) => ckks.rotate(a, 1, k),
    'two hoisted rotations and their sum': (ckks, a, _b, k) => {
      using hoisted = ckks.hoist(a)
      using x = ckks.rotateHoisted(hoisted, 1, k)
      using y = ckks.rotateHoisted(hoisted, 5, k)
      return ckks.add(x, y)
    },
    'rotations side by side': (ckks, a, b, k) => {
      const turned = ckks.ring.together([a, b, a, b, a].map((x, i) => () => ckks.rotate(x, i % 2 === 0 ? 1 : 5, k)))
      return turned.reduce((sum, x) => ckks.add(sum, x))
    },
    'an encoded product': (ckks, a, _b) =>
      ckks.rescale(ckks.multiplyPlain(a, ckks.encode([0.5, 0.25, -1], { scale, level: a.level }))),
  }
  test.each(Object.entries(circuits))('%s', (_name, circuit) => {
    const [x, y] = inputs as [readonly [Ciphertext, Ciphertext], readonly [Ciphertext, Ciphertext]]
    const expected = doubles(circuit(one, x[0], y[0], keys[0]))
    // Who takes which task differs from run to run.
    for (let run = 0; run < 10; run++) expect(doubles(circuit(many, x[1], y[1], keys[1]))).toEqual(expected)
  })
})

test('keys and encryptions made with threads are true ones', async () => {
  using many = openCkks(literal, { threads: 3 })
  using one = openCkks(literal)
  expect(await many.threadsStarted()).toBe(3)
  const secret = createSecretKey(many)
  const made = {
    relinearisation: createRelinearisationKey(many, secret),
    galois: createGaloisKeys(many, secret, [{ steps: 1 }, { steps: 'conjugate' }]),
  }
  // Over the wire: their seeds expand, on one thread, to what they were made with.
  const keys = decodeEvaluationKeys(one, encodeEvaluationKeys(many, made))
  const values = [0.5, -0.25, 0.125]
  const message = many.encode(values, { scale: 2 ** 26 })
  for (const fresh of [encryptSymmetric(many, secret, message), many.encrypt(createPublicKey(many, secret), message)]) {
    const there = decodeCiphertext(one, encodeCiphertext(fresh))
    const turned = decodeCiphertext(many, encodeCiphertext(one.rotate(there, 1, keys)))
    many.decode(decrypt(many, secret, turned)).forEach((x, i) => {
      expect(Math.abs(x - (values[(i + 1) % many.params.slots] ?? 0))).toBeLessThan(2 ** -8)
    })
  }
})
