import {
  applyLinear,
  type Ciphertext,
  type Ckks,
  encodeLinear,
  type LinearTransform,
  openCkks,
  type ParamsLiteral,
  planLinear,
  planRotations,
} from '@glovebox/he'
import { createGaloisKeys, createRelinearisationKey, createSecretKey, encryptSymmetric } from '@glovebox/he/secret'
import { measure, type Row } from './rows.ts'
import type { BenchOptions } from './run.ts'

// What several threads give over one: both contexts in one process, sampled in turn, so that they see the same machine. `ratio` is the speed-up.

const repeat = (bits: number, count: number): number[] => new Array<number>(count).fill(bits)

interface SetUp {
  readonly literal: ParamsLiteral
  readonly scale: number
  /** Side of a square matrix; 0 for none. */
  readonly matrix: number
}

const sets: Readonly<Record<string, SetUp>> = {
  'N = 4096': {
    literal: { scheme: 'ckks', ringDegree: 4096, modulusBits: [37, 32], specialBits: [37] },
    scale: 2 ** 26,
    matrix: 1024,
  },
  A: {
    literal: { scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] },
    scale: 2 ** 40,
    matrix: 1024,
  },
  C: {
    literal: {
      scheme: 'ckks',
      ringDegree: 32768,
      modulusBits: [50, ...repeat(40, 14)],
      specialBits: repeat(50, 5),
      digitSize: 5,
    },
    scale: 2 ** 40,
    matrix: 0,
  },
}

type Runs = Record<string, () => void>

function runs(ckks: Ckks, { scale, matrix }: SetUp): Runs {
  const { slots, maxLevel: level } = ckks.params
  const rotations = Array.from({ length: matrix }, (_, d) => d)
  const plan = planLinear(matrix > 0 ? rotations : [0, 1], slots)
  const secret = createSecretKey(ckks)
  const keys = {
    relinearisation: createRelinearisationKey(ckks, secret),
    galois: createGaloisKeys(
      ckks,
      secret,
      [...planRotations(plan), 1].map((steps) => ({ steps })),
    ),
  }
  const values = Float64Array.from({ length: slots }, (_, i) => Math.sin(i % 1024))
  const a = encryptSymmetric(ckks, secret, ckks.encode(values, { scale }))
  const product = ckks.multiply(a, a)
  const weights = Float64Array.from({ length: slots }, (_, i) => Math.cos(i))
  const transform =
    matrix > 0
      ? encodeLinear(ckks, new Map(rotations.map((d) => [d, weights])), plan, { level, scale: 2 ** 20 })
      : undefined
  const dropped = (make: () => Disposable) => () => make()[Symbol.dispose]()
  const both = [0, 1]
  const together = (make: () => Disposable) => () => {
    for (const value of ckks.ring.together(both.map(() => make))) value[Symbol.dispose]()
  }
  const linear = (weights: LinearTransform): Ciphertext => applyLinear(ckks, a, weights, keys)
  const square = (): Ciphertext => {
    using wide = ckks.square(a)
    using narrow = ckks.relinearise(wide, keys)
    return ckks.rescale(narrow)
  }
  return {
    encode: dropped(() => ckks.encode(values, { scale })),
    'encrypt-seeded': dropped(() => encryptSymmetric(ckks, secret, ckks.encode([1], { scale }))),
    rotate: dropped(() => ckks.rotate(a, 1, keys)),
    relinearise: dropped(() => ckks.relinearise(product, keys)),
    'keygen-galois': () => {
      for (const key of createGaloisKeys(ckks, secret, [{ steps: 1 }]).values()) key[Symbol.dispose]()
    },
    ...(transform && {
      [`matvec-${matrix}`]: dropped(() => linear(transform)),
      'two matvecs, one after the other': () => both.map(() => linear(transform)[Symbol.dispose]()),
      'two matvecs, together': together(() => linear(transform)),
    }),
    'two squares, one after the other': () => both.map(() => square()[Symbol.dispose]()),
    'two squares, together': together(square),
  }
}

/** Tasks of one NTT each, over rings small enough that handing them over shows. */
async function dispatch(threads: number): Promise<Row[]> {
  const rows: Row[] = []
  for (const ringDegree of [1024, 2048, 4096, 8192]) {
    const ops = await Promise.all(
      [threads, 1].map(async (count) => {
        const ckks = openCkks(
          { scheme: 'ckks', ringDegree, modulusBits: repeat(40, 4), specialBits: [], security: 'INSECURE' },
          { threads: count },
        )
        await ckks.threadsStarted()
        const { ring } = ckks
        const limbs = ring.limbs(4)
        return () =>
          ring.parallel(4, (i, kernels) => {
            const { p, pinv, table } = ring.moduli[i]!
            kernels.nttForward(limbs.ptr + i * ring.limbBytes, ring.n, p, pinv, table)
          })
      }),
    )
    rows.push({ ...measure('4 transforms', `N = ${ringDegree}`, ops[0]!, { name: '1 thread', run: ops[1]! }), threads })
  }
  return rows
}

export async function bench({ sets: wanted, threads }: BenchOptions): Promise<{ rows: Row[] }> {
  const count = threads === 1 ? 2 : threads
  const rows: Row[] = wanted.length === 0 ? await dispatch(count) : []
  for (const set of wanted.length > 0 ? wanted : Object.keys(sets)) {
    const setUp = sets[set]
    if (!setUp) throw new RangeError(`"set" expected one of ${Object.keys(sets).join(', ')}, got "${set}"`)
    using many = openCkks(setUp.literal, { threads: count })
    using one = openCkks(setUp.literal)
    await many.threadsStarted()
    const [fast, slow] = [runs(many, setUp), runs(one, setUp)]
    for (const op of Object.keys(fast))
      rows.push({ ...measure(op, set, fast[op]!, { name: '1 thread', run: slow[op]! }), threads: count })
  }
  return { rows }
}
