import { openCkks } from '@glovebox/he'
import { createSecretKey } from '@glovebox/he/secret'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { errorsOf, expectAsPredicted } from '../../test/errors.ts'
import { graphs, randomMap } from '../../test/graphs.ts'
import { largestDifference, randomNumbers } from '../../test/random.ts'
import { createKeysFor, encryptRun, openSession } from '../../test/session.ts'
import { type CompileOptions, compile } from '../compile/compile.ts'
import { deviationsOf } from '../compile/deviations.ts'
import type { Graph, Node } from '../graph/graph.ts'
import { tiledLayout } from '../layout/layout.ts'
import { chunkChoices } from '../layout/pack-coefficients.ts'
import { keysNeeded, type Program, partsOf, samplesPerRun } from '../program/program.ts'
import { type AffineMap, affine } from '../tensor/affine.ts'
import { buildSparse } from '../tensor/sparse.ts'
import { runClear } from './clear.ts'
import { costOf } from './cost.ts'
import { runEncrypted } from './encrypted.ts'
import { prepare } from './prepare.ts'

const packings = ['coefficient', 'slots', 'batch'] as const

/** Maps one after the other; the ones between squares of what is before. */
function chainOf(size: number, ...steps: readonly (AffineMap | 'square')[]): Graph {
  const nodes: Node[] = [{ op: 'input', inputs: [], size, name: 'x' }]
  for (const step of steps) {
    const last = nodes.length - 1
    if (step === 'square')
      nodes.push({ op: 'multiply', inputs: [last, last], size: nodes[last]!.size, name: `square ${last}` })
    else nodes.push({ op: 'affine', inputs: [last], size: step.matrix.rows, name: `dense ${last}`, map: step })
  }
  const output = nodes.length - 1
  const outputShape = [nodes[output]!.size]
  return { nodes, output, inputShape: [size], outputShape, inputName: 'x', outputName: 'y' }
}

/** Rows without weights; their biases stay. */
function withoutRows(map: AffineMap, ...empty: readonly number[]): AffineMap {
  const { rows, columns, start, index, value } = map.matrix
  const matrix = buildSparse(rows, columns, (row, add) => {
    if (empty.includes(row)) return
    for (let k = start[row]!; k < start[row + 1]!; k++) add(index[k]!, value[k]!)
  })
  return affine(matrix, map.bias)
}

/** Compiled for a packing and run: the program, where outputs are as precise as it says. */
function check(graph: Graph, options: CompileOptions, count = 2): Program {
  const samples = randomNumbers(7, count * graph.nodes[0]!.size)
  const program = compile(graph, { samples, precisionBits: 8, ...options })
  const { encrypted, simulated } = errorsOf(graph, program, samples)
  for (const z of encrypted) expect(Math.abs(z)).toBeLessThan(10)
  for (const z of simulated) expect(Math.abs(z)).toBeLessThan(6)
  return program
}

test('random graphs in every packing: encrypted and simulated errors are those that the program predicts', () => {
  const seen: Record<string, number[]> = {}
  const collect = (what: string, errors: Float64Array): void => {
    seen[what] = [...(seen[what] ?? []), ...errors]
  }
  const some = fc.sample(fc.tuple(graphs({ maxSize: 10, depth: 2, length: 5 }), fc.nat(1e6)), { numRuns: 6, seed: 31 })
  for (const [graph, seed] of some) {
    const samples = randomNumbers(seed, 3 * graph.nodes[0]!.size)
    for (const packing of packings) {
      let program: Program
      try {
        program = compile(graph, { samples, precisionBits: 8, packing, ringDegrees: [2048, 4096, 8192] })
      } catch (error) {
        expect((error as Error).message).toMatch(/is for affine models|relative error|does not depend/)
        continue
      }
      const { encrypted, simulated } = errorsOf(graph, program, samples)
      collect(packing, encrypted)
      collect(`${packing}, simulated`, simulated)
    }
  }
  for (const [what, errors] of Object.entries(seen)) expectAsPredicted(errors, what)
  expect(Object.keys(seen)).toHaveLength(6)
  for (const errors of Object.values(seen)) expect(errors.length).toBeGreaterThan(40)
})

test('weights that are next to nothing beside a bias are still those that carry the noise', () => {
  const map = { ...randomMap(4, 5, 7), bias: Float64Array.of(0.5, -0.4, 0.3, 0.2, 0.1) }
  const faint = affine({ ...map.matrix, value: map.matrix.value.map((v) => v / 50) }, map.bias)
  const graph = chainOf(7, 'square', faint)
  const samples = randomNumbers(7, 84).map((v) => v / 70)
  for (const packing of ['batch', 'slots'] as const) {
    const program = compile(graph, { samples, precisionBits: 10, packing })
    const [step] = program.steps.flatMap((one) => (one.op === 'linear' ? [one] : []))
    expect(step!.scale * Math.max(...faint.matrix.value.map(Math.abs)), packing).toBeGreaterThanOrEqual(4)
    const { encrypted } = errorsOf(graph, program, samples)
    for (const z of encrypted) expect(Math.abs(z), packing).toBeLessThan(deviationsOf(program))
  }
})

describe('slots over several ciphertexts', () => {
  const slots = { packing: 'slots', ringDegrees: [4096], precisionBits: 6 } as const
  const band = affine(
    buildSparse(3000, 3000, (row, add) => {
      for (const column of [row - 1, row, row + 2]) if (column >= 0 && column < 3000) add(column, 0.3 + row / 6000)
    }),
    randomNumbers(3, 3000),
  )
  test.each<[string, readonly AffineMap[], [number, number], boolean]>([
    ['of the input', [randomMap(1, 4, 3000, 0.2)], [2, 1], true],
    ['of the output', [randomMap(2, 3000, 4)], [1, 2], false],
    ['of both', [band], [2, 2], false],
  ])('%s', (_, maps, tiles, folds) => {
    const program = check(chainOf(maps[0]!.matrix.columns, ...maps), slots, 1)
    expect([program.input.layout.tiles, program.output.layout.tiles]).toEqual(tiles)
    const [step] = program.steps
    expect(step!.op === 'linear' && step!.map.kind === 'rotations' && step!.map.diagonals.folds.length > 0).toBe(folds)
  })

  test('some of which no weight leads to', () => {
    const empty = affine(
      buildSparse(3000, 4, (row, add) => {
        if (row < 2) add(row, 1)
      }),
      new Float64Array(3000).fill(0.5),
    )
    expect(check(chainOf(4, empty), slots, 1).output.layout.tiles).toBe(2)
  })

  test('with products of all of them', () => {
    const program = check(chainOf(3000, 'square', randomMap(5, 2, 3000)), slots, 1)
    expect(program.steps.map(({ op }) => op)).toEqual(['multiply', 'linear'])
    expect(costOf(program).steps.map(({ multiplications }) => multiplications)).toEqual([2, 0])
  })
})

describe('a batch', () => {
  const options = { packing: 'batch', batchSize: 4096 } as const

  test('has rows without weights, with biases and without', () => {
    const bias = Float64Array.of(0.5, -0.25, 0, 0)
    const empty = { ...withoutRows(randomMap(1, 4, 3), 0, 2), bias }
    for (const graph of [chainOf(3, empty), chainOf(3, empty, 'square', withoutRows(randomMap(2, 3, 4), 1))]) {
      const program = check(graph, options, 3)
      expect(program.packing).toBe('batch')
    }
  })

  test('may multiply by what is constant: the least weight in place of none is as small as it has to be', () => {
    const constant = { ...withoutRows(randomMap(1, 1, 1), 0), bias: Float64Array.of(0.131) }
    const product: Node = { op: 'multiply', inputs: [0, 1], size: 1, name: 'product' }
    const { nodes, ...graph } = chainOf(1, constant)
    for (const packing of ['batch', 'slots'] as const)
      check({ ...graph, nodes: [...nodes, product], output: 2 }, { packing, precisionBits: 14 }, 3)
  })

  test('has rows whose weights round to nothing', () => {
    const { matrix, bias } = randomMap(1, 3, 3)
    const value = matrix.value.map((w, k) => (k < 3 ? 1e-30 * w : w))
    check(chainOf(3, affine({ ...matrix, value }, bias)), options)
  })

  test('relinearises sums of products once each, and products that are the output', () => {
    for (const [graph, times] of [
      [chainOf(5, randomMap(1, 7, 5), 'square', randomMap(2, 2, 7)), 2],
      [chainOf(5, 'square'), 5],
      // Products of sums, and the sums of those.
      [chainOf(3, 'square', randomMap(3, 4, 3), 'square', randomMap(4, 2, 4)), 6],
    ] as const) {
      const program = compile(graph, { ...options, precisionBits: 6 })
      const relinearised = partsOf(program).includes(3)
      expect(relinearised).toBe(times !== 5)
      using ckks = openCkks(program.params)
      const relinearise = vi.fn(ckks.relinearise)
      const counted = { ...ckks, relinearise }
      using prepared = prepare(program, counted)
      const secret = createSecretKey(ckks)
      const keys = createKeysFor(ckks, secret, keysNeeded(program))
      const input = encryptRun(ckks, secret, program, [randomNumbers(2, graph.nodes[0]!.size)])
      for (const output of runEncrypted(prepared, input, keys)) expect([output.parts, output.level]).toEqual([2, 0])
      expect(relinearise).toHaveBeenCalledTimes(times)
    }
  })

  test.each([1, 3, 'all'] as const)('of %s samples gives each its own answer', (some) => {
    for (const graph of [
      chainOf(3, randomMap(1, 2, 3)),
      chainOf(3, randomMap(1, 3, 3), 'square', randomMap(2, 2, 3)),
    ]) {
      const samples = randomNumbers(7, 24)
      const program = compile(graph, { ...options, samples, precisionBits: 8 })
      const count = some === 'all' ? samplesPerRun(program) : some
      expect(samplesPerRun(program)).toBe(program.params.ringDegree / (program.encoding === 'slots' ? 2 : 1))
      using session = openSession(program)
      const rows = Array.from({ length: count }, (_, i) => samples.subarray(3 * (i % 8), 3 * (i % 8) + 3))
      const answers = session.predictAll(rows)
      expect(answers).toHaveLength(count)
      const expected = runClear(graph, samples)
      const bound = program.report.relativeError * program.report.largestOutput
      answers.forEach((answer, i) => {
        expect(largestDifference(answer, expected.subarray(2 * (i % 8), 2 * (i % 8) + 2))).toBeLessThan(2.5 * bound)
      })
    }
  })

  test('of more samples than it has places for, or of none, is refused', () => {
    const program = compile(chainOf(3, randomMap(1, 2, 3)), options)
    using session = openSession(program)
    const most = samplesPerRun(program)
    for (const count of [0, most + 1])
      expect(() => session.predictAll(new Array(count).fill(new Float64Array(3)))).toThrow(
        new RangeError(`"samples" expected 1 to ${most} samples, got ${count}`),
      )
  })
})

/** The same program with another number of inputs in a ciphertext. */
function withChunk(program: Program, chunk: number): Program {
  const [step] = program.steps
  if (step?.op !== 'linear' || step.map.kind !== 'polynomials') throw new TypeError('expected one map of polynomials')
  const { rows, columns } = step.map.matrix
  const perTile = Math.min(rows, Math.floor(program.params.ringDegree / chunk))
  const reply = { ...program.output.reply, stride: perTile === 1 ? 1 : chunk, count: perTile }
  return {
    ...program,
    input: { ...program.input, layout: tiledLayout(columns, chunk) },
    output: { ...program.output, layout: tiledLayout(rows, perTile), reply },
    steps: [{ ...step, map: { ...step.map, chunk, perTile } }],
  }
}

describe('coefficients', () => {
  const options = { packing: 'coefficient', ringDegrees: [2048], precisionBits: 8 } as const
  const samplesOf = (columns: number): Float64Array => randomNumbers(5, 2 * columns)

  test.each<[string, number, AffineMap, readonly number[]]>([
    ['every choice of chunks', 784, randomMap(1, 10, 784), chunkChoices(784, 10, 2048)],
    ['chunks of all sizes, and short last ones', 30, randomMap(2, 7, 30), [1, 2, 7, 16, 29, 30, 293, 2048]],
    ['as many inputs as coefficients, and twice', 4096, randomMap(3, 3, 4096), [2048, 1365, 683]],
    ['a last chunk of one', 2049, randomMap(4, 3, 2049), [2048, 1024, 683]],
    ['one input, many outputs', 1, randomMap(5, 40, 1), [1, 2, 64, 2048]],
    ['more outputs than coefficients', 1, randomMap(5, 2100, 1), [1]],
    ['rows without weights', 20, withoutRows(randomMap(6, 6, 20), 0, 3, 5), [20, 7, 1024, 2048]],
    [
      'rows without weights or biases',
      20,
      { ...withoutRows(randomMap(7, 5, 20), 1, 2), bias: new Float64Array(5) },
      [20, 1024, 2048],
    ],
  ])('%s', (_, columns, map, chunks) => {
    const graph = chainOf(columns, map)
    const samples = samplesOf(columns)
    const program = compile(graph, { ...options, samples })
    const chosen = program.input.layout.period
    expect(chunkChoices(columns, map.matrix.rows, 2048)).toContain(chosen)
    for (const chunk of [...chunks, chosen]) {
      const other = withChunk(program, chunk)
      if (chunk === chosen) expect(other).toEqual(program)
      const { encrypted } = errorsOf(graph, other, samples)
      // All rows of a ciphertext multiply its noise, and each output has the noise of all.
      const more = Math.sqrt(Math.max(1, other.output.layout.period / program.output.layout.period))
      for (const z of encrypted) expect(Math.abs(z), `chunk ${chunk}`).toBeLessThan(10 * more)
    }
  })

  test('a reply has the outputs and no other coefficient of c_0', () => {
    const program = compile(chainOf(784, randomMap(1, 10, 784)), options)
    const { reply, layout } = program.output
    expect(reply).toMatchObject({ stride: program.input.layout.period, count: layout.period })
    expect(layout.tiles * layout.period).toBeGreaterThanOrEqual(10)
  })

  test('outputs may all be the same', () => {
    const same = affine(
      buildSparse(5, 3, (_, add) => add(1, 0.5)),
      new Float64Array(5).fill(0.25),
    )
    check(chainOf(3, same), options)
  })
})
