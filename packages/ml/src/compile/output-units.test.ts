import { describe, expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { randomNumbers } from '../../test/random.ts'
import type { Graph } from '../graph/graph.ts'
import { decodeServerPart } from '../program/server.ts'
import { runClear } from '../run/clear.ts'
import { simulate } from '../run/simulate.ts'
import { bundle } from './bundle.ts'
import { compile } from './compile.ts'

/** 30 numbers to 4, of which the third is a thousandth of the others. */
const size = 30
const factors = [1, 2, 0.001, 1]
const map = randomMap(5, factors.length, size)
const { start, value } = map.matrix
const scaled = value.map((v, k) => v * factors[start.findIndex((end, row) => row > 0 && k < end) - 1]!)
const graph: Graph = {
  nodes: [
    { op: 'input', inputs: [], size, name: 'x' },
    {
      op: 'affine',
      inputs: [0],
      size: factors.length,
      name: 'rows',
      map: { matrix: { ...map.matrix, value: scaled }, bias: map.bias.map((v, j) => v * factors[j]!) },
    },
  ],
  output: 1,
  inputShape: [size],
  outputShape: [factors.length],
  inputName: 'x',
  outputName: 'y',
}
const samples = Float64Array.from(Array.from({ length: 20 }, (_, i) => [...randomNumbers(i, size)]).flat())
const clear = runClear(graph, samples)
const column = (values: Float64Array, j: number): number[] =>
  Array.from({ length: 20 }, (_, i) => values[factors.length * i + j]!)
const largest = factors.map((_, j) => Math.max(...column(clear, j).map(Math.abs)))
/** The largest error of every output by its own largest value. */
const errors = (noisy: Float64Array): number[] =>
  factors.map((_, j) => {
    const [a, b] = [column(noisy, j), column(clear, j)]
    return Math.max(...a.map((v, i) => Math.abs(v - b[i]!))) / largest[j]!
  })

describe.each(['coefficient', 'slots', 'batch'] as const)('precision of each output, %s', (packing) => {
  const program = compile(graph, { samples, packing, precisionOf: 'each', precisionBits: 10 })

  test('small outputs are as precise as large ones, in units of the model', () => {
    expect(program.report.relativeError).toBeLessThan(2 ** -10)
    expect(program.report.largestOutput).toBeCloseTo(1, 9)
    program.output.units!.forEach((unit, j) => expect(unit).toBeCloseTo(largest[j]!, 9))
    for (const error of errors(simulate(program, samples))) expect(error).toBeLessThan(program.report.relativeError)
    for (const error of errors(simulate(program, samples, { noise: false }))) expect(error).toBeLessThan(1e-9)
  })

  test('without it they are not', () => {
    const usual = compile(graph, { samples, packing, precisionBits: 10 })
    expect(usual.output.units).toBeUndefined()
    expect(errors(simulate(usual, samples))[2]).toBeGreaterThan(2 ** -10)
  })

  test('units come back from the wire', () => {
    expect(decodeServerPart(bundle(program).server).program.output.units).toEqual(program.output.units)
  })
})

test('units that are given are taken, and others refused', () => {
  const given = [4, 4, 0.004, 4]
  expect(compile(graph, { samples, precisionOf: given }).output.units).toEqual(given)
  for (const wrong of [
    [1, 2, 3],
    [1, 2, 3, 0],
    [1, 2, 3, Number.NaN],
  ])
    expect(() => compile(graph, { samples, precisionOf: wrong })).toThrow(
      /"precisionOf" expected "largest", "each" or 4 numbers above 0/,
    )
})
