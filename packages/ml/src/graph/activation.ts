/** A function of one number that is no polynomial (or is one by accident), by its ONNX name. */
export type Activation =
  | { readonly kind: 'Relu' | 'Sigmoid' | 'Tanh' | 'Softplus' | 'Softsign' | 'Erf' | 'Exp' | 'Abs' }
  /** 0.5 x (1 + erf(x / √2)), or its approximation by tanh. */
  | { readonly kind: 'Gelu'; readonly approximate: 'none' | 'tanh' }
  /** x above 0, alpha · x below. */
  | { readonly kind: 'LeakyRelu'; readonly alpha: number }
  /** x above 0, alpha · (e^x - 1) below. */
  | { readonly kind: 'Elu'; readonly alpha: number }
  /** max(0, min(1, alpha · x + beta)). */
  | { readonly kind: 'HardSigmoid'; readonly alpha: number; readonly beta: number }
  | { readonly kind: 'Clip'; readonly low: number; readonly high: number }

/** All there are. */
export const activationKinds: readonly Activation['kind'][] = [
  'Relu',
  'Sigmoid',
  'Tanh',
  'Softplus',
  'Softsign',
  'Erf',
  'Exp',
  'Abs',
  'Gelu',
  'LeakyRelu',
  'Elu',
  'HardSigmoid',
  'Clip',
]

/** What an activation computes, to the precision of doubles (Erf: 1e-12 or better). */
export function functionOf(activation: Activation): (x: number) => number {
  switch (activation.kind) {
    case 'Relu':
      return (x) => Math.max(0, x)
    case 'Sigmoid':
      return (x) => 1 / (1 + Math.exp(-x))
    case 'Tanh':
      return Math.tanh
    case 'Softplus':
      return (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
    case 'Softsign':
      return (x) => x / (1 + Math.abs(x))
    case 'Erf':
      return erf
    case 'Exp':
      return Math.exp
    case 'Abs':
      return Math.abs
    case 'Gelu':
      return activation.approximate === 'none'
        ? (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2))
        : (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    case 'LeakyRelu':
      return (x) => (x < 0 ? activation.alpha * x : x)
    case 'Elu':
      return (x) => (x < 0 ? activation.alpha * Math.expm1(x) : x)
    case 'HardSigmoid':
      return (x) => Math.max(0, Math.min(1, activation.alpha * x + activation.beta))
    case 'Clip':
      return (x) => Math.max(activation.low, Math.min(activation.high, x))
  }
}

/**
 * The error function: its Maclaurin series within |x| < 3, where terms do not cancel in the form with e^(-x²) (Abramowitz and Stegun 7.1.6),
 * and the continued fraction of erfc beyond (7.1.14).
 */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (a > 6) return Math.sign(x)
  if (a < 3) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1)
      sum += term
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
  }
  let fraction = a
  for (let n = 60; n >= 1; n--) fraction = a + n / 2 / fraction
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction))
}
