/** One coefficient for each polynomial that is evaluated at once: usually one. */
type Coefficient = readonly number[]

/**
 * A sum of multiples of powers and of products with a giant power, relinearised and rescaled once:
 * sum over terms of c_i T_i + sum over products of T_power * quotient.
 */
export interface PolynomialNode {
  /** By index of the power; 0 is the constant. */
  readonly terms: ReadonlyMap<number, Coefficient>
  readonly products: readonly { readonly power: number; readonly quotient: PolynomialNode }[]
}

/** How a polynomial is evaluated: which powers, and the tree of quotients above them. */
export interface PolynomialPlan {
  readonly basis: 'monomial' | 'chebyshev'
  readonly degree: number
  /** ⌈log2(degree + 1)⌉ */
  readonly depth: number
  /** Powers to compute, ascending, without 1. Each is a product of two before it. */
  readonly powers: readonly number[]
  readonly root: PolynomialNode
  /** Products of two ciphertexts, those of the powers included. */
  readonly multiplications: number
}

/** i = a + b with a the largest power of two below i: T_i comes to depth ⌈log2 i⌉. */
export function powerParts(i: number): readonly [number, number] {
  const a = 2 ** (Math.ceil(Math.log2(i)) - 1)
  return [a, i - a]
}

/**
 * Paterson and Stockmeyer 1973 with giants that are powers of two, at the least depth there is: wherever a power would come too late for its node, the
 * node is split once more. Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021 (eprint 2020/1203), section 5. The number of babies is the one with the
 * fewest products. Powers that no coefficient needs are not computed: even polynomials cost some fewer products, odd and even ones half the sums.
 */
export function planPolynomial(basis: 'monomial' | 'chebyshev', coefficients: readonly Coefficient[]): PolynomialPlan {
  const degree = coefficients.length - 1
  const depth = Math.ceil(Math.log2(degree + 1))
  let best: PolynomialPlan | undefined
  for (let logBabies = 1; logBabies <= Math.max(1, depth); logBabies++) {
    const root = split(basis, coefficients, depth - 1, 2 ** logBabies)
    const powers = neededPowers(basis, root)
    const multiplications = powers.length + countProducts(root)
    if (best === undefined || multiplications < best.multiplications)
      best = { basis, degree, depth, powers, root, multiplications }
  }
  return best!
}

function isZero(c: Coefficient): boolean {
  return c.every((x) => x === 0)
}

function trimmed(coefficients: Coefficient[]): Coefficient[] {
  while (coefficients.length > 0 && isZero(coefficients.at(-1)!)) coefficients.pop()
  return coefficients
}

/** p = q T_K + r with K a power of two, K <= degree < 2K. */
function divide(
  basis: 'monomial' | 'chebyshev',
  p: readonly Coefficient[],
  K: number,
): { quotient: Coefficient[]; remainder: Coefficient[] } {
  const quotient = p.slice(K)
  const remainder = p.slice(0, K)
  if (basis === 'chebyshev') {
    // T_(K+j) = 2 T_K T_j - T_(K-j).
    for (let j = 1; j < quotient.length; j++) {
      const c = quotient[j]!
      quotient[j] = c.map((x) => 2 * x)
      remainder[K - j] = remainder[K - j]!.map((x, i) => x - c[i]!)
    }
  }
  return { quotient, remainder: trimmed(remainder) }
}

/** The node of p, whose value before rescaling lies `depth` levels below the input: powers that it uses must be there by then. */
function split(
  basis: 'monomial' | 'chebyshev',
  p: readonly Coefficient[],
  depth: number,
  babies: number,
): PolynomialNode {
  const terms = new Map<number, Coefficient>()
  const products: { power: number; quotient: PolynomialNode }[] = []
  let rest = [...p]
  while (rest.length > 0) {
    const degree = rest.length - 1
    const late = rest.some((c, i) => i > 1 && !isZero(c) && Math.ceil(Math.log2(i)) > depth)
    if (degree < babies && !late) {
      rest.forEach((c, i) => {
        if (!isZero(c)) terms.set(i, c)
      })
      break
    }
    const K = 2 ** Math.floor(Math.log2(degree))
    const { quotient, remainder } = divide(basis, rest, K)
    if (quotient.length === 1) terms.set(K, quotient[0]!)
    else products.push({ power: K, quotient: split(basis, quotient, depth - 1, babies) })
    rest = remainder
  }
  return { terms, products }
}

function countProducts({ products }: PolynomialNode): number {
  return products.reduce((sum, { quotient }) => sum + 1 + countProducts(quotient), 0)
}

function neededPowers(basis: 'monomial' | 'chebyshev', root: PolynomialNode): number[] {
  const needed = new Set<number>()
  const need = (i: number): void => {
    if (i <= 1 || needed.has(i)) return
    needed.add(i)
    const [a, b] = powerParts(i)
    for (const j of basis === 'chebyshev' ? [a, b, a - b] : [a, b]) need(j)
  }
  const visit = ({ terms, products }: PolynomialNode): void => {
    for (const i of terms.keys()) need(i)
    for (const { power, quotient } of products) {
      need(power)
      visit(quotient)
    }
  }
  visit(root)
  return [...needed].sort((a, b) => a - b)
}
