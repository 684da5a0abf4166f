import { type Field, invertAll, reduceBy } from './field.ts'
import { evaluateAll, multiplyInto, type Run } from './polynomial.ts'

// J. von zur Gathen and J. Gerhard, Modern Computer Algebra, 3rd edition: subproduct trees (algorithm 10.3), interpolation as a linear combination along
// the tree (algorithms 10.9 and 10.11). Schoolbook products: at some hundreds of points nothing else pays, and reductions are as few as leaves are large.

/** Points of a leaf. */
const leaf = 8

/** Polynomials through given points, again and again in the same memory. */
export interface ProductTree {
  /** Takes `count` elements of the array as the points; equal ones are allowed where only `matching` is wanted. */
  load(points: ArrayLike<number>, at: number, count: number): void
  /** Writes the monic polynomial whose roots are the points: count + 1 coefficients, constant first; 1 where there is none. */
  matching(out: Uint32Array, at: number): void
  /** Writes the polynomial of degree below count that has the value i at point i, which are distinct: count coefficients. */
  interpolate(values: ArrayLike<number>, valuesAt: number, out: Uint32Array, at: number): void
}

interface Level {
  /** Points of a node. */
  readonly width: number
  /** Node i at i * (width + 1): the monic polynomial of its points. */
  readonly products: Float64Array
  /** Node i at i * width: the sum of weights times products without their own point. */
  readonly sums: Float64Array
}

function createLevels(capacity: number): Level[] {
  const levels: Level[] = []
  for (let width = leaf; ; width *= 2) {
    const nodes = Math.max(1, Math.ceil(capacity / width))
    levels.push({
      width,
      products: new Float64Array(nodes * (width + 1)),
      sums: new Float64Array(nodes * width),
    })
    if (nodes === 1) return levels
  }
}

/** A tree for up to `capacity` points. */
export function createProductTree(field: Field, capacity: number): ProductTree {
  const { t, inverse } = field
  const all = createLevels(capacity)
  const points = new Float64Array(capacity)
  const weights = new Float64Array(capacity)
  const scratch = new Float64Array(capacity)
  const derivative = new Float64Array(capacity)
  let count = 0
  let levels: readonly Level[] = all
  let weighted = false

  const sizeOf = ({ width }: Level, node: number): number => Math.min(width, count - node * width)
  const product = (level: Level, node: number): Run => ({
    array: level.products,
    at: node * (level.width + 1),
    length: sizeOf(level, node) + 1,
  })
  const sum = (level: Level, node: number): Run => ({
    array: level.sums,
    at: node * level.width,
    length: sizeOf(level, node),
  })

  function makeLeaves({ products }: Level): void {
    for (let start = 0, at = 0; start < count; start += leaf, at += leaf + 1) {
      const end = Math.min(leaf, count - start)
      products[at] = 1
      for (let i = 0; i < end; i++) {
        // Times x - r: the coefficients go up by one, and r times them is taken off.
        const minus = t - points[start + i]!
        products[at + i + 1] = 1
        for (let j = i; j > 0; j--)
          products[at + j] = reduceBy(t, inverse, products[at + j - 1]! + minus * products[at + j]!)
        products[at] = reduceBy(t, inverse, minus * products[at]!)
      }
    }
  }

  /** For every node of `upper`, its two children or its only one. */
  function pairs(upper: Level, lower: Level, both: (node: number) => void, one: (node: number) => void): void {
    for (let node = 0; node * upper.width < count; node++)
      if ((2 * node + 1) * lower.width < count) both(node)
      else one(node)
  }

  function makeProducts(upper: Level, lower: Level): void {
    pairs(
      upper,
      lower,
      (node) => {
        const { array, at, length } = product(upper, node)
        array.fill(0, at, at + length)
        multiplyInto(field, array, at, product(lower, 2 * node), product(lower, 2 * node + 1))
      },
      (node) => {
        const from = product(lower, 2 * node)
        upper.products.set(from.array.subarray(from.at, from.at + from.length), product(upper, node).at)
      },
    )
  }

  /** 1 / M'(point) for each, M the product of all. */
  function makeWeights(): void {
    const { array, at } = product(levels.at(-1)!, 0)
    for (let i = 0; i < count; i++) derivative[i] = reduceBy(t, inverse, (i + 1) * array[at + i + 1]!)
    evaluateAll(field, { array: derivative, at: 0, length: count }, points, count, weights)
    invertAll(field, weights, count, scratch)
    weighted = true
  }

  /** At the leaves by division: the quotient of the leaf's product by x - r, by Horner's rule, times the point's weight. */
  function sumLeaves({ products, sums }: Level, values: ArrayLike<number>, valuesAt: number): void {
    sums.fill(0, 0, count)
    for (let start = 0, at = 0; start < count; start += leaf, at += leaf + 1) {
      const end = Math.min(leaf, count - start)
      for (let i = 0; i < end; i++) {
        const root = points[start + i]!
        const weight = reduceBy(t, inverse, weights[start + i]! * values[valuesAt + start + i]!)
        let quotient = 0
        for (let j = end - 1; j >= 0; j--) {
          quotient = reduceBy(t, inverse, quotient * root + products[at + j + 1]!)
          sums[start + j] = reduceBy(t, inverse, sums[start + j]! + weight * quotient)
        }
      }
    }
  }

  function makeSums(upper: Level, lower: Level): void {
    pairs(
      upper,
      lower,
      (node) => {
        const { array, at, length } = sum(upper, node)
        array.fill(0, at, at + length)
        multiplyInto(field, array, at, sum(lower, 2 * node), product(lower, 2 * node + 1))
        multiplyInto(field, array, at, sum(lower, 2 * node + 1), product(lower, 2 * node))
      },
      (node) => {
        const from = sum(lower, 2 * node)
        upper.sums.set(from.array.subarray(from.at, from.at + from.length), sum(upper, node).at)
      },
    )
  }

  return {
    load(from, at, length) {
      if (length > capacity) throw new RangeError(`"count" expected ${capacity} points at most, got ${length}`)
      count = length
      weighted = false
      for (let i = 0; i < count; i++) points[i] = from[at + i]!
      levels = all.slice(0, 1 + Math.max(0, Math.ceil(Math.log2(count / leaf))))
      if (count === 0) all[0]!.products[0] = 1
      makeLeaves(levels[0]!)
      for (let i = 1; i < levels.length; i++) makeProducts(levels[i]!, levels[i - 1]!)
    },
    matching(out, at) {
      const top = levels.at(-1)!.products
      for (let i = 0; i <= count; i++) out[at + i] = top[i]!
    },
    interpolate(values, valuesAt, out, at) {
      if (count === 0) return
      if (!weighted) makeWeights()
      sumLeaves(levels[0]!, values, valuesAt)
      for (let i = 1; i < levels.length; i++) makeSums(levels[i]!, levels[i - 1]!)
      const top = levels.at(-1)!.sums
      for (let i = 0; i < count; i++) out[at + i] = top[i]!
    },
  }
}
