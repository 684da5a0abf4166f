import { GloveboxError } from '../base/errors.ts'
import { requireArray, requireArrayLike } from '../base/require.ts'
import { type Ciphertext, requireRing } from '../rlwe/ciphertext.ts'
import { relabelled } from '../schemes/ckks/scales.ts'
import { combine, type Term } from './combination.ts'
import { type Evaluator, requireEvaluator } from './evaluator.ts'
import { checkedCoefficients, intervalMap, type Polynomial, polynomialDepth } from './polynomial.ts'
import { type PolynomialNode, type PolynomialPlan, planPolynomial, powerParts } from './polynomial-plan.ts'
import { newScratch, type Scratch } from './scratch.ts'

/**
 * p(x) in every slot of a ciphertext in two parts, `polynomialDepth(p)` levels lower: ⌈log2(degree + 1)⌉, and one for an interval of the Chebyshev basis
 * whose map is not an integer times x and a shift. O(√degree) products: Paterson and Stockmeyer 1973; Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021
 * (eprint 2020/1203), section 5. Needs the relinearisation key from degree 2 on. All values should lie in the interval: outside it Chebyshev polynomials
 * grow fast. The scale is exact: every coefficient is taken at the scale that makes its sum land on the ladder.
 * @throws GloveboxError `level-exhausted` with the number of levels that are needed (one more off the ladder), `missing-key`, `unsupported` for three
 * parts, `parameters-mismatch` for a ciphertext of another context; RangeError for no coefficients or a constant, coefficients that are not finite or do not
 * fit the modulus, or an interval that is none; TypeError for another kind.
 */
export function evaluatePolynomial(evaluator: Evaluator, ct: Ciphertext, polynomial: Polynomial): Ciphertext {
  return evaluate(evaluator, ct, [polynomial], undefined)
}

/**
 * A polynomial for each group of slots: slot j holds `polynomials[groups[j]]` of x[j], and 0 where `groups[j]` is -1 or missing. One polynomial or more,
 * all in one basis and interval; up to N/2 groups. As deep as the one of the highest degree, and as many products; each coefficient costs a multiplication
 * by a plaintext.
 * @throws RangeError for no polynomial, two bases or intervals, too many groups, and an index that is none; otherwise as {@link evaluatePolynomial}:
 * GloveboxError `level-exhausted`, `missing-key`, `unsupported`, `parameters-mismatch`, TypeError, RangeError.
 */
export function evaluatePolynomials(
  evaluator: Evaluator,
  ct: Ciphertext,
  polynomials: readonly Polynomial[],
  groups: ArrayLike<number>,
): Ciphertext {
  requireEvaluator(evaluator)
  const { slots } = evaluator.ckks.params
  requireArray('polynomials', 'an array of polynomials', polynomials)
  requireArrayLike('groups', 'an array of indices', groups)
  if (polynomials.length === 0) throw new RangeError('"polynomials" expected at least one, got none')
  if (groups.length > slots) throw new RangeError(`"groups" expected at most ${slots} entries, got ${groups.length}`)
  Array.from(groups).forEach((g, j) => {
    if (!Number.isInteger(g) || g < -1 || g >= polynomials.length)
      throw new RangeError(`"groups[${j}]" expected an integer from -1 to ${polynomials.length - 1}, got ${String(g)}`)
  })
  polynomials.forEach(checkedCoefficients)
  const [first, ...others] = polynomials as [Polynomial, ...Polynomial[]]
  for (const other of others) {
    if (other.basis !== first.basis || intervalText(other) !== intervalText(first))
      throw new RangeError(
        `"polynomials" expected one basis and interval, got ${first.basis} ${intervalText(first)} and ${other.basis} ${intervalText(other)}`,
      )
  }
  return evaluate(evaluator, ct, polynomials, groups)
}

function intervalText({ interval = [-1, 1] }: Polynomial): string {
  return `[${interval.join(', ')}]`
}

function evaluate(
  evaluator: Evaluator,
  ct: Ciphertext,
  polynomials: readonly Polynomial[],
  groups: ArrayLike<number> | undefined,
): Ciphertext {
  requireEvaluator(evaluator)
  const { ladder, ring } = evaluator
  requireRing(ring, 'ct', ct, 'ciphertext')
  if (ct.parts !== 2)
    throw new GloveboxError('unsupported', `"ct" has ${ct.parts} parts: relinearise it before evaluating a polynomial`)
  const checked = polynomials.map(checkedCoefficients)
  const longest = checked.reduce((a, b) => (b.length > a.length ? b : a))
  if (longest.length < 2) throw new RangeError('"polynomial" expected a degree of at least 1, got a constant')
  const [{ basis }] = polynomials as [Polynomial]
  const depth = Math.max(...polynomials.map(polynomialDepth))
  const settled = ladder.holds(ct) ? 0 : 1
  if (ct.level < depth + settled) {
    throw new GloveboxError(
      'level-exhausted',
      `the polynomial of degree ${longest.length - 1} needs ${depth + settled} levels, and the ciphertext is at level ${ct.level}: ` +
        'evaluate it earlier, use more primes in "modulusBits", or a lower degree',
    )
  }
  const coefficients = longest.map((_, k) => checked.map((p) => p[k] ?? 0))
  const plan = planPolynomial(basis, coefficients)
  using scratch = newScratch()
  const x = settled === 0 ? ct : scratch.keep(evaluator.bring(ct, ct.level - 1))
  const t = mapped(evaluator, x, polynomials[0]!, scratch)
  const walk = new Walk(evaluator, plan, t, groups, scratch)
  return walk.result()
}

/** The interval taken to [-1, 1]. */
function mapped(evaluator: Evaluator, x: Ciphertext, polynomial: Polynomial, scratch: Scratch): Ciphertext {
  if (polynomial.basis === 'monomial') return x
  const { factor, offset } = intervalMap(polynomial)
  const turned = factor === 1 ? x : scratch.keep(evaluator.multiply(x, factor))
  return offset === 0 ? turned : scratch.keep(evaluator.add(turned, offset))
}

/** One evaluation: the powers, then the tree of its plan from the leaves up. */
class Walk {
  readonly #evaluator: Evaluator
  readonly #plan: PolynomialPlan
  readonly #powers: Map<number, Ciphertext>
  readonly #groups: ArrayLike<number> | undefined

  constructor(
    evaluator: Evaluator,
    plan: PolynomialPlan,
    x: Ciphertext,
    groups: ArrayLike<number> | undefined,
    scratch: Scratch,
  ) {
    this.#evaluator = evaluator
    this.#plan = plan
    this.#groups = groups
    this.#powers = new Map([[1, x]])
    for (const i of plan.powers) this.#powers.set(i, scratch.keep(this.#power(i)))
  }

  result(): Ciphertext {
    const { ladder } = this.#evaluator
    const level = this.#powers.get(1)!.level - this.#plan.depth
    return this.#rescaled(this.#plan.root, level, ladder.at(level))
  }

  /** x^(a+b) = x^a x^b; T_(a+b) = 2 T_a T_b - T_(a-b). At the scale that comes of it: what uses a power makes up for its scale. */
  #power(i: number): Ciphertext {
    const { ckks, keys, ring } = this.#evaluator
    const [a, b] = powerParts(i)
    using scratch = newScratch()
    let product = scratch.keep(ckks.multiply(this.#powers.get(a)!, this.#powers.get(b)!))
    if (this.#plan.basis === 'chebyshev') {
      product = scratch.keep(ckks.add(product, product))
      if (a === b) product = scratch.keep(ckks.addConstant(product, -1))
      else {
        const lower = { value: -1, ct: this.#powers.get(a - b)! }
        product = scratch.keep(ckks.add(product, scratch.keep(combine(ring, [lower], product.level, product.scale))))
      }
    }
    return ckks.rescale(scratch.keep(ckks.relinearise(product, keys)))
  }

  /** The value of a node at a level and exactly at a scale. */
  #rescaled(node: PolynomialNode, level: number, scale: number): Ciphertext {
    const { ckks, keys } = this.#evaluator
    using scratch = newScratch()
    const sum = scratch.keep(this.#sum(node, level + 1, scale * ckks.params.primes[level + 1]!))
    const linear = sum.parts === 2 ? sum : scratch.keep(ckks.relinearise(sum, keys))
    return relabelled(ckks.rescale(linear), scale)
  }

  /** The value of a node before it is relinearised and rescaled. */
  #sum({ terms, products }: PolynomialNode, level: number, scale: number): Ciphertext {
    const { ckks } = this.#evaluator
    using scratch = newScratch()
    let sum: Ciphertext | undefined
    const add = (term: Ciphertext): void => {
      sum = sum === undefined ? scratch.keep(term) : scratch.keep(ckks.add(sum, scratch.keep(term)))
    }
    const linear = [...terms].filter(([i]) => i > 0)
    if (linear.length > 0) add(this.#combination(linear, level, scale))
    for (const { power, quotient } of products) {
      const giant = this.#powers.get(power)!
      using left = this.#rescaled(quotient, level, scale / giant.scale)
      add(relabelled(ckks.multiply(left, giant), scale))
    }
    const constant = terms.get(0)
    if (constant === undefined) return scratch.release(sum!)
    if (this.#groups === undefined) return ckks.addConstant(sum!, constant[0]!)
    using plain = ckks.encode(this.#spread(constant), { level, scale })
    return ckks.addPlain(sum!, plain)
  }

  #combination(terms: readonly (readonly [number, readonly number[]])[], level: number, scale: number): Ciphertext {
    const { ckks, ring } = this.#evaluator
    const powerOf = (i: number): Ciphertext => this.#powers.get(i)!
    if (this.#groups === undefined)
      return combine(
        ring,
        terms.map(([i, [value]]): Term => ({ value: value!, ct: powerOf(i) })),
        level,
        scale,
      )
    using scratch = newScratch()
    let sum: Ciphertext | undefined
    for (const [i, weights] of terms) {
      const ct = powerOf(i)
      const plain = scratch.keep(ckks.encode(this.#spread(weights), { level, scale: scale / ct.scale }))
      const term = scratch.keep(relabelled(ckks.multiplyPlain(ct, plain), scale))
      sum = sum === undefined ? term : scratch.keep(ckks.add(sum, term))
    }
    return scratch.release(sum!)
  }

  /** Each slot's coefficient. */
  #spread(weights: readonly number[]): Float64Array {
    return Float64Array.from(this.#groups!, (g) => weights[g] ?? 0)
  }
}
