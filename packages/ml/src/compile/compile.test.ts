import { createParams, GloveboxError } from '@glovebox/he'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { graphs, randomMap } from '../../test/graphs.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { registersOf } from '../program/program.ts'
import { runClear } from '../run/clear.ts'
import { simulate } from '../run/simulate.ts'
import { compile } from './compile.ts'

/** affine, square, affine, square, …, affine. */
function chain(sizes: readonly number[]): Graph {
  const nodes: Node[] = [{ op: 'input', inputs: [], size: sizes[0]!, name: 'x' }]
  sizes.slice(1).forEach((size, i) => {
    const last = nodes.length - 1
    nodes.push({ op: 'affine', inputs: [last], size, name: `dense ${i}`, map: randomMap(i, size, nodes[last]!.size) })
    if (i < sizes.length - 2) nodes.push({ op: 'multiply', inputs: [last + 1, last + 1], size, name: `square ${i}` })
  })
  const output = nodes.length - 1
  return { nodes, output, inputShape: [sizes[0]!], outputShape: [sizes.at(-1)!], inputName: 'x', outputName: 'y' }
}

const largest = (values: Float64Array): number => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0)

describe('a program', () => {
  test('computes what its graph does, for sums and products of all kinds', () => {
    fc.assert(
      fc.property(graphs({ maxSize: 12, depth: 2, length: 7 }), fc.nat(), (graph, seed) => {
        const samples = randomNumbers(seed, 2 * graph.nodes[0]!.size)
        const expected = runClear(graph, samples)
        let program: ReturnType<typeof compile>
        try {
          program = compile(graph, { samples, precisionBits: 8, ringDegrees: [8192, 16384] })
        } catch (error) {
          // A graph whose outputs cancel to nearly nothing cannot be precise, and sparse maps may lose the input.
          if (error instanceof GloveboxError && /relative error|does not depend/.test(error.message)) return
          throw error
        }
        expect(largestDifference(simulate(program, samples, { noise: false }), expected)).toBeLessThan(
          1e-9 * Math.max(1, largest(expected)),
        )
        const noisy = largestDifference(simulate(program, samples), expected)
        // 4 standard deviations of the worst output bound the largest of a few dozen draws.
        expect(noisy).toBeLessThan(1.5 * 2 ** -8 * largest(expected))
      }),
      { numRuns: 12 },
    )
  })

  test('of one affine map needs no levels and no relinearisation', () => {
    const program = compile(chain([20, 3]))
    expect(program.params).toMatchObject({ ringDegree: 4096, modulusBits: [expect.any(Number)] })
    expect(program.steps.map(({ op, level }) => [op, level])).toEqual([['linear', 0]])
  })

  test('may end with a product, start with one, or do nothing', () => {
    const input: Node = { op: 'input', inputs: [], size: 5, name: 'x' }
    const square: Node = { op: 'multiply', inputs: [0, 0], size: 5, name: 'square' }
    for (const nodes of [[input], [input, square], [input, square, { ...square, inputs: [1, 0] }]]) {
      const graph: Graph = {
        nodes,
        output: nodes.length - 1,
        inputShape: [5],
        outputShape: [5],
        inputName: 'x',
        outputName: 'y',
      }
      const samples = randomNumbers(4, 15)
      const program = compile(graph, { samples, precisionBits: 9 })
      expect(largestDifference(simulate(program, samples), runClear(graph, samples))).toBeLessThan(2 ** -9)
    }
  })

  test('gets exact scales: what is added has one, the output has its own', () => {
    const program = compile(chain([16, 8, 4]))
    const params = createParams(program.params)
    const registers = registersOf(program, params)
    expect(registers.at(-1)!.level).toBe(0)
    expect(registers.at(-1)!.scale / program.output.scale).toBeCloseTo(1, 13)
    expect(params.security.every(({ margin }) => margin >= 0)).toBe(true)
  })

  test('of several products in a row keeps its promise', () => {
    const graph = chain([6, 6, 6, 6, 6])
    const program = compile(graph, { samples: randomNumbers(5, 48) })
    expect(program.report.relativeError).toBeLessThanOrEqual(2 ** -10)
  })

  test('says how large its input may be: less than the headroom where products grow faster', () => {
    const linear = chain([16, 4])
    const nodes = linear.nodes.map((node) =>
      node.map ? { ...node, map: { ...node.map, bias: new Float64Array(4) } } : node,
    )
    expect(compile({ ...linear, nodes }).input.largest).toBe(4)
    const samples = randomNumbers(1, 160).map((v) => 3 * v)
    const largest = Math.max(...samples.map(Math.abs))
    const squared = compile(chain([16, 8, 4]), { samples }).input.largest
    expect(squared).toBeGreaterThan(1.5 * largest)
    expect(squared).toBeLessThan(4 * largest)
  })

  test('is the same every time', () => {
    expect(JSON.stringify(compile(chain([16, 8, 4])))).toBe(JSON.stringify(compile(chain([16, 8, 4]))))
  })

  test('takes a larger ring for more precision, and keeps the promise', () => {
    const graph = chain([64, 32, 16, 4])
    const samples = randomNumbers(8, 64 * 6)
    const expected = runClear(graph, samples)
    const degrees = [8, 12, 20].map((precisionBits) => {
      const program = compile(graph, { samples, precisionBits })
      expect(program.report.relativeError).toBeLessThanOrEqual(2 ** -precisionBits)
      const error = largestDifference(simulate(program, samples), expected) / largest(expected)
      expect(error).toBeLessThan(2 ** -precisionBits)
      expect(error).toBeGreaterThan(2 ** -precisionBits / 64)
      return program.params.ringDegree
    })
    expect(degrees).toEqual([8192, 8192, 16384])
  })
})

describe('what cannot be compiled is refused with the reason', () => {
  test('too deep', () => {
    const graph = chain(new Array<number>(9).fill(4))
    expect(() => compile(graph, { ringDegrees: [4096, 8192] })).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        message: expect.stringMatching(/ring degree 8192 .*levels do not fit under the security limit/),
      }),
    )
  })
  test('too precise, with the layer that most of the noise is from', () => {
    expect(() => compile(chain([16, 8, 4]), { ringDegrees: [8192], precisionBits: 30 })).toThrow(
      /2\^-30: the best relative error is 2\^-.*"(dense|square|input)/,
    )
  })
  test('too wide', () => {
    expect(() => compile(chain([3000, 4]), { ringDegrees: [4096] })).toThrow(
      expect.objectContaining({
        code: 'too-large',
        message: expect.stringMatching(/"x" has 3000 elements, a ciphertext holds 2048/),
      }),
    )
  })
  test('weights that no scale fits, by name', () => {
    const tiny = { matrix: randomMap(1, 4, 4).matrix, bias: new Float64Array(4) }
    const map = { ...tiny, matrix: { ...tiny.matrix, value: tiny.matrix.value.map((v) => v * 1e-30) } }
    const graph = chain([4, 4, 4])
    const nodes = graph.nodes.map((node, i) => (i === 1 ? { ...node, map } : node))
    expect(() => compile({ ...graph, nodes: nodes.slice(0, 3), output: 2, outputShape: [4] })).toThrow(
      /no scales fit: the (values|weights) of "(dense|square) 0" are too small, up to 2\^-\d+/,
    )
  })
  test('an output that does not depend on the input', () => {
    const graph = chain([4, 3, 2])
    const zero = { ...randomMap(1, 3, 4), matrix: randomMap(1, 3, 4, 0).matrix }
    const nodes = graph.nodes.map((node, i) => (i === 1 ? { ...node, map: zero } : node))
    expect(() => compile({ ...graph, nodes })).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        message: expect.stringMatching(/"y" .*does not depend on the input/),
      }),
    )
  })
  test('samples that measure nothing', () => {
    expect(() => compile(chain([4, 3]), { samples: new Float64Array(8) })).toThrow(
      new RangeError('"samples" expected a number other than 0, got only zeros'),
    )
    expect(() => compile(chain([4, 3]), { samples: Float64Array.of(1, 2, 3, Infinity) })).toThrow(
      new RangeError('"samples[3]" expected a finite number, got Infinity'),
    )
  })
  test('samples of another size', () => {
    expect(() => compile(chain([16, 4]), { samples: new Float64Array(17) })).toThrow(
      /"samples" expected a positive multiple of 16 numbers, got 17/,
    )
  })
})
