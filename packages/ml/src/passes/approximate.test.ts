import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { type Activation, functionOf } from '../graph/activation.ts'
import { layerDepth, productDepth } from '../graph/depth.ts'
import { checkGraph, type Graph, type Node } from '../graph/graph.ts'
import { showGraph } from '../graph/show.ts'
import { runClear } from '../run/clear.ts'
import { type AffineMap, affine } from '../tensor/affine.ts'
import { normalNumbers } from '../tensor/random.ts'
import { pickMatrix } from '../tensor/sparse.ts'
import { parseActivations } from './activation-rules.ts'
import { approximate } from './approximate.ts'
import { lower } from './lower.ts'

const relu: Activation = { kind: 'Relu' }

/** Layers fc1, fc2, … with activations act1, act2, … between them. */
function network(sizes: readonly number[], activations: readonly Activation[], seed = 1): Graph {
  const nodes: Node[] = [{ op: 'input', inputs: [], size: sizes[0]!, name: 'x' }]
  const last = (): number => nodes.length - 1
  sizes.slice(1).forEach((size, i) => {
    const map = randomMap(seed + 10 * i, size, sizes[i]!)
    nodes.push({ op: 'affine', inputs: [last()], size, name: `fc${i + 1}`, map })
    const activation = activations[i]
    if (activation) nodes.push({ op: 'activation', inputs: [last()], size, name: `act${i + 1}`, activation })
  })
  return graphOf(nodes)
}

function graphOf(nodes: readonly Node[]): Graph {
  const output = nodes.length - 1
  const graph: Graph = {
    nodes,
    output,
    inputShape: [nodes[0]!.size],
    outputShape: [nodes[output]!.size],
    inputName: 'x',
    outputName: 'y',
  }
  checkGraph(graph)
  return graph
}

/** One activation of two numbers, behind a shift. */
function alone(activation: Activation, shift = 0): Graph {
  return graphOf([
    { op: 'input', inputs: [], size: 2, name: 'x' },
    { op: 'affine', inputs: [0], size: 2, name: 'shift', map: scaling(2, 1, shift) },
    { op: 'activation', inputs: [1], size: 2, name: 'act', activation },
  ])
}

function scaling(size: number, scale: number, shift: number): AffineMap {
  const picks = Int32Array.from({ length: size }, (_, i) => i)
  return affine(
    pickMatrix(picks, size, () => scale),
    new Float64Array(size).fill(shift),
  )
}

function normals(count: number, seed = 7): Float64Array {
  const next = normalNumbers(seed)
  return Float64Array.from({ length: count }, next)
}

describe('an approximated graph', () => {
  test('has squares for activations where that is asked, and nothing else between the layers', () => {
    const graph = network([4, 3, 2], [relu])
    const { graph: polynomial, report } = approximate(graph, normals(400), { rules: parseActivations(['relu=square']) })
    expect(showGraph(graph)).toBe(
      [
        '%0 4 x = input',
        '%1 3 fc1 = [3x4, 12 weights] %0 + bias',
        '%2 3 act1 = Relu %1',
        '%3 2 fc2 = [2x3, 6 weights] %2 + bias',
        'return %3',
      ].join('\n'),
    )
    const after = [
      '%0 4 x = input',
      '%1 3 fc1 = [3x4, 12 weights] %0 + bias',
      '%2 3 act1 = %1^2',
      '%3 2 fc2 = [2x3, 6 weights] %2 + bias',
      'return %3',
    ].join('\n')
    expect(showGraph(polynomial)).toBe(after)
    expect(showGraph(lower(polynomial))).toBe(after)
    expect(report.activations[0]).toMatchObject({ name: 'act1', kind: 'Relu', degree: 2, method: 'square' })
    expect(report.met).toBe(false)
  })

  test('lowers to a layer, a square and a layer for a parabola', () => {
    const graph = network([4, 3, 2], [relu])
    const { graph: polynomial } = approximate(graph, normals(400), { rules: parseActivations(['all=2']) })
    expect(showGraph(polynomial)).toBe(
      [
        '%0 4 x = input',
        '%1 3 fc1 = [3x4, 12 weights] %0 + bias',
        '%2 3 act1 = 0.4614 %1 + 0.55642',
        '%3 3 act1 = %2^2',
        '%4 3 act1 = %3 - 0.14522',
        '%5 2 fc2 = [2x3, 6 weights] %4 + bias',
        'return %5',
      ].join('\n'),
    )
    expect(showGraph(lower(polynomial))).toBe(
      [
        '%0 4 x = input',
        '%1 3 fc1 = [3x4, 12 weights] %0 + bias',
        '%2 3 act1 = %1^2',
        '%3 2 fc2 = [2x3, 6 weights] %2 + bias',
        'return %3',
      ].join('\n'),
    )
  })

  test('computes what its report says', () => {
    const graph = network([6, 5, 5, 3], [relu, { kind: 'Tanh' }])
    const samples = normals(6 * 500)
    for (const shape of ['levels', 'products'] as const) {
      const { graph: polynomial, report } = approximate(graph, samples, { shape, budget: { relativeError: 0.03 } })
      checkGraph(polynomial)
      const [expected, actual] = [runClear(graph, samples), runClear(lower(polynomial), samples)]
      const squares = (v: Float64Array): number => v.reduce((sum, x) => sum + x * x, 0)
      const relative = Math.sqrt(squares(actual.map((v, i) => v - expected[i]!)) / squares(expected))
      expect(report.accuracy!.relativeError).toBeCloseTo(relative, 9)
      expect(relative).toBeLessThan(0.03)
      const most = expected.reduce((a, v) => Math.max(a, Math.abs(v)), 0)
      expect(report.accuracy!.maxError).toBeCloseTo(largestDifference(actual, expected) / most, 9)
      const argmax = (v: Float64Array): number => v.indexOf(Math.max(...v))
      const same = Array.from({ length: 500 }, (_, i) =>
        [expected, actual].map((v) => argmax(v.slice(3 * i, 3 * i + 3))),
      )
      expect(report.accuracy!.agreement).toBe(same.filter(([a, b]) => a === b).length / 500)
      expect(report).toMatchObject({ met: true, samples: 500, margin: 0.1 })
    }
  })

  test('is as deep as its degrees, and a product is followed by a layer or by another product', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 9 }), fc.nat(99), (first, second, seed) => {
        const graph = network([5, 4, 4, 3], [relu, { kind: 'Softplus' }], seed)
        const rules = parseActivations([`fc1=${first}`, `act2=minimax:${second}`])
        const { graph: polynomial, report } = approximate(graph, normals(500), { rules })
        const lowered = lower(polynomial)
        const depth = report.activations.reduce((sum, { degree }) => sum + Math.ceil(Math.log2(degree)), 0)
        expect(productDepth(lowered)).toBe(depth)
        expect(layerDepth(lowered)).toBe(3 + depth)
      }),
      { numRuns: 30 },
    )
  })

  test('of one hidden layer has a map past it, of several none', () => {
    const past = (sizes: readonly number[], activations: readonly Activation[]): number[] => {
      const rules = parseActivations(['all=5'])
      const { nodes } = lower(approximate(network(sizes, activations), normals(600), { rules }).graph)
      return nodes.filter(({ op, inputs }) => op === 'affine' && inputs[0] === 0).map(({ size }) => size)
    }
    const softplus: Activation = { kind: 'Softplus' }
    expect(new Set(past([3, 4, 2], [softplus]))).toEqual(new Set([4, 2]))
    expect(new Set(past([3, 4, 5, 2], [softplus, softplus]))).toEqual(new Set([4]))
  })

  test('without activations stays as it is', () => {
    const graph = network([3, 2], [])
    const { graph: same, report } = approximate(graph, normals(3))
    expect(same).toBe(graph)
    expect(report).toMatchObject({ activations: [], met: true })
  })

  test('needs samples', () => {
    const graph = network([3, 2, 1], [relu])
    expect(() => approximate(graph, new Float64Array(0))).toThrow('"samples" expected at least one sample')
    expect(() => approximate(graph, normals(4))).toThrow('"samples" expected a multiple of 3 numbers')
    expect(() => approximate(graph, Float64Array.of(1, 2, 3, 1, NaN, 2, 4, 5, 6))).toThrow(
      '"samples" expected finite inputs of "act1"',
    )
    expect(() => approximate(graph, normals(3), { margin: -1 })).toThrow('"margin" expected a number from 0 to 10')
    // A single sample has a range of its own, and a margin.
    const one = network([3, 1, 1], [{ kind: 'Sigmoid' }])
    const [activation] = approximate(one, normals(3)).report.activations
    expect(activation!.range[0]).toBe(activation!.range[1])
    expect(activation!.maxError).toBeLessThan(0.1)
  })
})

describe('what lies on a straight piece', () => {
  const samples = Float64Array.of(-1, -0.5, 0.5, 1)
  test.each([
    ['a Relu of positive numbers is nothing', relu, 3, '%1'],
    ['a Relu of negative numbers is 0', relu, -3, '0 %1'],
    ['Abs', { kind: 'Abs' }, -3, '-1 %1'],
    ['LeakyRelu', { kind: 'LeakyRelu', alpha: 0.25 }, -3, '0.25 %1'],
    ['Relu6', { kind: 'Clip', low: 0, high: 6 }, 3, '%1'],
    ['Clip above', { kind: 'Clip', low: 0, high: 6 }, 9, '0 %1 + 6'],
    ['HardSigmoid', { kind: 'HardSigmoid', alpha: 0.2, beta: 0.5 }, 0, '0.2 %1 + 0.5'],
  ] as const)('%s', (_, activation, shift, expected) => {
    const { graph, report } = approximate(alone(activation, shift), samples)
    const value = showGraph(graph).split('\n').at(-2)!
    expect(value === '%1 2 shift = %0 + 3' ? '%1' : value.replace('%2 2 act = ', '')).toBe(expected)
    expect(report.activations[0]).toMatchObject({ method: 'exact', degree: 1, maxError: 0, rmsError: 0 })
    expect(
      largestDifference(
        runClear(graph, samples),
        samples.map((v) => functionOf(activation)(v + shift)),
      ),
    ).toBeLessThan(1e-15)
  })

  test('counts the margin', () => {
    const touching = approximate(alone(relu, 1.1), samples)
    expect(touching.report.activations[0]!.method).toBe('least-squares')
    expect(approximate(alone(relu, 1.1), samples, { margin: 0.04 }).report.activations[0]!.method).toBe('exact')
  })

  test('a second Relu is nothing, since what it sees is never negative, whatever the samples are', () => {
    const graph = graphOf([
      ...alone(relu).nodes,
      { op: 'affine', inputs: [2], size: 2, name: 'mean', map: scaling(2, 0.5, 0) },
      { op: 'activation', inputs: [3], size: 2, name: 'again', activation: relu },
    ])
    const { report } = approximate(graph, normals(200))
    expect(report.activations.map(({ method }) => method)).toEqual(['least-squares', 'exact'])
  })
})

describe('degrees are chosen', () => {
  const samples = normals(6 * 400)

  test('2 where that is enough, and more as the budget shrinks', () => {
    const graph = network([6, 5, 5, 1], [relu, relu])
    const degrees = [1, 0.1, 0.01].map((relativeError) => {
      const { report } = approximate(graph, samples, { budget: { relativeError } })
      expect(report.accuracy!.relativeError).toBeLessThan(relativeError)
      expect(report.accuracy!.agreement).toBeUndefined()
      return report.activations.map(({ degree }) => degree)
    })
    expect(degrees[0]).toEqual([2, 2])
    expect(degrees[2]![0]! + degrees[2]![1]!).toBeGreaterThan(4)
  })

  test('where it hurts: not for an activation that hardly counts', () => {
    for (const weak of [0, 1]) {
      const branch = (i: number): Node[] => {
        const first = 1 + 4 * i
        const last = randomMap(50 + i, 2, 5)
        const value = last.matrix.value.map((w) => (i === weak ? w / 100 : w))
        return [
          { op: 'affine', inputs: [0], size: 5, name: `in${i}`, map: randomMap(40 + i, 5, 6) },
          { op: 'activation', inputs: [first], size: 5, name: `act${i}`, activation: relu },
          { op: 'affine', inputs: [first + 1], size: 2, name: `out${i}`, map: affine({ ...last.matrix, value }) },
          { op: 'affine', inputs: [first + 2], size: 2, name: `same${i}`, map: scaling(2, 1, 0) },
        ]
      }
      const graph = graphOf([
        { op: 'input', inputs: [], size: 6, name: 'x' },
        ...branch(0),
        ...branch(1),
        { op: 'add', inputs: [4, 8], size: 2, name: 'sum' },
      ])
      const { report } = approximate(graph, samples, { budget: { relativeError: 0.06 } })
      expect(report.met).toBe(true)
      expect(report.activations[weak]!.degree).toBe(2)
      expect(report.activations[1 - weak]!.degree).toBeGreaterThan(2)
    }
  })

  test('on all samples, also where a choice of them would be content', () => {
    // The even ones, which the search looks at, are far from the bend; the others are near it.
    const uniform = randomNumbers(8, 512)
    const mixed = uniform.map((u, i) => (i % 2 === 0 ? 4 * Math.sign(u) + u : 2 * u))
    const graph = graphOf([
      { op: 'input', inputs: [], size: 1, name: 'x' },
      { op: 'activation', inputs: [0], size: 1, name: 'act', activation: relu },
    ])
    const far = mixed.filter((_, i) => i % 2 === 0)
    const budget = { relativeError: 0.05 }
    const content = approximate(graph, far, { budget }).report
    const careful = approximate(graph, mixed, { budget }).report
    expect([content.met, careful.met]).toEqual([true, true])
    expect(careful.activations[0]!.degree).toBeGreaterThan(content.activations[0]!.degree)
  })

  test('by agreement too', () => {
    const graph = network([6, 8, 4], [relu])
    const loose = approximate(graph, samples, { budget: { agreement: 0.5 } }).report
    const strict = approximate(graph, samples, { budget: { agreement: 0.9975 } }).report
    expect(loose.activations[0]!.degree).toBe(2)
    expect(strict.accuracy!.agreement).toBeGreaterThanOrEqual(0.9975)
    expect(strict.activations[0]!.degree).toBeGreaterThan(2)
  })

  test('not beyond the limits, and then the budget is not met', () => {
    const graph = network([6, 5, 5, 1], [relu, relu])
    const impossible = { budget: { relativeError: 1e-6 } }
    const few = approximate(graph, samples, { ...impossible, maxDegree: 3 })
    expect(few.report.met).toBe(false)
    for (const { degree } of few.report.activations) expect(degree).toBeLessThanOrEqual(3)
    for (const maxDepth of [2, 3, 4, 5]) {
      const { graph: shallow, report } = approximate(graph, samples, { ...impossible, maxDepth })
      expect(productDepth(shallow)).toBeLessThanOrEqual(maxDepth)
      expect(report.met).toBe(false)
    }
  })

  test('beside those that are given', () => {
    const graph = network([6, 5, 5, 1], [relu, { kind: 'Sigmoid' }])
    const { report } = approximate(graph, samples, {
      rules: parseActivations(['relu=5', 'sigmoid=minimax:3']),
      budget: { relativeError: 1e-9 },
    })
    expect(report.activations.map(({ degree, method }) => [degree, method])).toEqual([
      [4, 'least-squares'],
      [3, 'minimax'],
    ])
    expect(report.met).toBe(false)
  })
})

test('ranges are those behind the replacements, and intervals have margins', () => {
  const graph = network([4, 4, 4, 1], [relu, { kind: 'Sigmoid' }])
  const samples = normals(4 * 200)
  const { graph: polynomial, report } = approximate(graph, samples, {
    rules: parseActivations(['relu=square', 'sigmoid=3']),
    margin: 0.25,
  })
  const [, sigmoid] = report.activations
  const before = polynomial.nodes.findIndex(({ name }) => name === 'fc2')
  const values = [graph, polynomial].flatMap((g) => {
    const output = g === graph ? 3 : before
    return [...runClear({ ...g, output, outputShape: [4] }, samples)]
  })
  expect(sigmoid!.range[0]).toBeCloseTo(Math.min(...values), 10)
  expect(sigmoid!.range[1]).toBeCloseTo(Math.max(...values), 10)
  const length = sigmoid!.range[1] - sigmoid!.range[0]
  expect(sigmoid!.interval[0]).toBeCloseTo(sigmoid!.range[0] - length / 4, 10)
  expect(sigmoid!.interval[1]).toBeCloseTo(sigmoid!.range[1] + length / 4, 10)
})

test('a network that has learnt keeps its answers', () => {
  const { graph, inputs, labels } = train()
  const right = (g: Graph): number => {
    const scores = runClear(g, inputs)
    return labels.filter((label, i) => scores[i]! > 0 === label).length / labels.length
  }
  const clear = right(graph)
  expect(clear).toBeGreaterThan(0.95)
  const { graph: polynomial, report } = approximate(graph, inputs, { budget: { relativeError: 0.1 } })
  expect(report.met).toBe(true)
  expect(right(lower(polynomial))).toBeGreaterThanOrEqual(clear - 0.03)
})

/** A network 2-8-1 with Relu that tells the inside of a circle from its outside, by gradient descent on the logistic loss. */
function train(): { graph: Graph; inputs: Float64Array; labels: boolean[] } {
  const hidden = 8
  const count = 120
  const inputs = randomNumbers(1, 2 * count)
  const labels = Array.from({ length: count }, (_, i) => Math.hypot(inputs[2 * i]!, inputs[2 * i + 1]!) < 0.75)
  const [w, b] = [randomNumbers(2, 2 * hidden), randomNumbers(3, hidden)]
  const v = randomNumbers(4, hidden)
  let c = 0
  for (let step = 0; step < 900; step++) {
    const [dw, db, dv] = [new Float64Array(2 * hidden), new Float64Array(hidden), new Float64Array(hidden)]
    let dc = 0
    for (let i = 0; i < count; i++) {
      const [x, y] = [inputs[2 * i]!, inputs[2 * i + 1]!]
      const h = Array.from({ length: hidden }, (_, k) => Math.max(0, w[2 * k]! * x + w[2 * k + 1]! * y + b[k]!))
      const score = h.reduce((sum, value, k) => sum + value * v[k]!, c)
      const g = (1 / (1 + Math.exp(-score)) - (labels[i] ? 1 : 0)) / count
      dc += g
      h.forEach((value, k) => {
        dv[k]! += g * value
        if (value === 0) return
        db[k]! += g * v[k]!
        dw[2 * k]! += g * v[k]! * x
        dw[2 * k + 1]! += g * v[k]! * y
      })
    }
    w.forEach((_, k) => (w[k]! -= 2 * dw[k]!))
    b.forEach((_, k) => (b[k]! -= 2 * db[k]!))
    v.forEach((_, k) => (v[k]! -= 2 * dv[k]!))
    c -= 2 * dc
  }
  const dense = (rows: number, columns: number, value: Float64Array, bias: Float64Array): AffineMap => ({
    matrix: {
      rows,
      columns,
      start: Int32Array.from({ length: rows + 1 }, (_, r) => r * columns),
      index: Int32Array.from(value, (_, k) => k % columns),
      value,
    },
    bias,
  })
  const graph = graphOf([
    { op: 'input', inputs: [], size: 2, name: 'x' },
    { op: 'affine', inputs: [0], size: hidden, name: 'fc1', map: dense(hidden, 2, w, b) },
    { op: 'activation', inputs: [1], size: hidden, name: 'relu', activation: relu },
    { op: 'affine', inputs: [2], size: 1, name: 'fc2', map: dense(1, hidden, v, Float64Array.of(c)) },
  ])
  return { graph, inputs, labels }
}
