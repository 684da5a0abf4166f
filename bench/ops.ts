import { type Ckks, ciphertextBytes, type EvaluationKeys, openCkks, type ParamsLiteral, planKeys } from '@glovebox/he'
import {
  createGaloisKeys,
  createPublicKey,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'
import { benchBfv } from './bfv.ts'
import { benchMatvec } from './matvec.ts'
import { measure, type Row } from './rows.ts'
import type { BenchOptions, Measured } from './run.ts'
import { openSeal, type SealRuns } from './seal.ts'

interface SetUp {
  readonly literal: ParamsLiteral
  /** log2. */
  readonly scale: number
  /** SEAL's chain, the special prime last. SEAL has no digits of several primes, so that hybrid sets meet it at its own best. */
  readonly peerBits: readonly number[]
}

const repeat = (bits: number, count: number): number[] => new Array<number>(count).fill(bits)

// Chains of 60-bit base primes elsewhere have 50-bit ones here, with the same number of primes and the same scale. Digits and special primes of B and C
// are the fastest that are secure: `npm run bench -- keyswitch`.
const sets: Readonly<Record<string, SetUp>> = {
  A: {
    literal: { scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] },
    scale: 40,
    peerBits: [50, 40, 40, 50],
  },
  B: {
    literal: {
      scheme: 'ckks',
      ringDegree: 16384,
      modulusBits: [50, ...repeat(40, 6)],
      specialBits: repeat(45, 3),
      digitSize: 3,
    },
    scale: 40,
    peerBits: [50, ...repeat(40, 6), 50],
  },
  C: {
    literal: {
      scheme: 'ckks',
      ringDegree: 32768,
      modulusBits: [50, ...repeat(40, 14)],
      specialBits: repeat(43, 5),
      digitSize: 5,
    },
    scale: 40,
    peerBits: [50, ...repeat(40, 14), 50],
  },
}
const defaults = ['A', 'B', 'bfv8192']

function ownRuns(ckks: Ckks, values: Float64Array, scale: number): SealRuns & { rotateHoisted: () => void } {
  const { ring, params } = ckks
  const secret = createSecretKey(ckks)
  const publicKey = createPublicKey(ckks, secret)
  const keys: EvaluationKeys = {
    relinearisation: createRelinearisationKey(ckks, secret),
    galois: createGaloisKeys(ckks, secret, [{ steps: 1 }]),
  }
  const plain = ckks.encode(values, { scale })
  const a = ckks.encrypt(publicKey, plain)
  const b = ckks.encrypt(publicKey, plain)
  const product = ckks.multiply(a, b)
  const wide = ckks.multiplyPlain(a, plain)
  const hoisted = ckks.hoist(a)
  // The transforms of a ciphertext's two parts, as SEAL has no smaller unit.
  const limbs = 2 * params.primes.length
  const space = ring.limbs(limbs)
  ring.heap.u8(space.ptr, space.bytes).set(ring.heap.u8(a.slab.ptr, space.bytes))
  const everyLimb = (kernel: 'nttForward' | 'nttInverse') => () => {
    for (let i = 0; i < limbs; i++) {
      const modulus = ring.moduli[i % params.primes.length]!
      ring.kernels[kernel](space.ptr + i * ring.limbBytes, ring.n, modulus.p, modulus.pinv, modulus.table)
    }
  }
  const dropped = (make: () => Disposable) => () => make()[Symbol.dispose]()
  return {
    nttForward: everyLimb('nttForward'),
    nttInverse: everyLimb('nttInverse'),
    encode: dropped(() => ckks.encode(values, { scale })),
    decode: () => void ckks.decode(plain),
    encryptSeeded: dropped(() => encryptSymmetric(ckks, secret, plain)),
    encryptPublic: dropped(() => ckks.encrypt(publicKey, plain)),
    decrypt: dropped(() => decrypt(ckks, secret, a)),
    add: dropped(() => ckks.add(a, b)),
    multiplyPlain: dropped(() => ckks.multiplyPlain(a, plain)),
    multiply: dropped(() => ckks.multiply(a, b)),
    relinearise: dropped(() => ckks.relinearise(product, keys)),
    rescale: dropped(() => ckks.rescale(wide)),
    rotate: dropped(() => ckks.rotate(a, 1, keys)),
    rotateHoisted: dropped(() => ckks.rotateHoisted(hoisted, 1, keys)),
    keygenGalois: () => {
      for (const key of createGaloisKeys(ckks, secret, [{ steps: 1 }]).values()) key[Symbol.dispose]()
    },
    // From primes already found and kernels already compiled, on both sides.
    openContext: () => openCkks(params)[Symbol.dispose](),
  }
}

async function benchSet(set: string): Promise<Required<Measured>> {
  const { literal, scale, peerBits } = sets[set]!
  const ckks = openCkks(literal)
  const values = Float64Array.from({ length: ckks.params.slots }, (_, i) => Math.sin(i))
  const own = ownRuns(ckks, values, 2 ** scale)
  const seal = await openSeal(literal.ringDegree, peerBits, values, 2 ** scale)
  const { params } = ckks
  console.log(
    `set ${set}: N = ${params.ringDegree}, log2 Q = ${params.logQ.toFixed(0)}, log2 QP = ${params.logQP.toFixed(0)}, digits of ${params.digitSize}, ${ckks.ring.backend.name}`,
  )
  console.log(`  glovebox  ${params.primes.join(' ')} special ${params.special.join(' ')}`)
  console.log(`  ${seal.name}  ${seal.primes.slice(0, -1).join(' ')} special ${seal.primes.at(-1)}`)
  const both = (op: string, name: keyof SealRuns, units = 1): Row =>
    measure(op, set, own[name], { name: seal.name, run: seal.runs[name] }, units)
  const limbs = 2 * params.primes.length
  const facts = {
    [`${set}: seeded ciphertext, bytes`]: ciphertextBytes(params, params.maxLevel, true),
    [`${set}: relinearisation key, bytes`]: planKeys(params, { relinearisation: true }).bytes(),
  }
  const rows = [
    both('ntt-forward', 'nttForward', limbs),
    both('ntt-inverse', 'nttInverse', limbs),
    both('encode', 'encode'),
    both('decode', 'decode'),
    both('encrypt-seeded', 'encryptSeeded'),
    both('encrypt-public', 'encryptPublic'),
    both('decrypt', 'decrypt'),
    both('add', 'add'),
    both('multiply-plain', 'multiplyPlain'),
    both('multiply', 'multiply'),
    both('relinearise', 'relinearise'),
    both('rescale', 'rescale'),
    both('rotate', 'rotate'),
    // SEAL has no hoisting: what takes its place is one more rotation.
    measure('rotate-hoisted', set, own.rotateHoisted, { name: seal.name, run: seal.runs.rotate }),
    both('keygen-galois', 'keygenGalois'),
    both('open-context', 'openContext'),
    // In a ring of its own: the smallest that is secure and precise enough.
    ...(set === 'A' ? await benchMatvec(set) : []),
  ]
  return { rows, facts }
}

/** Every operation of a scheme on whole parameter sets, beside node-seal on the same sizes of primes; one thread, the matrix also on two. */
export async function bench({ sets: wanted, threads }: BenchOptions): Promise<Required<Measured>> {
  if (threads !== 1)
    throw new RangeError(
      `"threads" expected 1, as ops measures two threads by itself where they help; see the benchmark threads`,
    )
  const rows: Row[] = []
  const facts: Record<string, unknown> = {}
  for (const set of wanted.length > 0 ? wanted : defaults) {
    if (set === 'bfv8192') {
      rows.push(...(await benchBfv(set)))
      continue
    }
    if (!Object.hasOwn(sets, set))
      throw new RangeError(`"set" expected one of ${Object.keys(sets).join(', ')}, bfv8192, got "${set}"`)
    const measured = await benchSet(set)
    rows.push(...measured.rows)
    Object.assign(facts, measured.facts)
  }
  return { rows, facts }
}
