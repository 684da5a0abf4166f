import { type Circuit, inputsOf } from '../layout/circuit.ts'
import { compact, evaluateCircuit } from '../layout/evaluate.ts'
import { firstPlaces } from '../layout/layout.ts'
import { applyMap, type LinearMap, largestWeight, splitOffset } from '../layout/linear-map.ts'
import type { SparseMatrix } from '../tensor/sparse.ts'

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
  const rounded = small.steps.map((step) => (step.op === 'linear' ? roundingOf(step.map) : undefined))
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
  // Without products, how noise travels does not depend on the values.
  const affine = small.steps.every(({ op }) => op !== 'multiply')
  samples.forEach((sample, k) => {
    const values = evaluate(sample)
    const fixed = affine && k > 0
    const reach = (register: number, variance: Float64Array): number => {
      const end = propagate(small, values, register, variance)
      return outputs.reduce((most, slot) => Math.max(most, end[slot]!), 0)
    }
    if (!fixed) values.forEach((value, r) => raise(result.register, r, reach(r, ones(value))))
    small.steps.forEach((step, i) => {
      if (step.op !== 'linear') return
      if (step.map.kind === 'rotations' && !fixed) {
        const { plan } = step.map
        // Offsets are below the period, so a plan for all slots is one for the compact ones.
        const turned = (offset: number): boolean => splitOffset(plan, offset, circuit.capacity).baby !== 0
        raise(
          result.babies,
          i,
          reach(i + 1, applyMap(step.map, ones(values[step.input]!), { squared: true, keep: turned })),
        )
      }
      const met = rounded[i]!(values[step.input]!)
      for (const v of met) raise(result.ownWeights, i, v)
      raise(result.weights, i, reach(i + 1, met))
    })
  })
  return result
}

function ones({ length }: Float64Array): Float64Array {
  return new Float64Array(length).fill(1)
}

/** From the input of a map to the variance of its result, for rounding errors of variance 1 in its weights. */
function roundingOf(map: LinearMap): (x: Float64Array) => Float64Array {
  if (map.kind === 'rotations') {
    const { diagonals } = map
    const blocks = diagonals.blocks.map((block) => ({
      ...block,
      values: block.values.map(() => new Float64Array(1).fill(1)),
    }))
    const all = { ...map, diagonals: { ...diagonals, blocks, period: 1 } }
    return (x) =>
      applyMap(
        all,
        x.map((v) => v * v),
      )
  }
  // Equal weights of a row are rounded alike, so that their errors add up; those of models in 8 bits are.
  const { rows, start, index } = map.matrix
  // The least weight in place of none (run/prepare.ts) is off by 1, where rounding has a variance of 1/12.
  const none = map.kind === 'scalars' ? 12 : 0
  const groups = groupsOf(map.matrix)
  const sums = new Float64Array(1 + groups.reduce((most, group) => Math.max(most, group), 0))
  return (x) => {
    const out = new Float64Array(rows)
    for (let row = 0; row < rows; row++) {
      if (start[row] === start[row + 1]) out[row] = none * x[0]! ** 2
      let last = -1
      for (let k = start[row]!; k < start[row + 1]!; k++) {
        const group = groups[k]!
        if (group > last) {
          last = group
          sums[group] = 0
        }
        sums[group]! += x[index[k]!]!
      }
      for (let group = 0; group <= last; group++) out[row]! += sums[group]! ** 2
    }
    return out
  }
}

/** For each weight the number of its value among those of its row, from 0 in the order that they come in. */
function groupsOf({ rows, start, value }: SparseMatrix): Int32Array {
  const groups = new Int32Array(value.length)
  for (let row = 0; row < rows; row++) {
    const known = new Map<number, number>()
    for (let k = start[row]!; k < start[row + 1]!; k++) {
      const group = known.get(value[k]!) ?? known.size
      if (group === known.size) known.set(value[k]!, group)
      groups[k] = group
    }
  }
  return groups
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
