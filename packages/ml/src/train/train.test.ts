import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runClear } from '../run/clear.ts'
import { normalNumbers, randomNumbers } from '../tensor/random.ts'
import { adam } from './adam.ts'
import { linearGraph, linearOutputs, sampleRows } from './linear-model.ts'
import { logisticLoss, trainLogistic } from './logistic.ts'
import { minimise } from './minimise.ts'
import { largestMagnitude, type Objective } from './objective.ts'
import { trainRidge } from './ridge.ts'
import { softmaxLoss, trainSoftmax, trainSoftmaxInBatches } from './softmax.ts'

/** Points around a centre for each class; a third of the numbers are 0. */
function clouds(rows: number, columns: number, classes: number, seed: number) {
  const [normal, uniform] = [normalNumbers(seed), randomNumbers(seed + 1)]
  const centres = Array.from({ length: classes }, () => Array.from({ length: columns }, () => normal()))
  const labels = Array.from({ length: rows }, (_, i) => i % classes)
  const samples = labels.map((label) =>
    Array.from({ length: columns }, (_, k) => (uniform() < 1 / 3 ? 0 : centres[label]![k]! + normal())),
  )
  return { samples, inputs: sampleRows(samples), labels, classes }
}

/** The gradient that a function says it has, and differences of its values. */
function gradients(objective: Objective, at: Float64Array): { said: Float64Array; measured: Float64Array } {
  const said = new Float64Array(at.length)
  objective(at, said)
  const step = 1e-5
  const unused = new Float64Array(at.length)
  const beside = (i: number, by: number): number =>
    objective(
      Float64Array.from(at, (v, k) => (k === i ? v + by : v)),
      unused,
    )
  return { said, measured: at.map((_, i) => (beside(i, step) - beside(i, -step)) / (2 * step)) }
}

describe('gradients are those of finite differences', () => {
  test.each([
    ['softmax', 3, softmaxLoss],
    ['logistic', 2, logisticLoss],
  ])('%s', (_, classes, loss) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 0.5, noNaN: true }), (seed, decay) => {
        const set = clouds(7, 4, classes, seed)
        const normal = normalNumbers(seed + 2)
        const numbers = Float64Array.from({ length: classes === 2 ? 5 : 5 * classes }, () => normal())
        const weights = set.labels.map((label) => 1 + label)
        const { said, measured } = gradients((at, gradient) => loss(set, at, gradient, { decay, weights }), numbers)
        said.forEach((v, i) => {
          expect(Math.abs(v - measured[i]!)).toBeLessThan(1e-8)
        })
      }),
      { numRuns: 20 },
    )
  })

  test('of some rows it is that of those rows alone', () => {
    const set = clouds(9, 3, 3, 5)
    const rows = Uint32Array.of(7, 2, 3)
    const alone = {
      ...set,
      inputs: sampleRows([...rows].map((i) => set.samples[i]!)),
      labels: [...rows].map((i) => set.labels[i]!),
    }
    const numbers = new Float64Array(12).map((_, i) => Math.sin(i))
    const [a, b] = [new Float64Array(12), new Float64Array(12)]
    expect(softmaxLoss(set, numbers, a, {}, rows)).toBeCloseTo(softmaxLoss(alone, numbers, b), 14)
    a.forEach((v, i) => expect(v).toBeCloseTo(b[i]!, 14))
  })
})

describe('minimise', () => {
  test('finds the minimum of quadratics, also of badly scaled ones', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 12 }), (seed, n) => {
        const normal = normalNumbers(seed)
        const target = Float64Array.from({ length: n }, () => normal())
        const scales = Float64Array.from({ length: n }, (_, i) => 10 ** (-i / 4))
        const found = minimise((at, gradient) => {
          let sum = 0
          at.forEach((v, i) => {
            const away = v - target[i]!
            gradient[i] = scales[i]! * away
            sum += (scales[i]! * away * away) / 2
          })
          return sum
        }, new Float64Array(n))
        found.forEach((v, i) => expect(Math.abs(v - target[i]!)).toBeLessThan(1e-3))
      }),
    )
  })

  test('the value falls with each step, and it stops where told to', () => {
    const set = clouds(60, 5, 3, 1)
    const losses: number[] = []
    trainSoftmax(set, { steps: 8, onStep: ({ loss }) => losses.push(loss) })
    expect(losses).toHaveLength(8)
    for (let i = 1; i < losses.length; i++) expect(losses[i]).toBeLessThan(losses[i - 1]!)
  })
})

describe('softmax and logistic regression', () => {
  test('without features the scores say how frequent the classes are', () => {
    const labels = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
    const inputs = sampleRows(labels.map(() => [0]))
    const { bias, weights } = trainSoftmax({ inputs, labels, classes: 3 })
    const exponentials = bias.map(Math.exp)
    const sum = exponentials.reduce((a, b) => a + b, 0)
    ;[0.5, 0.3, 0.2].forEach((share, c) => expect(exponentials[c]! / sum).toBeCloseTo(share, 6))
    expect(largestMagnitude(weights)).toBe(0)
  })

  test('of one yes-or-no feature the log-odds are those of a table of four counts', () => {
    // 1 of 4 without it, 6 of 8 with it: bias log(1/3), weight log(3) - log(1/3).
    const samples = [...Array(4).fill([0]), ...Array(8).fill([1])] as number[][]
    const labels = [1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0]
    const { bias, weights } = trainLogistic({ inputs: sampleRows(samples), labels }, { decay: 0 })
    expect(bias[0]).toBeCloseTo(Math.log(1 / 3), 5)
    expect(weights[0]).toBeCloseTo(Math.log(9), 5)
  })

  test('two classes: the difference of the scores is the log-odds, with twice the decay', () => {
    const set = clouds(80, 4, 2, 3)
    const two = trainSoftmax(set, { decay: 0.02 })
    const one = trainLogistic(set, { decay: 0.01 })
    one.weights.forEach((w, i) => expect(two.weights[4 + i]! - two.weights[i]!).toBeCloseTo(w, 4))
  })

  test('minibatches lead to the same model, and the same seed to the same numbers', () => {
    const set = clouds(400, 6, 3, 4)
    const options = { epochs: 120, batch: 50, rate: 0.02, decay: 0.01 }
    const whole = trainSoftmax(set, { decay: 0.01 })
    const batches = trainSoftmaxInBatches(set, options)
    batches.weights.forEach((w, i) => expect(Math.abs(w - whole.weights[i]!)).toBeLessThan(0.06))
    expect(largestMagnitude(whole.weights)).toBeGreaterThan(0.6)
    expect(trainSoftmaxInBatches(set, options)).toEqual(batches)
    expect(trainSoftmaxInBatches(set, { ...options, seed: 2 })).not.toEqual(batches)
  })

  test('labels that are no classes are refused', () => {
    const inputs = sampleRows([[1], [2]])
    expect(() => trainSoftmax({ inputs, labels: [0, 3], classes: 3 })).toThrow('"labels[1]" expected 0 to 2, got 3')
    expect(() => trainSoftmax({ inputs, labels: [0], classes: 3 })).toThrow('"labels" expected one for each of 2 rows')
  })
})

describe('ridge', () => {
  test('one column is the formula of textbooks: Σxy / (Σx² + α), of what is centred', () => {
    const { weights, bias } = trainRidge(sampleRows([[1], [2], [3], [6]]), [2, 3, 5, 10], 2)
    // Means 3 and 5: Σxy = 6 + 2 + 0 + 15, Σx² = 4 + 1 + 0 + 9.
    expect(weights[0]).toBeCloseTo(23 / 16, 12)
    expect(bias[0]).toBeCloseTo(5 - (3 * 23) / 16, 12)
  })

  test('what is linear comes out as it went in, with little to hold it down', () => {
    const { samples, inputs } = clouds(50, 6, 2, 8)
    const truth = [1, -2, 0.5, 3, 0, -1]
    const targets = samples.map((row) => row.reduce((sum, x, i) => sum + x * truth[i]!, 4))
    const { weights, bias } = trainRidge(inputs, targets, 1e-9)
    weights.forEach((w, i) => expect(w).toBeCloseTo(truth[i]!, 7))
    expect(bias[0]).toBeCloseTo(4, 7)
  })

  test('the gradient is 0 where it ends', () => {
    const { samples, inputs } = clouds(30, 5, 3, 9)
    const targets = samples.map((row, i) => row[0]! * row[1]! + Math.sin(i))
    const { weights, bias } = trainRidge(inputs, targets, 3)
    const off = samples.map((row, i) => row.reduce((sum, x, k) => sum + x * weights[k]!, bias[0]!) - targets[i]!)
    weights.forEach((w, k) => expect(samples.reduce((sum, row, i) => sum + row[k]! * off[i]!, 3 * w)).toBeCloseTo(0, 9))
  })

  test('refuses what it cannot solve', () => {
    expect(() => trainRidge(sampleRows([[1]]), [1], 0)).toThrow('"alpha" expected a number above 0, got 0')
    expect(() => trainRidge(sampleRows([[1]]), [])).toThrow('"targets" expected one for each of 1 rows, got 0')
  })
})

test('adam walks down to the middle of a bowl', () => {
  const at = adam(
    (x, gradient) => {
      x.forEach((v, i) => {
        gradient[i] = 2 * (v - i)
      })
      return 0
    },
    new Float64Array(4),
    10,
    { epochs: 800, batch: 10, rate: 0.05 },
  )
  at.forEach((v, i) => expect(v).toBeCloseTo(i, 3))
})

test('a linear model as a graph gives its outputs', () => {
  const { samples, inputs } = clouds(5, 6, 2, 2)
  const model = {
    inputs: 6,
    outputs: 2,
    weights: Float64Array.from({ length: 12 }, (_, i) => i - 5),
    bias: Float64Array.of(1, -1),
  }
  const graph = linearGraph(model, { input: 'x', output: 'y', shape: [2, 3] })
  const clear = runClear(graph, Float64Array.from(samples.flat()))
  linearOutputs(model, inputs).forEach((v, i) => expect(v).toBeCloseTo(clear[i]!, 12))
  expect(() => linearGraph(model, { input: 'x', output: 'y', shape: [5] })).toThrow(
    '"shape" expected 6 elements, got 5',
  )
})
