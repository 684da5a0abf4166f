import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys } from '../rlwe/keygen.ts'
import type { EvaluationKeys, SwitchingKey } from '../rlwe/keys.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { type Ckks, openCkks } from '../schemes/ckks/ckks.ts'
import { Draw } from '../test-support/random.ts'
import { applyMatrix, encodeMatrix } from './matrix.ts'

// Threads change who computes, not what: every double of a product is the same as on one thread, its representative included.

const doubles = ({ ring, slab, parts, level }: Ciphertext): Float64Array[] =>
  Array.from({ length: parts * (level + 1) }, (_, limb) =>
    ring.heap.f64(slab.ptr + limb * ring.limbBytes, ring.n).slice(),
  )

const single = { modulusBits: [50, 40], specialBits: [50], digitSize: 1 }
const hybrid = { modulusBits: [50, 40, 40, 40, 40], specialBits: [50, 50], digitSize: 2 }
const scale = 2 ** 40

describe.each([
  ['digits of one prime on two threads', single, 2],
  ['digits of one prime on three threads', single, 3],
  ['digits of two primes on two threads', hybrid, 2],
] as const)('%s', (name, shape, threads) => {
  const literal = { scheme: 'ckks', ringDegree: 512, ...shape, security: 'INSECURE' } as const
  const draw = new Draw(name)
  let one: Ckks
  let many: Ckks
  beforeAll(async () => {
    one = openCkks(literal)
    many = openCkks(literal, { threads })
    expect(await many.threadsStarted()).toBe(threads)
  })
  afterAll(() => {
    one?.[Symbol.dispose]()
    many?.[Symbol.dispose]()
  })

  /** The same words in the memory of the other context. */
  function there<T extends Ciphertext | SwitchingKey>(value: T): T {
    const slab = many.ring.limbs(Math.floor(value.slab.bytes / many.ring.limbBytes))
    many.ring.heap.u8(slab.ptr, slab.bytes).set(one.ring.heap.u8(value.slab.ptr, slab.bytes))
    return { ...value, ring: many.ring, slab }
  }

  test.each([
    ['giants', 100, 100, false],
    ['a staggered input', 64, 64, true],
    ['folds', 8, 200, false],
    ['several tiles', 300, 300, false],
  ] as const)('a matrix with %s', (_, height, columns, staggered) => {
    const rows = Array.from({ length: height }, () => draw.reals(columns))
    const level = one.params.maxLevel
    // A giant at the price of a baby: there are many.
    const options = { level, scale, staggered, work: { baby: 1, giant: 1 } }
    using a = encodeMatrix(one, rows, options)
    using b = encodeMatrix(many, rows, options)
    if (staggered || columns <= 200) expect(a.layout.folds.length + a.plan.giants.length).toBeGreaterThan(2)
    const secret = createSecretKey(one)
    const galois = createGaloisKeys(
      one,
      secret,
      a.rotations.map((steps) => ({ steps, level })),
    )
    const copies = new Map([...galois].map(([element, key]) => [element, there(key)]))
    const [own, others]: EvaluationKeys[] = [galois, copies].map((map) => ({ relinearisation: undefined, galois: map }))
    const inputs = a.layout
      .arrange(draw.reals(columns))
      .map((slots) => encryptSymmetric(one, secret, one.encode(slots, { scale })))
    const copied = inputs.map(there)
    const expected = applyMatrix(one, inputs, a, own!).map(doubles)
    // Who takes which task differs from run to run.
    for (let run = 0; run < 5; run++) expect(applyMatrix(many, copied, b, others!).map(doubles)).toEqual(expected)
  })
})
