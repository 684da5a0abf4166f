import { requireObject } from '../base/require.ts'
import { minimaxSign } from './minimax.ts'
import type { Polynomial } from './polynomial.ts'
import { planPolynomial } from './polynomial-plan.ts'

/** What a sign function is wanted for. */
export interface SignOptions {
  /** α in bits, from 1 to 20: values of range * 2^-α and more are told from 0, with an error of at most 2^-α. */
  readonly alpha: number
  /** All values lie in [-range, range]: positive and finite; default 1. Other ranges than 1 and fractions 1/k take one level more. */
  readonly range?: number
  /** Levels that may be spent, at least those that α needs; default: as few as possible. With more levels to spend there are fewer products. */
  readonly depth?: number
}

/** Odd polynomials whose composition is near the sign function. */
export interface SignComposition {
  /** α in bits, 1 to 20: values of range * 2^-α and more are told from 0. */
  readonly alpha: number
  /** All values lie in [-range, range]; positive. */
  readonly range: number
  /** To be applied one after the other, each in the Chebyshev basis. All but the last give values in [-1, 1]. */
  readonly stages: readonly Polynomial[]
  /** Of the stages: odd, 3 to 31. */
  readonly degrees: readonly number[]
  /** Levels that `sign` takes, 2 or more. */
  readonly depth: number
  /** Products of two ciphertexts that `sign` takes, 1 or more. */
  readonly multiplications: number
  /** The largest |p(x) - sign(x)| for |x| from range * 2^-α to range, without noise: at most 2^-α. */
  readonly error: number
}

/** The widest polynomial of each depth. */
const degrees = [3, 7, 15, 31] as const

/** What noise may add to the error of a stage before the next stage no longer covers it. */
const margin = 2 ** -20

interface State {
  /** Values are in [-1, -low] and [low, 1] now. */
  readonly low: number
  readonly degrees: readonly number[]
  readonly multiplications: number
}

function depthOf(degree: number): number {
  return Math.ceil(Math.log2(degree + 1))
}

function multiplicationsOf(coefficients: Float64Array): number {
  return planPolynomial(
    'chebyshev',
    Array.from(coefficients, (c) => [c]),
  ).multiplications
}

/** One more stage, scaled so that its values lie in [-1, 1]. */
function stage(low: number, degree: number): { low: number; error: number; coefficients: Float64Array } {
  const { coefficients, error } = minimaxSign(degree, low)
  const most = 1 + error + margin
  return { low: (1 - error - margin) / most, error, coefficients: coefficients.map((c) => c / most) }
}

/**
 * Chooses the degrees of minimax polynomials p_k ∘ … ∘ p_1, each made for what the one before leaves, so that the composition takes the fewest levels and,
 * among those, the fewest products. Lee, Lee, No, Kim 2021 (eprint 2020/834), sections 3 and 4, after Cheon, Kim, Kim 2020 (eprint 2019/1234). Depths: 6
 * for α = 4, 12 for α = 8, 17 for α = 12. Takes up to half a second: keep the result.
 * @throws RangeError for options out of range and for a depth that is not enough; TypeError for what is no object.
 */
export function composeSign(options: SignOptions): SignComposition {
  requireObject('options', '{ alpha, range?, depth? }', options)
  const { alpha, range = 1, depth: budget } = options
  if (!(alpha >= 1 && alpha <= 20)) throw new RangeError(`"alpha" expected 1 to 20 bits, got ${String(alpha)}`)
  if (!(range > 0 && range < Infinity))
    throw new RangeError(`"range" expected a positive finite number, got ${String(range)}`)
  const mapping = Number.isInteger(1 / range) ? 0 : 1
  const found = search(alpha, budget === undefined ? undefined : budget - mapping)
  if (found === undefined) {
    const least = depthSum(search(alpha, undefined)!.degrees) + mapping
    throw new RangeError(`"depth" expected at least ${least} levels for alpha = ${alpha}, got ${String(budget)}`)
  }
  const chosen = trim(alpha, found.degrees)
  const stages: Polynomial[] = []
  let low = 2 ** -alpha
  let error = 1
  let multiplications = 0
  chosen.forEach((degree, i) => {
    const last = i === chosen.length - 1
    const next = stage(low, degree)
    // The last stage is centred on ±1; the others leave nothing outside [-1, 1].
    const scale = last ? 1 + next.error + margin : 1
    stages.push({
      basis: 'chebyshev',
      coefficients: Array.from(next.coefficients, (c) => c * scale),
      interval: i === 0 ? [-range, range] : [-1, 1],
    })
    multiplications += multiplicationsOf(next.coefficients)
    low = next.low
    error = next.error
  })
  return { alpha, range, stages, degrees: chosen, depth: depthSum(chosen) + mapping, multiplications, error }
}

function depthSum(chosen: readonly number[]): number {
  return chosen.reduce((sum, degree) => sum + depthOf(degree), 0)
}

/** By depth: what can be reached with it, of which nothing is worse in both the interval and the products than another. */
function search(alpha: number, budget: number | undefined): State | undefined {
  const wanted = 2 ** -alpha
  const reached: State[][] = [[{ low: wanted, degrees: [], multiplications: 0 }]]
  let best: State | undefined
  let bestDepth = budget ?? Infinity
  // A budget may be far more than any composition takes.
  for (let depth = 0; depth < bestDepth && depth < reached.length; depth++) {
    for (const state of reached[depth] ?? []) {
      for (const degree of degrees) {
        const there = depth + depthOf(degree)
        if (there > bestDepth) break
        const { low, error, coefficients } = stage(state.low, degree)
        const next = {
          low,
          degrees: [...state.degrees, degree],
          multiplications: state.multiplications + multiplicationsOf(coefficients),
        }
        if (error <= wanted) {
          const better = best === undefined || next.multiplications < best.multiplications
          if (budget === undefined && there < bestDepth) [best, bestDepth] = [next, there]
          else if (better) best = next
          break
        }
        const rivals = reached[there] ?? []
        if (rivals.some((r) => r.low >= next.low && r.multiplications <= next.multiplications)) continue
        reached[there] = [...rivals.filter((r) => r.low > next.low || r.multiplications < next.multiplications), next]
      }
    }
  }
  return best
}

/** Takes the degrees down, last stage first, as long as the error stays where it should. */
function trim(alpha: number, chosen: readonly number[]): readonly number[] {
  let current = [...chosen]
  for (let i = current.length - 1; i >= 0; i--) {
    while (current[i]! > 3) {
      const smaller = current.with(i, current[i]! - 2)
      if (composedError(alpha, smaller) > 2 ** -alpha) break
      current = smaller
    }
  }
  return current
}

function composedError(alpha: number, chosen: readonly number[]): number {
  let low = 2 ** -alpha
  let error = 1
  for (const degree of chosen) ({ low, error } = stage(low, degree))
  return error
}
