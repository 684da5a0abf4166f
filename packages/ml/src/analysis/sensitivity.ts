import { type Circuit, inputsOf } from '../layout/circuit.ts'
import { compact, evaluateCircuit } from '../layout/evaluate.ts'
import { firstPlaces } from '../layout/layout.ts'
import { applyMap, type LinearMap, largestWeight, splitOffset } from '../layout/linear-map.ts'

/**
 * How noise reaches the output: the variance at the worst output and sample, in units of the output, for noise of variance 1 that is independent in every slot,
 * by the place where it enters. To first order the error of a program is the sum over its places, whatever the scales.
 */
export interface Sensitivity {
  /** Noise of a register; one entry per register. */
  readonly register: Float64Array
  /** Noise of every rotated input of a linear step, before the weights; one entry per step, 0 for others. */
  readonly babies: Float64Array
  /** Noise of every weight of a linear step. */
  readonly weights: Float64Array
  /** The same, to the result of the step itself: the sum of the squared inputs that meet there. */
  readonly ownWeights: Float64Array
  /** Largest |value| of every register. */
  readonly magnitude: Float64Array
  /** Largest |weight| of every linear step. */
  readonly largestWeight: Float64Array
}

/** Measures the sensitivity on samples (one array each), and magnitudes on `more` samples too. */
export function sensitivity(
  circuit: Circuit,
  samples: readonly Float64Array[],
  more: readonly Float64Array[] = [],
): Sensitivity {
  const small = compact(circuit)
  const registers = circuit.steps.length + 1
  const result: Sensitivity = {
    register: new Float64Array(registers),
    babies: new Float64Array(circuit.steps.length),
    weights: new Float64Array(circuit.steps.length),
    ownWeights: new Float64Array(circuit.steps.length),
    magnitude: new Float64Array(registers).fill(2 ** -100),
    largestWeight: Float64Array.from(circuit.steps, (step) => (step.op === 'linear' ? largestWeight(step.map) : 0)),
  }
  const outputs = firstPlaces(circuit.output)
  const raise = (into: Float64Array, at: number, value: number): void => {
    if (!(value <= into[at]!)) into[at] = value
  }
  const evaluate = (sample: Float64Array): Float64Array[] => {
    const values = evaluateCircuit(small, sample)
    values.forEach((value, r) => {
      for (const v of value) raise(result.magnitude, r, Math.abs(v))
    })
    return values
  }
  for (const sample of more) evaluate(sample)
  for (const sample of samples) {
    const values = evaluate(sample)
    const reach = (register: number, variance: Float64Array): number => {
      const end = propagate(small, values, register, variance)
      return outputs.reduce((most, slot) => Math.max(most, end[slot]!), 0)
    }
    for (let r = 0; r < registers; r++)
      raise(
        result.register,
        r,
        reach(
          r,
          values[r]!.map(() => 1),
        ),
      )
    small.steps.forEach((step, i) => {
      if (step.op !== 'linear') return
      const ones = values[step.input]!.map(() => 1)
      if (step.map.kind === 'rotations') {
        const { plan } = step.map
        // Offsets are below the period, so a plan for all slots is one for the compact ones.
        const turned = (offset: number): boolean => splitOffset(plan, offset, circuit.capacity).baby !== 0
        raise(result.babies, i, reach(i + 1, applyMap(step.map, ones, { squared: true, keep: turned })))
      }
      const squares = values[step.input]!.map((v) => v * v)
      const met = applyMap(withOnes(step.map), squares)
      for (const v of met) raise(result.ownWeights, i, v)
      raise(result.weights, i, reach(i + 1, met))
    })
  }
  return result
}

/** The same map with 1 for all weights that noise of their rounding is in. */
function withOnes(map: LinearMap): LinearMap {
  if (map.kind !== 'rotations') return { ...map, matrix: { ...map.matrix, value: map.matrix.value.map(() => 1) } }
  const blocks = map.diagonals.blocks.map((block) => ({
    ...block,
    values: block.values.map(() => new Float64Array(1).fill(1)),
  }))
  return { ...map, diagonals: { ...map.diagonals, blocks, period: 1 } }
}

/**
 * Variances through a map. A polynomial of weights multiplies all coefficients of the noise, also those where the message has none: each output
 * of a tile gets that of all rows in its products.
 */
function spreadVariance(map: LinearMap, variance: Float64Array): Float64Array {
  const out = applyMap(map, variance, { squared: true })
  if (map.kind !== 'polynomials') return out
  for (let first = 0; first < out.length; first += map.perTile) {
    const tile = out.subarray(first, first + map.perTile)
    tile.fill(tile.reduce((sum, v) => sum + v, 0))
  }
  return out
}

/** The variance of the output for one of a register. Paths that meet again are taken as fully correlated. */
function propagate(
  circuit: Circuit,
  values: readonly Float64Array[],
  register: number,
  variance: Float64Array,
): Float64Array {
  const variances: (Float64Array | undefined)[] = []
  variances[register] = variance
  circuit.steps.slice(register).forEach((step, k) => {
    const at = register + k + 1
    if (!inputsOf(step).some((input) => variances[input])) return
    if (step.op === 'linear') {
      variances[at] = spreadVariance(step.map, variances[step.input]!)
      return
    }
    const [a, b] = step.inputs
    const [va, vb] = [variances[a], variances[b]]
    const [xa, xb] = [values[a]!, values[b]!]
    variances[at] = xa.map((_, s) => {
      const fromA = Math.sqrt(va?.[s] ?? 0) * (step.op === 'multiply' ? Math.abs(xb[s]!) : 1)
      const fromB = Math.sqrt(vb?.[s] ?? 0) * (step.op === 'multiply' ? Math.abs(xa[s]!) : 1)
      return (fromA + fromB) ** 2
    })
  })
  return variances[circuit.steps.length] ?? values.at(-1)!.map(() => 0)
}
