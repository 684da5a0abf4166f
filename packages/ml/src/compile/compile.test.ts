import { createParams, GloveboxError } from '@glovebox/he'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { graphs, randomMap } from '../../test/graphs.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { keysNeeded, registersOf } from '../program/program.ts'
import { runClear } from '../run/clear.ts'
import { simulate } from '../run/simulate.ts'
import { affine } from '../tensor/affine.ts'
import { buildSparse } from '../tensor/sparse.ts'
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

  test('of one affine map needs no levels and no keys', () => {
    const program = compile(chain([20, 3]))
    expect(program.params).toMatchObject({ ringDegree: 2048, modulusBits: [expect.any(Number)], specialBits: [] })
    expect(program.steps.map(({ op, level }) => [op, level])).toEqual([['linear', 0]])
    expect(keysNeeded(program)).toEqual({ rotations: [] })
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

describe('the packing', () => {
  const packingsOf = (program: ReturnType<typeof compile>): string[] => [
    ...new Set(program.report.alternatives.map(({ packing }) => packing)),
  ]

  test('of a linear model is in coefficients, without keys; of many samples at once in a batch', () => {
    const graph = chain([784, 10])
    const program = compile(graph)
    expect([program.packing, program.encoding, program.params.ringDegree]).toEqual([
      'coefficient',
      'coefficients',
      2048,
    ])
    expect([program.params.modulusBits.length, program.params.specialBits]).toEqual([1, []])
    expect(keysNeeded(program)).toEqual({ rotations: [] })
    expect(packingsOf(program).sort()).toEqual(['batch', 'coefficient', 'slots'])
    const many = compile(chain([20, 3]), { batchSize: 4096 })
    expect([many.packing, many.encoding, keysNeeded(many)]).toEqual(['batch', 'coefficients', { rotations: [] }])
  })

  test('of a network is in slots for one sample, in a batch for many, and what was asked for where it was', () => {
    const graph = chain([12, 6, 2])
    const [one, many] = [compile(graph), compile(graph, { batchSize: 4096 })]
    expect([one.packing, many.packing]).toEqual(['slots', 'batch'])
    expect(many.relinearise).toBe('sums')
    expect(keysNeeded(many)).toEqual({ rotations: [], relinearisation: expect.any(Number) })
    // On a link that costs nothing and with little compute, a batch of one is still more work.
    for (const packing of ['slots', 'batch'] as const) {
      const forced = compile(graph, { packing, batchSize: packing === 'slots' ? 4096 : 1 })
      expect([forced.packing, ...packingsOf(forced)]).toEqual([packing, packing])
    }
    for (const packing of ['coefficient', 'slots', 'batch'] as const)
      expect(compile(chain([20, 3]), { packing }).packing).toBe(packing)
  })

  test('is the cheapest of the alternatives, which are sorted and have prices or reasons', () => {
    for (const [graph, options] of [
      [chain([784, 10]), {}],
      [chain([12, 6, 2]), { batchSize: 100 }],
      [chain([12, 6, 2]), { megabitsPerSecond: 1e6 }],
    ] as const) {
      const { packing, params, report } = compile(graph, options)
      const { alternatives } = report
      expect(alternatives[0]).toMatchObject({ packing, ringDegree: params.ringDegree })
      expect(alternatives.length).toBeGreaterThan(2)
      const prices = alternatives.map(({ milliseconds }) => milliseconds ?? Infinity)
      expect(prices).toEqual(prices.toSorted((a, b) => a - b))
      for (const { milliseconds, computeMilliseconds, bytes, keyBytes, reason, layout } of alternatives) {
        expect(layout).not.toBe('')
        expect(reason === undefined).toBe(milliseconds !== undefined)
        if (milliseconds === undefined) continue
        expect(computeMilliseconds).toBeGreaterThan(0)
        const megabits = 'megabitsPerSecond' in options ? options.megabitsPerSecond : 50
        const transport = (bytes! + keyBytes! / 1000) / (125 * megabits)
        expect(milliseconds).toBeCloseTo(computeMilliseconds! + transport, 9)
      }
    }
  })
})

describe('a program of nearly nothing keeps its promise', () => {
  const input: Node = { op: 'input', inputs: [], size: 1, name: 'x' }
  const square: Node = { op: 'multiply', inputs: [0, 0], size: 1, name: 'square' }
  const half: Node = {
    op: 'affine',
    inputs: [0],
    size: 1,
    name: 'half',
    map: affine(buildSparse(1, 1, (_, add) => add(0, 0.5))),
  }
  const of = (...nodes: Node[]): Graph => ({
    nodes: [input, ...nodes],
    output: nodes.length,
    inputShape: [1],
    outputShape: [1],
    inputName: 'x',
    outputName: 'y',
  })

  test('though small primes lie far from their powers of two, and special ones may be too small for a digit', () => {
    const matrix = buildSparse(1, 1, (_, add) => add(0, -0.9765905141830444))
    const line = { ...half, map: affine(matrix, Float64Array.of(-0.30127114057540894)) }
    const product: Node = { op: 'multiply', inputs: [0, 1], size: 1, name: 'product' }
    for (const precisionBits of [12, 13, 14, 15]) {
      const samples = randomNumbers(6029, 3)
      const ringDegrees = [4096, 8192, 16384]
      const { report } = compile(of(line, product), { samples, precisionBits, packing: 'batch', ringDegrees })
      expect(report.relativeError).toBeLessThanOrEqual(2 ** -precisionBits)
    }
  })

  test.each([
    ['coefficient', of(half)],
    ['slots', of(half)],
    ['batch', of(half)],
    ['slots', of(square)],
    ['batch', of(square)],
  ] as const)('%s: though its base prime has few bits for the reply', (packing, graph) => {
    for (const precisionBits of [2, 4, 6, 8, 14]) {
      const { report } = compile(graph, { samples: Float64Array.of(0.75), packing, precisionBits })
      expect(report.relativeError, `${precisionBits} bits`).toBeLessThanOrEqual(2 ** -precisionBits)
    }
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
    expect(() => compile(chain([16, 8, 4]), { ringDegrees: [8192], precisionBits: 38 })).toThrow(
      /2\^-38: the best relative error is 2\^-.*"(dense|square|input|reply|mask)/,
    )
    for (const [packing, ringDegree] of [
      ['coefficient', 2048],
      ['slots', 4096],
      ['batch', 2048],
    ] as const)
      expect(() => compile(chain([16, 4]), { ringDegrees: [ringDegree], precisionBits: 30, packing })).toThrow(
        new RegExp(`2\\^-30 in ${packing} packing: the best relative error is 2\\^-[12].*"(dense 0|input|.*reply)"`),
      )
  })
  test('too wide', () => {
    const wide = (size: number): Graph => {
      const matrix = buildSparse(2, size, (_, add) => add(0, 1))
      const nodes: Node[] = [
        { op: 'input', inputs: [], size, name: 'x' },
        { op: 'affine', inputs: [0], size: 2, name: 'sum', map: { matrix, bias: new Float64Array(2) } },
        { op: 'multiply', inputs: [1, 1], size: 2, name: 'square' },
      ]
      return { nodes, output: 2, inputShape: [size], outputShape: [2], inputName: 'x', outputName: 'y' }
    }
    const tooLarge = (message: string) => expect.objectContaining({ code: 'too-large', message })
    const samples = new Float64Array(70000).fill(1)
    const fit = '16 ciphertexts of ring degree 4096 hold 32768: allow larger rings, or make it narrower'
    expect(() => compile(wide(70000), { samples, ringDegrees: [4096] })).toThrow(
      tooLarge(`"x" has 70000 elements, ${fit}`),
    )
    expect(() => compile(wide(35000), { samples, ringDegrees: [4096], packing: 'slots' })).toThrow(
      tooLarge(`"x" has 35000 elements, ${fit}`),
    )
    expect(() => compile(wide(70000), { samples, packing: 'batch' })).toThrow(
      tooLarge('"x" has 70000 elements, a batch takes 65536 at most'),
    )
  })
  test('a packing that the model or the rings cannot have', () => {
    const products =
      'coefficient packing is for affine models: this one has products of variables, which need slots or batch'
    expect(() => compile(chain([4, 4, 4]), { packing: 'coefficient' })).toThrow(
      expect.objectContaining({ code: 'unsupported', message: products }),
    )
    expect(() => compile(chain([4, 4]), { packing: 'slots', ringDegrees: [2048] })).toThrow(
      expect.objectContaining({
        code: 'unsupported',
        message: expect.stringMatching(/ring degree of 4096 .*2048 at most/),
      }),
    )
  })
  test('options that make no sense, by name', () => {
    for (const [options, message] of [
      [{ batchSize: 0 }, '"batchSize" expected an integer from 1, got 0'],
      [{ batchSize: 1.5 }, '"batchSize" expected an integer from 1, got 1.5'],
      [{ batchSize: Number.NaN }, '"batchSize" expected an integer from 1, got NaN'],
      [{ megabitsPerSecond: 0 }, '"megabitsPerSecond" expected a number above 0, got 0'],
      [{ packing: 'bags' as never }, '"packing" expected coefficient, slots, batch or nothing, got bags'],
      [{ ringDegrees: [Number.NaN] }, '"ringDegrees" expected powers of two from 1024 to 131072, got NaN'],
      [{ ringDegrees: [] }, '"ringDegrees" expected at least one ring degree, got none'],
      [{ precisionBits: 41 }, '"precisionBits" expected a number from 0 to 40, got 41'],
      [{ headroomBits: -1 }, '"headroomBits" expected a number from 0, got -1'],
      [{ headroomBits: Number.NaN }, '"headroomBits" expected a number from 0, got NaN'],
      [{ pixels: { scale: Infinity, offset: 0 } }, '"pixels" expected a finite scale and offset, got Infinity and 0'],
    ] as const)
      expect(() => compile(chain([4, 3]), options)).toThrow(new RangeError(message))
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
