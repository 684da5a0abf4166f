import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { graphs, randomMap } from '../../test/graphs.ts'
import { buildModel, floats, type ModelLiteral, node } from '../../test/onnx.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import type { Graph } from '../graph/graph.ts'
import { importOnnx } from '../import/onnx.ts'
import { lower } from '../passes/lower.ts'
import { runClear } from '../run/clear.ts'
import { multiplyVector } from '../tensor/sparse.ts'
import type { Circuit } from './circuit.ts'
import { type Diagonals, diagonalise, offsetsOf } from './diagonals.ts'
import { compact, evaluateCircuit, outputOf } from './evaluate.ts'
import { isPlain, type Layout, plainLayout, repeat, spread, tiledLayout } from './layout.ts'
import { applyMap, type RotationMap } from './linear-map.ts'
import { packSlots as pack } from './pack-slots.ts'
import { windowLayouts } from './windows.ts'

const graphOf = (literal: ModelLiteral): Graph => importOnnx(buildModel(literal)).graph

const diagonalsOf = ({ steps }: Circuit): Diagonals[] =>
  steps.flatMap((step) => (step.op === 'linear' && step.map.kind === 'rotations' ? [step.map.diagonals] : []))

/** A layout with every element in a random slot of all tiles, and some of them in more than one. */
function scattered(size: number, period: number, copies: number, seed: number, tiles = 1): Layout {
  const places = tiles * period
  const order = randomNumbers(seed, places)
  const slots = Array.from({ length: places }, (_, s) => s).sort((a, b) => order[a]! - order[b]!)
  const elements = new Int32Array(places).fill(-1)
  slots.slice(0, Math.min(places, size + copies)).forEach((slot, i) => {
    elements[slot] = i % size
  })
  return { size, tiles, period, elements }
}

/** The map of diagonals on the slots of all tiles; every rotation is a baby. */
function applied(diagonals: Diagonals, input: Layout, x: Float64Array, slots: number): Float64Array {
  const map: RotationMap = { kind: 'rotations', diagonals, plan: { babies: offsetsOf(diagonals), giants: [0] } }
  return applyMap(map, input.tiles > 1 ? spread(input, x) : repeat(spread(input, x), slots))
}

describe('a matrix between two layouts', () => {
  test('computes the product in all slots of the output layout', () => {
    const power = fc.integer({ min: 0, max: 4 })
    fc.assert(
      fc.property(
        fc.record({ rows: power, columns: power, out: power, into: power, seed: fc.nat(1e6) }),
        ({ rows, columns, out, into, seed }) => {
          const [n, m] = [Math.ceil(2 ** (rows - 0.4)), Math.ceil(2 ** (columns - 0.4))]
          const output = scattered(n, Math.max(2 ** out, 2 ** rows), seed % 4, seed)
          const input = scattered(m, Math.max(2 ** into, 2 ** columns), 3, seed + 1)
          const { matrix } = randomMap(seed, n, m, 0.7)
          const x = randomNumbers(seed + 9, m)
          const expected = multiplyVector(matrix, x)
          const slots = applied(diagonalise(matrix, input, output), input, x, 32)
          for (let shift = 0; shift < 32; shift += output.period) {
            const period = slots.subarray(shift, shift + output.period)
            // Every copy of an element, and 0 in slots without one, so that what follows may count on it.
            expect(largestDifference(period, spread(output, expected))).toBeLessThan(1e-12)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a wide matrix folds, a tall one does not', () => {
    const wide = diagonalise(randomMap(1, 3, 16).matrix, plainLayout(16), plainLayout(3))
    expect([wide.period, offsetsOf(wide).length, wide.folds]).toEqual([16, 4, [4, 8]])
    const tall = diagonalise(randomMap(1, 16, 3).matrix, plainLayout(3), plainLayout(16))
    expect([tall.period, offsetsOf(tall).length, tall.folds]).toEqual([16, 4, []])
    const square = diagonalise(randomMap(1, 4, 4).matrix, plainLayout(4), plainLayout(4))
    expect([offsetsOf(square), square.folds]).toEqual([[0, 1, 2, 3], []])
  })
})

/** A graph of one-channel pictures: sums and products of them, convolutions, and convolutions to 16 channels that are squared and mixed to one. */
function pictures(
  side: number,
  steps: readonly { op: number; first: number; second: number; kernel: number }[],
): Graph {
  const initializers: ReturnType<typeof floats>[] = []
  const nodes: ReturnType<typeof node>[] = []
  const values = ['x']
  const depths = [0]
  steps.forEach(({ op, first, second, kernel }, i) => {
    const a = first % values.length
    const b = second % values.length
    const y = i === steps.length - 1 ? 'y' : `y${i}`
    const deep = Math.max(depths[a]!, depths[b]!)
    if (op < 2 && deep < 3) nodes.push(node('Mul', [values[a]!, values[b]!], y))
    else if (op === 2) nodes.push(node('Add', [values[a]!, values[b]!], y))
    else {
      const channels = op === 3 || deep === 3 ? 1 : 16
      const taps = kernel * kernel
      const weights = randomNumbers(i, channels * taps).map((v) => v / kernel)
      initializers.push(floats(`w${i}`, [channels, 1, kernel, kernel], weights))
      const wide = channels > 1 ? `wide${i}` : y
      nodes.push(node('Conv', [values[a]!, `w${i}`], wide, { auto_pad: 'SAME_UPPER' }))
      if (channels > 1) {
        initializers.push(floats(`v${i}`, [1, channels, 1, 1], randomNumbers(i + 50, channels)))
        nodes.push(node('Mul', [wide, wide], `square${i}`), node('Conv', [`square${i}`, `v${i}`], y))
      }
    }
    depths.push(deep + 1)
    values.push(y)
  })
  return graphOf({ input: ['n', 1, side, side], initializers, nodes })
}

describe('a circuit', () => {
  test('computes what its graph does', () => {
    fc.assert(
      fc.property(graphs({ maxSize: 16, depth: 3, length: 10 }), fc.nat(), (graph, seed) => {
        const x = randomNumbers(seed, graph.nodes[0]!.size)
        const expected = runClear(graph, x)
        const scale = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1)
        const circuit = pack(lower(graph), 64)
        for (const variant of [circuit, compact(circuit)]) {
          const register = evaluateCircuit(variant, x).at(-1)!
          expect(largestDifference(outputOf(variant, register), expected)).toBeLessThan(1e-10 * scale)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('computes what its graph does, for products and sums of pictures with their convolutions', () => {
    const step = fc.record({
      op: fc.nat(5),
      first: fc.nat(20),
      second: fc.nat(20),
      kernel: fc.integer({ min: 1, max: 3 }),
    })
    let byWindows = 0
    fc.assert(
      fc.property(
        fc.record({ side: fc.integer({ min: 4, max: 7 }), steps: fc.array(step, { minLength: 2, maxLength: 7 }) }),
        ({ side, steps }) => {
          const graph = pictures(side, steps)
          const x = randomNumbers(side, side * side)
          const expected = runClear(graph, x)
          const scale = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1)
          const circuit = pack(lower(graph), 4096)
          if (/by windows/.test(circuit.notes[0]!)) byWindows++
          const register = evaluateCircuit(compact(circuit), x).at(-1)!
          expect(largestDifference(outputOf(circuit, register), expected)).toBeLessThan(1e-10 * scale)
        },
      ),
      { numRuns: 150, seed: 1 },
    )
    expect(byWindows).toBeGreaterThan(10)
  })

  const convolution = lower(
    graphOf({
      input: ['n', 1, 12, 12],
      initializers: [floats('w', [4, 1, 3, 3], randomNumbers(1, 36)), floats('g', [5, 64], randomNumbers(2, 320))],
      nodes: [
        node('Conv', ['x', 'w'], 'a', { strides: [3, 3] }),
        node('Mul', ['a', 'a'], 'b'),
        node('Flatten', ['b'], 'c'),
        node('Gemm', ['c', 'g'], 'y', { transB: 1 }),
      ],
    }),
  )

  test('lays a convolution out by windows, with one diagonal a channel', () => {
    const circuit = pack(convolution, 512)
    const [conv, dense] = diagonalsOf(circuit)
    // 16 windows of 9 taps: 16 x 16 slots.
    expect([circuit.input.period, offsetsOf(conv!), conv!.folds]).toEqual([256, [0, 16, 32, 48], [64, 128]])
    expect(offsetsOf(dense!).length).toBe(8)
    expect(circuit.notes[0]).toMatch(/by windows of "Conv_a": 16 windows x 9 taps in 256 slots, 4 channels/)
  })

  test('keeps the plain layout where windows do not fit', () => {
    const circuit = pack(convolution, 128 + 128)
    expect(circuit.input.period).toBe(256)
    const small = lower(
      graphOf({
        input: ['n', 1, 12, 12],
        initializers: [floats('w', [1, 1, 7, 7], randomNumbers(1, 49))],
        nodes: [node('Conv', ['x', 'w'], 'y')],
      }),
    )
    // 36 windows of 49 taps need 4096 slots.
    expect(pack(small, 256).notes[0]).toMatch(/plain order/)
  })

  test('leaves out what no window looks at, unless something else needs it', () => {
    // Taps 0, 1 of every 4 columns: 4 windows of 8 taps fill all of the 32 slots.
    const conv = {
      w: floats('w', [2, 1, 4, 2], randomNumbers(1, 16)),
      node: node('Conv', ['x', 'w'], 'y', { strides: [4, 4] }),
    }
    const literal = { input: ['n', 1, 4, 16], initializers: [conv.w], nodes: [conv.node] }
    const circuit = pack(lower(graphOf(literal)), 64)
    expect([circuit.input.period, new Set(circuit.input.elements).size]).toEqual([32, 32])
    const x = randomNumbers(2, 64)
    const y = outputOf(circuit, evaluateCircuit(circuit, x).at(-1)!)
    expect(largestDifference(y, runClear(graphOf(literal), x))).toBeLessThan(1e-12)
    const both = {
      ...literal,
      nodes: [
        node('Conv', ['x', 'w'], 'a', { strides: [4, 4] }),
        node('ReduceMean', ['x'], 'b', { axes: [1, 2, 3] }),
        node('Mul', ['a', 'b'], 'y'),
      ],
    }
    expect(pack(lower(graphOf(both)), 64).notes[0]).toMatch(/plain order|"ReduceMean_b"/)
  })
})

test('a layout that leaves out elements is not plain, whatever it starts with', () => {
  expect(isPlain(tiledLayout(5, 2))).toBe(true)
  expect(isPlain({ size: 2, tiles: 1, period: 1, elements: Int32Array.of(0) })).toBe(false)
  expect(isPlain({ size: 2, tiles: 1, period: 2, elements: Int32Array.of(1, 0) })).toBe(false)
})

test('a dense layer is one window', () => {
  const layouts = windowLayouts(randomMap(3, 5, 12).matrix)
  expect([layouts.windows, layouts.taps, layouts.channels, layouts.input.period, layouts.output.period]).toEqual([
    1, 12, 5, 16, 8,
  ])
})

describe('vectors over several ciphertexts', () => {
  const slots = 16

  test('a matrix between any numbers of tiles computes the product in all slots', () => {
    const side = fc.record({
      tiles: fc.integer({ min: 1, max: 4 }),
      log: fc.nat(4),
      fill: fc.double({ min: 0.1, max: 1, noNaN: true }),
    })
    const layoutOf = ({ tiles, log, fill }: { tiles: number; log: number; fill: number }, seed: number): Layout => {
      // Several tiles take all slots.
      const period = tiles > 1 ? slots : 2 ** log
      const most = tiles * period
      return scattered(Math.max(1, Math.floor(fill * most)), period, seed % 4, seed, tiles)
    }
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.record({ from: side, to: side, seed: fc.nat(1e6) }), ({ from, to, seed }) => {
        const [input, output] = [layoutOf(from, seed + 1), layoutOf(to, seed)]
        const { matrix } = randomMap(seed, output.size, input.size, 0.4)
        const x = randomNumbers(seed + 9, input.size)
        const diagonals = diagonalise(matrix, input, output)
        expect([diagonals.sources, diagonals.targets]).toEqual([input.tiles, output.tiles])
        expect(new Set(diagonals.blocks.map((block) => block.to)).size).toBe(output.tiles)
        const registers = applied(diagonals, input, x, slots)
        const expected = spread(output, multiplyVector(matrix, x))
        for (let tile = 0; tile < output.tiles; tile++) {
          const own = expected.subarray(tile * output.period, (tile + 1) * output.period)
          for (let shift = 0; shift < slots; shift += output.period) {
            const at = tile * slots + shift
            expect(largestDifference(registers.subarray(at, at + output.period), own)).toBeLessThan(1e-12)
          }
        }
        seen.add(`${input.tiles} to ${output.tiles}${diagonals.folds.length > 0 ? ', folded' : ''}`)
      }),
      { numRuns: 250, seed: 3 },
    )
    // Folds come where one tile with a shorter period is left.
    expect([...seen].filter((what) => /^\d to \d$/.test(what))).toHaveLength(16)
    expect([...seen].filter((what) => /folded/.test(what))).toHaveLength(4)
  })

  test('a circuit computes what its graph does, biases and products and all', () => {
    let [several, mixed] = [0, 0]
    fc.assert(
      fc.property(graphs({ maxSize: 40, depth: 3, length: 8 }), fc.nat(), (graph, seed) => {
        const x = randomNumbers(seed, graph.nodes[0]!.size)
        const expected = runClear(graph, x)
        const scale = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1)
        const circuit = pack(lower(graph), slots)
        const registers = evaluateCircuit(circuit, x)
        expect(registers.map(({ length }) => length / slots)).toEqual(circuit.tiles)
        expect(largestDifference(outputOf(circuit, registers.at(-1)!), expected)).toBeLessThan(1e-10 * scale)
        if (circuit.tiles.every((tiles) => tiles > 1)) several++
        if (new Set(circuit.tiles).size > 1) mixed++
      }),
      { numRuns: 120, seed: 2 },
    )
    expect(several).toBeGreaterThan(10)
    expect(mixed).toBeGreaterThan(10)
  })

  test('has a diagonal for a tile without weights, and none for other blocks without', () => {
    const { matrix } = randomMap(1, 20, 40, 0)
    const diagonals = diagonalise(matrix, tiledLayout(40, slots), tiledLayout(20, slots))
    expect(diagonals.blocks.map(({ to, from, offsets }) => [to, from, offsets])).toEqual([
      [0, 0, [0]],
      [1, 0, [0]],
    ])
    expect(applied(diagonals, tiledLayout(40, slots), randomNumbers(1, 40), slots)).toEqual(new Float64Array(32))
  })

  test('takes as many ciphertexts as a vector needs, and says so', () => {
    const graph = graphOf({
      input: ['n', 40],
      initializers: [floats('w', [3, 40], randomNumbers(1, 120))],
      nodes: [node('Gemm', ['x', 'w'], 'y', { transB: 1 })],
    })
    const circuit = pack(lower(graph), slots)
    expect([circuit.tiles, circuit.input.tiles, circuit.output.tiles]).toEqual([[3, 1], 3, 1])
    expect(circuit.notes[0]).toMatch(/plain order, 3 ciphertexts/)
    const [diagonals] = diagonalsOf(circuit)
    expect(diagonals!.blocks.map(({ to, from }) => [to, from])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
    ])
  })
})
