import { errorVariance, secretVariance } from './distributions.ts'

/** What the noise of a BFV circuit depends on; sizes in bits. */
export interface BfvNoiseOptions {
  readonly ringDegree: number
  /** t. */
  readonly plaintextModulus: number
  /** log2 of Q. */
  readonly logQ: number
  /** log2 of the standard deviation of key switching in a coefficient. */
  readonly keySwitchBits: number
}

/**
 * The noise budgets in bits, -log2(2 |v|), of a fresh public-key encryption and after 1 … depth products of two values of the same depth, each
 * relinearised at the top level; not below 0. Decryption is right while |v| < 1/2.
 *
 * Costache, Laine, Player 2020 (eprint 2019/493), section 4: the invariant noise v in the canonical norm, which is no less than the largest
 * coefficient. With K = sqrt(3n + 2n²), 6 standard deviations of r_0 + r_1 s for uniform |r| ≤ 1/2,
 *
 *     |v'| ≤ t K (|v_1| + |v_2|) + 3 |v_1| |v_2| + t/Q (sqrt(3n + 2n² + 4n³/3) + key switching).
 *
 * Values and key-switching errors that are products of two polynomials are taken at 16 standard deviations (Gentry, Halevi, Smart 2012,
 * eprint 2012/099, appendix A.5).
 */
export function bfvBudgets(
  { ringDegree: n, plaintextModulus: t, logQ, keySwitchBits }: BfvNoiseOptions,
  depth: number,
): number[] {
  // All in log2: t/Q is below the smallest double for a Q of 1,100 bits.
  const unit = Math.log2(t) - logQ
  const fresh =
    16 * Math.sqrt(2 * n * errorVariance * n * secretVariance) +
    6 * Math.sqrt(n * errorVariance) +
    6 * Math.sqrt(n / 12)
  const wide = Math.log2(t * Math.sqrt(3 * n + 2 * n * n))
  const switched = 4 + Math.log2(n) / 2 + keySwitchBits
  const added = unit + sumOfPowers(Math.log2(Math.sqrt(3 * n + 2 * n * n + (4 * n ** 3) / 3)), switched)
  const budgets: number[] = []
  for (let v = unit + Math.log2(fresh); budgets.length <= depth; ) {
    budgets.push(Math.max(0, -1 - v))
    v = sumOfPowers(1 + wide + v, Math.log2(3) + 2 * v, added)
  }
  return budgets
}

/** log2 of the sum of 2^x. */
function sumOfPowers(...exponents: number[]): number {
  const most = Math.max(...exponents)
  return most + Math.log2(exponents.reduce((sum, x) => sum + 2 ** (x - most), 0))
}
