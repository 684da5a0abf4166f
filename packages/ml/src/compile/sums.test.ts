import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { randomNumbers } from '../../test/random.ts'
import type { Graph } from '../graph/graph.ts'
import { decodeClientPart } from '../program/client.ts'
import { runClear } from '../run/clear.ts'
import { simulate } from '../run/simulate.ts'
import { bundle } from './bundle.ts'
import { compile } from './compile.ts'
import { sumsOf } from './sums.ts'

const size = 40
const graph: Graph = {
  nodes: [
    { op: 'input', inputs: [], size, name: 'x' },
    { op: 'affine', inputs: [0], size: 3, name: 'rows', map: randomMap(5, 3, size) },
  ],
  output: 1,
  inputShape: [size],
  outputShape: [3],
  inputName: 'x',
  outputName: 'y',
}
const some = Array.from({ length: 10 }, (_, i) => randomNumbers(i, size))
const samples = Float64Array.from(some.flatMap((sample) => [...sample]))

describe('sumsOf', () => {
  test('adds up as many samples as asked for, all about equally often', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2, max: 40 }), (count, summands) => {
        const units = Array.from({ length: count }, (_, i) =>
          Float64Array.from({ length: count }, (_, k) => (i === k ? 1 : 0)),
        )
        const sums = sumsOf(units, summands)
        expect(sums.length).toBe(Math.min(4, count))
        for (const sum of sums) {
          expect(sum.reduce((a, b) => a + b)).toBe(summands)
          expect(Math.max(...sum) - Math.min(...sum)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  test('has none of one', () => expect(sumsOf(some, 1)).toEqual([]))
})

describe('a program for sums', () => {
  const summands = 64
  const program = compile(graph, { samples, summands, precisionBits: 12, packing: 'coefficient' })
  const sums = sumsOf(some, summands)
  const all = Float64Array.from(sums.flatMap((sum) => [...sum]))
  const clear = runClear(graph, all)
  const { relativeError, largestOutput } = program.report
  const far = (noisy: Float64Array): number => noisy.reduce((most, v, i) => Math.max(most, Math.abs(v - clear[i]!)), 0)

  test('holds them, and says how many', () => {
    expect(program.input.summands).toBe(summands)
    expect(largestOutput).toBeGreaterThanOrEqual(Math.max(...clear.map(Math.abs)) * (1 - 1e-9))
    const largest = Math.max(...all.map(Math.abs))
    expect(program.input.largest).toBeGreaterThan(largest)
    expect(decodeClientPart(bundle(program).client).input.summands).toBe(summands)
    expect(program.report.calibration).toContain('sums of 64')
  })

  test('keeps its promise for a sum of encryptions', () => {
    const worst = Array.from({ length: 20 }, (_, seed) => far(simulate(program, all, { seed, summands })))
    expect(Math.max(...worst)).toBeLessThan(1.2 * relativeError * largestOutput)
    expect(Math.max(...worst)).toBeGreaterThan(0.2 * relativeError * largestOutput)
  })

  test('has room for the noise of all encryptions, where one for single samples has not', () => {
    // Sums of an odd number of these are no larger than one, but have the noise of all.
    const both = Float64Array.from(some.flatMap((sample) => [...sample, ...sample.map((v) => -v)]))
    const zeros = new Float64Array(size)
    const [bias] = [runClear(graph, zeros)]
    const worst = (count: number): number => {
      const options = {
        samples: both,
        precisionBits: 12,
        packing: 'coefficient',
        ...(count > 1 && { summands: count }),
      } as const
      const made = compile(graph, options)
      const noisy = Array.from({ length: 40 }, (_, seed) => simulate(made, zeros, { seed, summands: 1023 }))
      const error = Math.max(...noisy.map((out) => Math.max(...out.map((v, i) => Math.abs(v - bias![i]!)))))
      return error / (made.report.relativeError * made.report.largestOutput)
    }
    expect(worst(1023)).toBeLessThan(1.2)
    expect(worst(1)).toBeGreaterThan(2)
  })

  test.each([0, 1.5, 65_537, Number.NaN])('%s summands are refused', (wrong) => {
    expect(() => compile(graph, { samples, summands: wrong })).toThrow(/"summands" expected an integer from 1 to 65536/)
  })
})
