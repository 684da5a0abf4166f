import type { Sensitivity } from '../analysis/sensitivity.ts'
import type { Circuit } from '../layout/circuit.ts'
import type { Finding } from './search.ts'

/** Values or weights beyond 2^±this are named as what scales do not fit. */
const extremeBits = 16

const power = (value: number): string => (value < Infinity ? `2^${Math.log2(value).toFixed(0)}` : 'infinity')

/** Why nothing was found. */
export function shortfall(
  { nearest, levels, secure }: Finding,
  circuit: Circuit,
  reach: Sensitivity,
  wanted: number,
): string {
  if (nearest) {
    const worst = nearest.contributions.reduce((a, b) => (b.variance > a.variance ? b : a))
    const missing = Math.log2(nearest.relativeError / wanted).toFixed(1)
    return `the best relative error is 2^${Math.log2(nearest.relativeError).toFixed(1)}, most of it from "${worst.name}", which needs ${missing} bits more`
  }
  const tight = `its ${levels} levels do not fit under the security limit`
  if (!secure) return tight
  const found = [
    ...circuit.steps.map(({ name }, i) => ({ what: `the values of "${name}"`, largest: reach.magnitude[i + 1]! })),
    ...circuit.steps.map(({ name }, i) => ({ what: `the weights of "${name}"`, largest: reach.largestWeight[i]! })),
    { what: 'the values of the input', largest: reach.magnitude[0]! },
  ]
  const far = ({ largest }: { readonly largest: number }): number => (largest > 0 ? Math.abs(Math.log2(largest)) : 0)
  const worst = found.reduce((a, b) => (far(b) > far(a) ? b : a))
  if (far(worst) < extremeBits) return `${tight} with scales large enough to be precise`
  return `no scales fit: ${worst.what} are too ${worst.largest < 1 ? 'small' : 'large'}, up to ${power(worst.largest)}`
}
