/**
 * What a key switch costs, in units of one transform of N points. Operations are counted as in Han and Ki 2020 (eprint 2019/688),
 * section 3, and weighed by what the kernels take: a model of one thread, whose ratios matter and not its absolute times.
 */
export interface KeySwitchingWeights {
  /** One multiply-accumulate of the residues of a digit with those of a key that comes from memory. */
  readonly product: number
  /** One term of a conversion between bases of several primes. */
  readonly conversion: number
}

/**
 * Fitted by `npm run bench -- keyswitch` (least squares over all alternatives at sets B and C, whole rotations and hoisted ones), at N = 2^14; a
 * transform grows with log2 N and the others do not. Sums, scalings, permutations and the reduction of digits of one prime take part in passes
 * over memory that are counted already, and fit a weight of 0.
 */
export const keySwitchingWeights: KeySwitchingWeights = { product: 0.36, conversion: 0.08 }
const fittedLogN = 14

/** How many operations on N residues each. */
export interface KeySwitchingCounts {
  /** Forward and inverse transforms of N points, 0 or more. */
  readonly transforms: number
  /** Multiply-accumulates of digits with keys, 0 or more. */
  readonly products: number
  /** Terms of conversions between bases of several primes, 0 or more: none where digits and P are one prime each. */
  readonly conversions: number
}

/**
 * Counts one key switch at a level, 0 or more, with L = level+1 primes, k ≥ 1 special ones and d digits of α ≥ 1 primes (none of them is checked);
 * `decomposed` leaves out what a hoisted ciphertext has done already. Han and Ki 2020 (eprint 2019/688), section 3.
 *
 * - decomposition: L inverse transforms; each digit is converted to the primes that it lacks and transformed there, d·(L+k) − L in all.
 * - inner product: two of d digits over L+k primes.
 * - mod-down of both results: k inverse transforms, k·L conversions, L transforms.
 */
export function countKeySwitch(
  level: number,
  specials: number,
  digitSize: number,
  decomposed = false,
): KeySwitchingCounts {
  const primes = level + 1
  const extended = primes + specials
  const digits = Math.ceil(primes / digitSize)
  let transforms = 2 * extended
  let conversions = 0
  const convert = (from: number, to: number): void => {
    // Residues of one prime are integers already; several are combined, with a correction term.
    if (from > 1) conversions += (from + 1) * to
  }
  convert(specials, primes)
  convert(specials, primes)
  if (!decomposed) {
    transforms += digits * extended
    for (let first = 0; first < primes; first += digitSize) {
      const inside = Math.min(digitSize, primes - first)
      convert(inside, extended - inside)
    }
  }
  return { transforms, products: 2 * digits * extended, conversions }
}

/** Time of the operations in units of one transform at the ring degree. */
export function weighKeySwitch(
  counts: KeySwitchingCounts,
  ringDegree: number,
  weights: KeySwitchingWeights = keySwitchingWeights,
): number {
  const linear = weights.product * counts.products + weights.conversion * counts.conversions
  return counts.transforms + (linear * fittedLogN) / Math.log2(ringDegree)
}
