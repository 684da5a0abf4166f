import { checkSecurity, createParams, type Params, type ParamsLiteral } from '@glovebox/he'
import type { LinearStep } from '../layout/circuit.ts'
import { targetsOf } from '../program/program.ts'
import { mostReplyBits } from './sizes.ts'
import { largestPrime } from './structure.ts'

/** Parameters of BFV that a circuit of integers is exact in, and the bits of its reply. */
export interface IntegerParams {
  readonly literal: ParamsLiteral
  readonly replyBits: number
  /** How many times over the noise would fit: 1 or more. */
  readonly margin: number
}

/** What the noise of an affine circuit depends on. */
export interface IntegerNoise {
  readonly ringDegree: number
  readonly plaintextModulus: number
  /** The largest Σ W² of all weights that the noise of a coefficient of a result comes through. */
  readonly squares: number
  /** The largest Σ |W| of the weights of an output. */
  readonly norm: number
  /** Encryptions that an input is the sum of. */
  readonly summands: number
}

/** Errors beyond so many deviations have a chance of 2^-64 for a coefficient: 2 exp(-x²/2), as all errors are subgaussian. */
const deviations = 9.6
/** Of a coefficient of a fresh error: a centred binomial of 42 coins. */
const fresh = 10.5

/**
 * The largest error of a coefficient of the decrypted result, in units of what it must stay below, q_0 / 2t; t, all weights and secrets as bad as they can be, and errors
 * independent. Fresh: e W, and half an integer for the embedding, which the weights multiply too. A division by q_1, and rounding: (1 + |s|_1) / 2. The mask: u e + e_0 + e_1 s. The
 * trimmed reply: rounding of both parts, twice, of a second part that the mask has made uniform.
 */
export function integerError(
  { ringDegree: n, plaintextModulus: t, squares, norm, summands }: IntegerNoise,
  primes: readonly number[],
  replyBits: number,
): number {
  const [base = 1, ...others] = primes
  const divisor = others.reduce((product, q) => product * q, 1)
  const uniform = (1 + n) / 12
  const variance =
    (summands * fresh * squares) / divisor ** 2 + fresh * (1 + 2 * n) + uniform * ((base / 2 ** replyBits) ** 2 + 1)
  const rest = (summands * norm) / 2 / divisor + (others.length > 0 ? (1 + n) / 2 : 0) + 1
  return (deviations * Math.sqrt(variance) + rest) / (base / (2 * t))
}

/** What a linear step multiplies noise by: in coefficients, by the weights of all outputs of a ciphertext. */
export function noiseOf(step: LinearStep | undefined): Pick<IntegerNoise, 'squares' | 'norm'> {
  if (!step || step.map.kind === 'rotations') return { squares: 1, norm: 1 }
  const { matrix } = step.map
  const perTile = step.map.kind === 'polynomials' ? step.map.perTile : 1
  const squares = new Float64Array(targetsOf(step.map))
  let norm = 0
  for (let row = 0; row < matrix.rows; row++) {
    const own = matrix.value.subarray(matrix.start[row]!, matrix.start[row + 1]!)
    squares[Math.floor(row / perTile)]! += own.reduce((sum, w) => sum + w * w, 0)
    norm = Math.max(
      norm,
      own.reduce((sum, w) => sum + Math.abs(w), 0),
    )
  }
  return { squares: squares.reduce((a, b) => Math.max(a, b), 0), norm }
}

/** Chains of one prime and of two with the fewest bits, those that there are. */
export function integerParams(noise: IntegerNoise): IntegerParams[] {
  const { limit } = checkSecurity('', noise.ringDegree, [2], '128-classical')
  return [chainsOfOne(noise, limit), chainsOfTwo(noise, limit)].flatMap((chains) => {
    for (const modulusBits of chains) {
      const found = settle(noise, modulusBits)
      if (found) return [found]
    }
    return []
  })
}

function* chainsOfOne(noise: IntegerNoise, limit: number): Generator<number[]> {
  for (let bits = leastBits(noise); bits <= Math.min(largestPrime, limit); bits++) if (fits(noise, [bits])) yield [bits]
}

/** By their bits in all. */
function* chainsOfTwo(noise: IntegerNoise, limit: number): Generator<number[]> {
  const least = leastBits(noise)
  for (let total = 2 * least; total <= Math.min(2 * largestPrime, limit); total++) {
    for (let base = Math.max(least, total - largestPrime); base <= Math.min(largestPrime, total - least); base++)
      if (fits(noise, [base, total - base])) yield [base, total - base]
  }
}

/** Primes of fewer bits are rare, or none. */
function leastBits({ ringDegree }: IntegerNoise): number {
  return Math.log2(ringDegree) + 5
}

/** By powers of two, which primes come close to. */
function fits(noise: IntegerNoise, modulusBits: readonly number[]): boolean {
  const primes = modulusBits.map((bits) => 2 ** bits)
  return integerError(noise, primes, mostReplyBits(modulusBits[0]!)) <= 1
}

/** The exact primes, and the fewest bits of a reply. */
function settle(noise: IntegerNoise, modulusBits: readonly number[]): IntegerParams | undefined {
  const { ringDegree, plaintextModulus } = noise
  const literal = { scheme: 'bfv', ringDegree, modulusBits, specialBits: [], digitSize: 1, plaintextModulus } as const
  let params: Params
  try {
    params = createParams(literal)
  } catch {
    // Two small primes of one size, and there is only one.
    return undefined
  }
  const { primes } = params
  for (let replyBits = 2; replyBits <= mostReplyBits(Math.log2(primes[0]!)); replyBits++) {
    const error = integerError(noise, primes, replyBits)
    if (error <= 1) return { literal: params.literal, replyBits, margin: 1 / error }
  }
  return undefined
}
