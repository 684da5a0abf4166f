import { applyMatrix, encodeMatrix, matrixLayout, openCkks, type ParamsLiteral } from '@glovebox/he'
import { createGaloisKeys, createSecretKey, decrypt, encryptSymmetric } from '@glovebox/he/secret'
import { measure, type Peer, type Row } from './rows.ts'
import { openSealMatvec } from './seal.ts'

const size = 1024

/** A reproducible number in [-1, 1): xorshift32. */
function noise(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state / 2 ** 31
  }
}

/**
 * A dense 1024 × 1024 matrix with encoded weights times an encrypted vector, rescaled, in the smallest ring that keeps 20 bits: N = 4096 with
 * log2 QP = 105 of the 106 that are secure. Entries up to 1 in the vector and 1/32 in the matrix, so that results are about as large.
 */
const bits = { base: 35, scale: 33, special: 37 }
const literal: ParamsLiteral = {
  scheme: 'ckks',
  ringDegree: 4096,
  modulusBits: [bits.base, bits.scale],
  specialBits: [bits.special],
}

const draw = noise(1)
const rows = Array.from({ length: size }, () => Float64Array.from({ length: size }, () => draw() / 32))
const vector = Float64Array.from({ length: size }, draw)

function worstError(result: ArrayLike<number>): number {
  return rows.reduce((most, row, r) => {
    const exact = row.reduce((sum, w, c) => sum + w * vector[c]!, 0)
    return Math.max(most, Math.abs(exact - result[r]!))
  }, 0)
}

/** One product in a context with as many threads, checked against plain arithmetic. */
async function openProduct(threads: number): Promise<() => void> {
  const ckks = openCkks(literal, { threads })
  await ckks.threadsStarted()
  const level = ckks.params.maxLevel
  const matrix = encodeMatrix(ckks, rows, { level, scale: ckks.params.primes[level]!, staggered: true })
  const secret = createSecretKey(ckks)
  const galois = createGaloisKeys(
    ckks,
    secret,
    matrix.rotations.map((steps) => ({ steps, level })),
  )
  const keys = { relinearisation: undefined, galois }
  const [slots] = matrix.layout.arrange(vector)
  const input = encryptSymmetric(ckks, secret, ckks.encode(slots!, { scale: 2 ** bits.scale }))
  const run = () => {
    const [wide] = applyMatrix(ckks, [input], matrix, keys)
    using used = wide!
    return ckks.rescale(used)
  }
  const worst = worstError(matrix.layout.collect([ckks.decode(decrypt(ckks, secret, run()))]))
  const { babies, giants } = matrix.plan
  console.log(
    `matvec-${size} on ${ckks.threads} of ${threads} threads: N = 4096, log2 QP = ${ckks.params.logQP.toFixed(0)}, primes ${ckks.params.primes.join(' ')} special ${ckks.params.special.join(' ')}, ` +
      `${matrix.layout.diagonals} diagonals in ${babies.length} x ${giants.length} steps, worst error 2^${Math.log2(worst).toFixed(1)}`,
  )
  if (worst > 2 ** -20) throw new Error(`the worst error is 2^${Math.log2(worst).toFixed(1)}, 20 bits were promised`)
  return () => run()[Symbol.dispose]()
}

/** The same product with SEAL: in the same layout, with as many baby as giant steps as without hoisting is best, checked as well. */
async function openPeer(): Promise<Peer> {
  const slots = 2048
  const layout = matrixLayout(size, size, slots, true)
  const babies = Array.from({ length: 32 }, (_, b) => b)
  const giants = Array.from({ length: layout.diagonals / 32 }, (_, g) => 32 * g)
  const diagonal = (giant: number, baby: number): Float64Array => {
    const values = new Float64Array(slots)
    for (let s = 0; s < slots; s++)
      values[(s + giant) % slots] = rows[s % size]![layout.column((s + giant + baby) % slots)]!
    return values
  }
  const plan = { babies, giants, folds: layout.folds }
  const sizes = [bits.base, bits.scale, bits.special]
  const seal = await openSealMatvec(4096, sizes, 2 ** bits.scale, plan, diagonal, layout.arrange(vector)[0]!)
  seal.run()
  const worst = worstError(layout.collect([seal.result()]))
  if (worst > 2 ** -15) throw new Error(`SEAL's worst error is 2^${Math.log2(worst).toFixed(1)}`)
  return seal
}

/** The product on one thread, beside SEAL; and on two, whose ratio is to one thread in the same run. */
export async function benchMatvec(set: string): Promise<Row[]> {
  const op = `matvec-${size}`
  const [one, two] = [await openProduct(1), await openProduct(2)]
  return [
    measure(op, set, one, await openPeer()),
    { ...measure(op, set, two, { name: '1 thread', run: one }), threads: 2 },
  ]
}
