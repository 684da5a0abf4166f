import type { GraphBuilder } from '../layers/graph-builder.ts'

/** b + Σ_k a_k (γ s_k · x + c)^p. */
export interface PolynomialKernel {
  /** s, row by row. */
  readonly vectors: Float64Array
  /** a */
  readonly weights: Float64Array
  readonly gamma: number
  readonly coef0: number
  readonly degree: number
  readonly intercept: number
}

/**
 * A support vector machine with a polynomial kernel of degree 1 to 3, in the smaller of two forms: powers of one number per support
 * vector, or x · (A x + l) and x · (T (x ⊗ x) + A x + l), in which the vectors are summed up.
 */
export function polynomialKernel(graph: GraphBuilder, x: number, kernel: PolynomialKernel, name: string): number {
  const { degree, weights } = kernel
  const size = graph.sizeOf(x)
  const form = formOf(kernel, size)
  if (degree === 1) return graph.dense(x, form.linear, [form.constant], name)
  const pairs = (size * (size + 1)) / 2
  if (weights.length < (degree === 2 ? size : pairs)) return byVectors(graph, x, kernel, name)
  let inner = graph.dense(x, form.square, form.linear, name)
  if (degree === 3) {
    const [left, right] = pairsOf(size)
    const products = graph.multiply(graph.pick(x, left, name), graph.pick(x, right, name), name)
    const cubes = graph.dense(products, form.cube(left, right), new Float64Array(size), name)
    inner = graph.add(cubes, inner, name)
  }
  return graph.dense(graph.multiply(x, inner, name), new Float64Array(size).fill(1), [form.constant], name)
}

function byVectors(graph: GraphBuilder, x: number, kernel: PolynomialKernel, name: string): number {
  const { vectors, weights, gamma, coef0, degree, intercept } = kernel
  const u = graph.dense(
    x,
    vectors.map((v) => gamma * v),
    new Float64Array(weights.length).fill(coef0),
    name,
  )
  let power = u
  for (let p = 1; p < degree; p++) power = graph.multiply(power, u, name)
  return graph.dense(power, weights, [intercept], name)
}

/** The coefficients of constant + l · x + x · A x + Σ x_i T_ijk x_j x_k. */
function formOf({ vectors, weights, gamma, coef0, degree, intercept }: PolynomialKernel, size: number) {
  const linear = new Float64Array(size)
  const square = new Float64Array(degree > 1 ? size * size : 0)
  const s = (k: number, i: number): number => gamma * vectors[k * size + i]!
  let constant = intercept
  weights.forEach((a, k) => {
    constant += a * coef0 ** degree
    for (let i = 0; i < size; i++) {
      linear[i]! += a * degree * coef0 ** (degree - 1) * s(k, i)
      const factor = degree === 1 ? 0 : a * (degree === 2 ? 1 : 3 * coef0) * s(k, i)
      if (degree > 1) for (let j = 0; j < size; j++) square[i * size + j]! += factor * s(k, j)
    }
  })
  const cube = (left: readonly number[], right: readonly number[]): Float64Array => {
    const out = new Float64Array(size * left.length)
    weights.forEach((a, k) => {
      for (let i = 0; i < size; i++) {
        const factor = a * s(k, i)
        for (let p = 0; p < left.length; p++) {
          const [j, l] = [left[p]!, right[p]!]
          out[i * left.length + p]! += (j === l ? 1 : 2) * factor * s(k, j) * s(k, l)
        }
      }
    })
    return out
  }
  return { constant, linear, square, cube }
}

function pairsOf(size: number): [number[], number[]] {
  const left: number[] = []
  const right: number[] = []
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      left.push(i)
      right.push(j)
    }
  }
  return [left, right]
}
