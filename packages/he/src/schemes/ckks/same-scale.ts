import { GloveboxError } from '../../base/errors.ts'

/** Equal within 2^-40: the error of taking them for equal stays below what a double's encoding rounds away. */
export function sameScale(a: number, b: number): boolean {
  return Math.abs(a / b - 1) <= 2 ** -40
}

/** Sums need equal scales. */
export function requireSameScale(a: number, b: number): void {
  if (sameScale(a, b)) return
  throw new GloveboxError(
    'scale-mismatch',
    `the scales are 2^${Math.log2(a).toFixed(6)} and 2^${Math.log2(b).toFixed(6)}; sums need equal ones: ` +
      'encode with the scale of the other operand, or bring one there with multiplyConstant and rescale',
  )
}
