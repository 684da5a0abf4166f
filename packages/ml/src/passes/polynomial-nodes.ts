import { type Chebyshev, splitParity } from '../approximation/chebyshev.ts'
import type { Node } from '../graph/graph.ts'
import { affine } from '../tensor/affine.ts'
import { pickMatrix } from '../tensor/sparse.ts'

/**
 * What the nodes of a polynomial should be few in. `levels`: products of nothing but affine forms and products, ⌈log2 degree⌉ deep, so that `lower` leaves no
 * affine map between them. `products`: sums are factors too, which a map goes in front of.
 */
export type Shape = 'levels' | 'products'

export interface PolynomialStyle {
  readonly shape: Shape
  /**
   * Whether a multiple of the input may be a term of its own: then the layers before and behind become one more map, beside the products. Otherwise it is made
   * of squares, (t + 1)² - t² - 1 = 2t, since in a deep model such maps would pile up.
   */
  readonly skip: boolean
}

/** A polynomial of t = slope · x + shift, for the values of a node; it pushes nodes and gives their indices. */
interface Workshop {
  /** scale · t + offset */
  form(scale: number, offset: number): number
  product(a: number, b: number): number
  /** The sum of multiples of nodes, plus a constant. */
  sum(terms: readonly Term[], constant: number): number
}

interface Term {
  readonly factor: number
  readonly node: number
}

/** Beyond it, coefficients of powers of t² are too large beside those of T_k: 2^(degree - 1) times. */
const largestPlainDegree = 8
/** Shifts and double roots further from [-1, 1] than this would make small sums of large numbers. */
const far = 2

/**
 * Pushes the nodes that apply a polynomial to every element of node `input`, and returns the index of the last one. Scalings into and out of the polynomial
 * are affine nodes at its ends, where `lower` merges them with the layers around. Forms of one polynomial differ by a constant alone where that is possible.
 */
export function pushPolynomial(
  nodes: Node[],
  input: number,
  name: string,
  { coefficients, low, high }: Chebyshev,
  { shape, skip }: PolynomialStyle,
): number {
  const { size } = nodes[input]!
  const push = (op: Node['op'], inputs: number[], rest: Partial<Node> = {}): number =>
    nodes.push({ op, inputs, size, name, ...rest }) - 1
  const picks = Int32Array.from({ length: size }, (_, i) => i)
  const scaled = (from: number, scale: number, offset: number): number =>
    scale === 1 && offset === 0
      ? from
      : push('affine', [from], {
          map: affine(
            pickMatrix(picks, size, () => scale),
            new Float64Array(size).fill(offset),
          ),
        })
  const slope = 2 / (high - low)
  const shift = (low + high) / (low - high)
  const known = new Map<string, number>()
  const shop: Workshop = {
    form: (scale, offset) => {
      const key = `${scale} ${offset}`
      const node = known.get(key) ?? scaled(input, scale * slope, scale * shift + offset)
      known.set(key, node)
      return node
    },
    product: (a, b) => push('multiply', [a, b]),
    sum: (terms, constant) =>
      terms
        .map(({ factor, node }, i) => scaled(node, factor, i === 0 ? constant : 0))
        .reduce((a, b) => push('add', [a, b])),
  }
  const degree = coefficients.length - 1
  if (degree <= 1) return shop.form(coefficients[1] ?? 0, coefficients[0]!)
  const basis = degree <= largestPlainDegree ? 'square' : 'T2'
  const { even, odd } = splitParity(coefficients, basis)
  if (degree === 2) return quadratic(shop, even, odd)
  const special =
    degree === 3 ? doubleRoot(shop, even, odd) : degree === 4 ? biquadratic(shop, even, odd, skip) : undefined
  if (special !== undefined) return special
  // 2t² - 1 as a product of two forms, since a constant behind a square would be a map.
  const w = (): number =>
    basis === 'square'
      ? shop.product(shop.form(1, 0), shop.form(1, 0))
      : shop.product(shop.form(Math.SQRT2, -1), shop.form(Math.SQRT2, 1))
  if (shape === 'products') return estrin(shop, w(), even, odd)
  return sumOfProducts(shop, w(), even, odd, (square) =>
    linear(shop, odd[0]!, { at: 0, square, slope: basis === 'square' ? 1 : 1 / 2, skip }),
  )
}

/** a (t + b)² + c, with the root of |a| in the form, so that what is left to multiply by is 1 or -1. */
function quadratic(shop: Workshop, even: Float64Array, odd: Float64Array): number {
  const a = even[1]!
  const root = Math.sqrt(Math.abs(a))
  const b = odd[0]! / (2 * a)
  // Nearly a line: t (a t + m1) has no large square to take away again.
  if (!(Math.abs(b) <= 2 * far))
    return shop.sum([{ factor: 1, node: shop.product(shop.form(1, 0), shop.form(a, odd[0]!)) }], even[0]!)
  const z = shop.form(root, root * b)
  return shop.sum([{ factor: Math.sign(a), node: shop.product(z, z) }], even[0]! - a * b * b)
}

/** A cubic with a turning point d is (t - d)² (a t + e) + p(d): two products and nothing else to add. */
function doubleRoot(shop: Workshop, even: Float64Array, odd: Float64Array): number | undefined {
  const [m0, m1, m2, m3] = [even[0]!, odd[0]!, even[1]!, odd[1]!]
  const discriminant = m2 * m2 - 3 * m3 * m1
  if (discriminant < 0) return undefined
  // The root of p' with the smaller absolute value, without cancellation.
  const d = -m1 / (m2 + (m2 < 0 ? -1 : 1) * Math.sqrt(discriminant))
  if (!(Math.abs(d) <= far)) return undefined
  const e = m2 + 2 * m3 * d
  const near = Math.abs(e) <= 4 * far * Math.abs(m3)
  const k = near ? Math.cbrt(m3) : 1
  const z = shop.form(k, -k * d)
  const cubic = shop.product(shop.product(z, z), shop.form(near ? k : m3, e / k ** 2))
  return shop.sum([{ factor: 1, node: cubic }], m0 + d * (m1 + d * (m2 + d * m3)))
}

/** A quartic without z³, z = t + s: powers of z² and one linear term. */
function biquadratic(shop: Workshop, even: Float64Array, odd: Float64Array, skip: boolean): number | undefined {
  const [m0, m1, m2, m3, m4] = [even[0]!, odd[0]!, even[1]!, odd[1]!, even[2]!]
  const s = m3 / (4 * m4)
  if (!(Math.abs(s) <= far / 2)) return undefined
  // The Taylor expansion at t = -s.
  const n2 = m2 - 6 * m4 * s * s
  const n1 = m1 - 2 * m2 * s + 8 * m4 * s ** 3
  const n0 = m0 - m1 * s + m2 * s * s - 3 * m4 * s ** 4
  const folded = skip || n1 === 0 ? undefined : foldedQuartic(shop, [m0, m1, m2, m3, m4])
  if (folded !== undefined) return folded
  const z = shop.form(1, s)
  const w = shop.product(z, z)
  const ends = linear(shop, n1, { at: s, square: w, slope: 1, skip })
  return shop.sum(
    merged([{ factor: m4, node: shop.product(w, w) }, { factor: n2, node: w }, ...ends.terms]),
    n0 + ends.constant,
  )
}

/**
 * A quartic with a turning point d whose value it takes twice more is (t - d)² a (t - r1) (t - r2) + p(d): one node for the next layer to read, where the
 * powers of z would be three.
 */
function foldedQuartic(
  shop: Workshop,
  [m0, m1, m2, m3, m4]: readonly [number, number, number, number, number],
): number | undefined {
  const slope = (t: number): number => m1 + t * (2 * m2 + t * (3 * m3 + 4 * m4 * t))
  for (const d of rootsWithin(slope, far)) {
    // The quotient by (t - d)² is m4 t² + b t + c.
    const b = m3 + 2 * m4 * d
    const c = m2 + 2 * d * b - m4 * d * d
    const discriminant = b * b - 4 * m4 * c
    if (discriminant < 0) continue
    const q = -(b + (b < 0 ? -1 : 1) * Math.sqrt(discriminant)) / 2
    const [r1, r2] = [q / m4, c / q]
    if (!(Math.max(Math.abs(r1), Math.abs(r2)) <= 2 * far)) continue
    const k = Math.abs(m4) ** (1 / 4)
    const z = shop.form(k, -k * d)
    const rest = shop.product(shop.form(k, -k * r1), shop.form(k, -k * r2))
    const value = m0 + d * (m1 + d * (m2 + d * (m3 + d * m4)))
    return shop.sum([{ factor: Math.sign(m4), node: shop.product(shop.product(z, z), rest) }], value)
  }
  return undefined
}

/** Where a function changes its sign in [-reach, reach], the nearest to 0 first. */
function rootsWithin(f: (t: number) => number, reach: number): number[] {
  const steps = 64
  const roots: number[] = []
  for (let i = 0; i < steps; i++) {
    let low = reach * ((2 * i) / steps - 1)
    let high = reach * ((2 * i + 2) / steps - 1)
    if (f(low) === 0) roots.push(low)
    if (!(f(low) * f(high) < 0)) continue
    for (let round = 0; round < 60; round++) {
      const middle = (low + high) / 2
      if (f(low) * f(middle) <= 0) high = middle
      else low = middle
    }
    roots.push((low + high) / 2)
  }
  return roots.sort((a, b) => Math.abs(a) - Math.abs(b))
}

/** factor · z for z = t + at, beside w with z² = slope · w + (1 - slope). */
function linear(
  shop: Workshop,
  factor: number,
  {
    at,
    square,
    slope,
    skip,
  }: { readonly at: number; readonly square: number; readonly slope: number; readonly skip: boolean },
): Sum {
  if (factor === 0) return { terms: [], constant: 0 }
  if (skip) return { terms: [{ factor, node: shop.form(1, at) }], constant: 0 }
  const next = shop.form(1, at + 1)
  const terms = [
    { factor: factor / 2, node: shop.product(next, next) },
    { factor: (-factor * slope) / 2, node: square },
  ]
  return { terms, constant: (factor * (slope - 2)) / 2 }
}

/** One term for each node, without those of factor 0. */
function merged(terms: readonly Term[]): Term[] {
  const factors = new Map<number, number>()
  for (const { factor, node } of terms) factors.set(node, (factors.get(node) ?? 0) + factor)
  return [...factors].map(([node, factor]) => ({ factor, node })).filter(({ factor }) => factor !== 0)
}

/**
 * The sum over k of (even[k] + odd[k] t) w^k as a sum of products of affine forms. Where both parts are there, the form is a factor; where only odd ones are,
 * products with t are shared by all k.
 */
function sumOfProducts(
  shop: Workshop,
  w: number,
  even: Float64Array,
  odd: Float64Array,
  linearBeside: (square: number) => Sum,
): number {
  const powers = new Map([[1, w]])
  const power = (k: number): number =>
    remember(powers, k, () => {
      const a = largestPower(k - 1)
      return shop.product(power(a), power(k - a))
    })
  /** form · w^k, at depth ⌈log2 (2k + 1)⌉. */
  const raised = (from: number, k: number): number => {
    if (k === 0) return from
    const a = largestPower(k)
    return shop.product(raised(from, k - a), power(a))
  }
  const odds = new Map<number, number>()
  const oddPower = (k: number): number =>
    remember(odds, k, () => {
      if (k === 0) return shop.form(1, 0)
      // t w^(k/2) lies one below w^k where k is a power of two.
      const a = largestPower(k)
      const half = a === k && k > 1 ? k / 2 : a
      return shop.product(oddPower(k - half), power(half))
    })
  const terms: Term[] = []
  for (let k = even.length - 1; k > 0; k--) {
    if (even[k] !== 0 && odd[k] !== 0) terms.push({ factor: 1, node: raised(shop.form(odd[k]!, even[k]!), k) })
    else if (even[k] !== 0) terms.push({ factor: even[k]!, node: power(k) })
    else if (odd[k] !== 0) terms.push({ factor: odd[k]!, node: oddPower(k) })
  }
  const ends = linearBeside(w)
  return shop.sum(merged([...terms, ...ends.terms]), even[0]! + ends.constant)
}

/** The same by halves, p = low + w^(2^j) · high (Estrin 1960): few products, with sums between them. */
function estrin(shop: Workshop, w: number, even: Float64Array, odd: Float64Array): number {
  let parts = Array.from(even, (constant, k): Sum => {
    const terms = odd[k] === 0 ? [] : [{ factor: odd[k]!, node: shop.form(1, 0) }]
    return { terms, constant }
  })
  for (let square = w; ; square = shop.product(square, square)) {
    const next: Sum[] = []
    for (let k = 0; k < parts.length; k += 2) {
      const [lower, upper] = [parts[k]!, parts[k + 1]]
      next.push(upper ? { ...lower, terms: [...termsOf(shop, upper, square), ...lower.terms] } : lower)
    }
    parts = next
    if (parts.length === 1) return shop.sum(parts[0]!.terms, parts[0]!.constant)
  }
}

interface Sum {
  readonly terms: readonly Term[]
  readonly constant: number
}

/** A sum times a node. */
function termsOf(shop: Workshop, { terms, constant }: Sum, node: number): Term[] {
  if (terms.length > 0) return [{ factor: 1, node: shop.product(shop.sum(terms, constant), node) }]
  return constant === 0 ? [] : [{ factor: constant, node }]
}

function remember(known: Map<number, number>, k: number, make: () => number): number {
  const node = known.get(k) ?? make()
  known.set(k, node)
  return node
}

/** The largest power of two that is at most k. */
function largestPower(k: number): number {
  return 2 ** Math.floor(Math.log2(k))
}
