import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { clenshaw, evaluatorOf } from '../approximation/chebyshev.ts'
import { layerDepth, productDepth } from '../graph/depth.ts'
import { checkGraph, type Graph, type Node } from '../graph/graph.ts'
import { showGraph } from '../graph/show.ts'
import { runClear } from '../run/clear.ts'
import { lower } from './lower.ts'
import { type PolynomialStyle, pushPolynomial } from './polynomial-nodes.ts'

/** A polynomial on [low, high], between two layers or alone. */
function graphOf(
  coefficients: ArrayLike<number>,
  [low, high]: readonly [number, number],
  style: PolynomialStyle,
  layers = false,
): Graph {
  const nodes: Node[] = [{ op: 'input', inputs: [], size: 3, name: 'x' }]
  if (layers) nodes.push({ op: 'affine', inputs: [0], size: 3, name: 'before', map: randomMap(1, 3, 3) })
  let output = pushPolynomial(
    nodes,
    nodes.length - 1,
    'p',
    { coefficients: Float64Array.from(coefficients), low, high },
    style,
  )
  if (layers)
    output = nodes.push({ op: 'affine', inputs: [output], size: 3, name: 'behind', map: randomMap(4, 3, 3) }) - 1
  const graph = { nodes, output, inputShape: [3], outputShape: [3], inputName: 'x', outputName: 'y' }
  checkGraph(graph)
  return graph
}

const products = (graph: Graph): number => graph.nodes.filter(({ op }) => op === 'multiply').length
const levels: PolynomialStyle = { shape: 'levels', skip: false }

/** Coefficients of a degree; of some only the even, odd, or even and linear ones. */
const polynomials = fc
  .record({
    degree: fc.integer({ min: 1, max: 15 }),
    seed: fc.nat(),
    kept: fc.constantFrom<(k: number) => boolean>(
      () => true,
      (k) => k % 2 === 0,
      (k) => k % 2 === 1,
      (k) => k === 1 || k % 2 === 0,
    ),
  })
  .map(({ degree, seed, kept }) =>
    randomNumbers(seed, degree + 1).map((c, k) => (k === degree ? c + Math.sign(c) * 0.1 : kept(k) ? c : 0)),
  )
const styles = fc.record({ shape: fc.constantFrom('levels' as const, 'products' as const), skip: fc.boolean() })
const interval = fc
  .tuple(fc.double({ min: -20, max: 20, noNaN: true }), fc.double({ min: 0.1, max: 30, noNaN: true }))
  .map(([low, length]): [number, number] => [low, low + length])

test('nodes compute what Clenshaw does', () => {
  fc.assert(
    fc.property(polynomials, interval, styles, (coefficients, [low, high], style) => {
      const graph = graphOf(coefficients, [low, high], style)
      const x = randomNumbers(5, 12).map((t) => (low + high) / 2 + (t * (high - low)) / 2)
      const size = coefficients.reduce((sum, c) => sum + Math.abs(c), 0)
      const p = evaluatorOf({ coefficients, low, high })
      for (const same of [graph, lower(graph)])
        expect(largestDifference(runClear(same, x), x.map(p))).toBeLessThan(1e-10 * size)
    }),
    { numRuns: 500 },
  )
})

test('products are ⌈log2 degree⌉ deep, and between layers there is nothing else', () => {
  fc.assert(
    fc.property(polynomials, fc.boolean(), (coefficients, skip) => {
      const degree = coefficients.length - 1
      const graph = lower(graphOf(coefficients, [-2, 3], { shape: 'levels', skip }, true))
      expect(productDepth(graph)).toBe(Math.ceil(Math.log2(degree)))
      expect(layerDepth(graph)).toBe(degree === 1 ? 1 : 2 + Math.ceil(Math.log2(degree)))
    }),
    { numRuns: 200 },
  )
})

test('the other shape has fewer products, ⌈log2 (degree + 1)⌉ deep', () => {
  for (let degree = 5; degree <= 15; degree++) {
    const coefficients = randomNumbers(degree, degree + 1).map((c) => c + 2)
    const few = graphOf(coefficients, [-1, 1], { shape: 'products', skip: false })
    const shallow = graphOf(coefficients, [-1, 1], levels)
    expect(productDepth(few)).toBeLessThanOrEqual(Math.ceil(Math.log2(degree + 1)))
    expect(products(few)).toBeLessThanOrEqual(Math.ceil(degree / 2) + Math.floor(Math.log2(degree)))
    expect(products(few)).toBeLessThan(products(shallow))
  }
})

test.each([
  [1, 0],
  [2, 1],
  [3, 2],
  [4, 3],
])('degree %i takes at most %i products', (degree, count) => {
  for (let seed = 0; seed < 40; seed++) {
    const coefficients = randomNumbers(seed, degree + 1).map((c) => c + Math.sign(c) / 4)
    // A cubic without a turning point or a quartic without a third form needs one more.
    expect(products(graphOf(coefficients, [-1, 1], levels))).toBeLessThanOrEqual(count + (degree > 2 ? 1 : 0))
    expect(products(graphOf(coefficients, [-1, 1], { shape: 'levels', skip: true }))).toBeLessThanOrEqual(
      Math.max(count, 0),
    )
  }
})

test('a square is completed; one that is nearly a line is not', () => {
  // 2 (t + 1/2)² - 3/2 with t = x / 2; T_2 = 2t² - 1.
  expect(showGraph(graphOf([0, 2, 1], [-2, 2], levels))).toBe(
    ['%0 3 x = input', '%1 3 p = 0.70711 %0 + 0.70711', '%2 3 p = %1^2', '%3 3 p = %2 - 1.5', 'return %3'].join('\n'),
  )
  expect(showGraph(graphOf([0, 1, 0.05], [-1, 1], levels))).toBe(
    ['%0 3 x = input', '%1 3 p = 0.1 %0 + 1', '%2 3 p = %0 * %1', '%3 3 p = %2 - 0.05', 'return %3'].join('\n'),
  )
})

test('a cubic that turns is one product of three forms', () => {
  // t³ - 3t = (t - 1)² (t + 2) - 2, and T_3 = 4t³ - 3t.
  expect(showGraph(graphOf([0, -9 / 4, 0, 1 / 4], [-1, 1], levels))).toBe(
    [
      '%0 3 x = input',
      '%1 3 p = %0 - 1',
      '%2 3 p = %1^2',
      '%3 3 p = %0 + 2',
      '%4 3 p = %2 * %3',
      '%5 3 p = %4 - 2',
      'return %5',
    ].join('\n'),
  )
})

test('a quartic is one product of four forms, or powers of a square', () => {
  const value = (graph: Graph, x: number): number => runClear(graph, Float64Array.of(x, 0, 0))[0]!
  const wave = [0.1, 0.3, 0.5, 0, -0.2]
  const alone = graphOf(wave, [-1, 1], levels)
  const skipping = graphOf(wave, [-1, 1], { shape: 'levels', skip: true })
  expect([products(alone), products(skipping)]).toEqual([3, 2])
  for (const x of [-1, 0.3, 1]) {
    expect(value(alone, x)).toBeCloseTo(clenshaw(wave, x), 12)
    expect(value(skipping, x)).toBeCloseTo(clenshaw(wave, x), 12)
  }
  // One node for the next layer to read.
  expect(alone.nodes.filter(({ op }) => op === 'add')).toEqual([])
  expect(lower(graphOf(wave, [-1, 1], levels, true)).nodes.filter(({ name }) => name === 'behind').length).toBe(1)
})
