import { type Bfv, ByteReader, ByteWriter, createParams, maskWith, readReply, writeReply } from '@glovebox/he'
import { createSecretKey, encryptSymmetric, noiseBudget } from '@glovebox/he/secret'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { randomMap } from '../../test/graphs.ts'
import { randomNumbers } from '../../test/random.ts'
import { encryptRun, openSession } from '../../test/session.ts'
import type { Graph } from '../graph/graph.ts'
import { importScorecard } from '../import/scorecard.ts'
import { runBefore } from '../model/before.ts'
import { decodeClientPart, requireSample, scalePixels } from '../program/client.ts'
import { integerStep } from '../program/integers.ts'
import type { Program } from '../program/program.ts'
import { decodeServerPart, encodeServerPart } from '../program/server.ts'
import { showProgram } from '../program/show.ts'
import { runClear } from '../run/clear.ts'
import { runEncrypted } from '../run/encrypted.ts'
import { prepare } from '../run/prepare.ts'
import { openContext } from '../run/scheme.ts'
import { simulate } from '../run/simulate.ts'
import { type AffineMap, affine } from '../tensor/affine.ts'
import { buildSparse } from '../tensor/sparse.ts'
import { bundle } from './bundle.ts'
import { compile } from './compile.ts'
import { integerError, noiseOf } from './integer-params.ts'

function graphOf(map: AffineMap, shape: readonly number[] = [map.matrix.columns]): Graph {
  const { rows, columns } = map.matrix
  return {
    nodes: [
      { op: 'input', inputs: [], size: columns, name: 'x' },
      { op: 'affine', inputs: [0], size: rows, name: 'dense', map },
    ],
    output: 1,
    inputShape: shape,
    outputShape: [rows],
    inputName: 'x',
    outputName: 'y',
  }
}

/** What a program in BFV is to give, on bigint, from the weights of the model and the scales of the program alone: integers over the scale of the output. */
function exactly({ matrix, bias }: AffineMap, { input, steps, output }: Program, sample: Float64Array): number[] {
  const [step] = steps
  const weightScale = step?.op === 'linear' ? step.scale : 1
  const x = Array.from(sample, (v) => BigInt(Math.round(v * input.scale)))
  return Array.from({ length: matrix.rows }, (_, row) => {
    let sum = BigInt(Math.round(bias[row]! * input.scale * weightScale))
    for (let k = matrix.start[row]!; k < matrix.start[row + 1]!; k++)
      sum += BigInt(Math.round(matrix.value[k]! * weightScale)) * x[matrix.index[k]!]!
    return Number(sum) / output.scale
  })
}

/** The sample within the range that makes an output as large as it gets. */
function extreme({ matrix }: AffineMap, { input }: Program, row: number, sign: number): Float64Array {
  const { low, high } = input.integers!
  const sample = new Float64Array(matrix.columns).fill(high)
  for (let k = matrix.start[row]!; k < matrix.start[row + 1]!; k++)
    sample[matrix.index[k]!] = sign * matrix.value[k]! > 0 ? high : low
  return sample
}

function check(map: AffineMap, program: Program, samples: readonly Float64Array[], session = openSession(program)) {
  using open = session
  const promised = program.report.relativeError * program.report.largestOutput
  const graph = graphOf(map)
  const outputs = program.packing === 'batch' ? open.predictAll(samples) : samples.map((sample) => open.predict(sample))
  samples.forEach((sample, i) => {
    const exact = exactly(map, program, sample)
    expect(Array.from(outputs[i]!)).toEqual(exact)
    expect(Array.from(simulate(program, sample))).toEqual(exact)
    runClear(graph, sample).forEach((v, j) => expect(Math.abs(v - exact[j]!)).toBeLessThanOrEqual(promised))
  })
  expect(program.report.relativeError).toBeLessThanOrEqual(program.report.targetError)
}

describe('an affine model in BFV', () => {
  const models = fc.record({
    seed: fc.nat(1000),
    rows: fc.integer({ min: 1, max: 7 }),
    columns: fc.integer({ min: 1, max: 40 }),
    density: fc.constantFrom(0.2, 1),
    precisionBits: fc.integer({ min: 2, max: 11 }),
    packing: fc.constantFrom('coefficient', 'batch'),
    /** Inputs are multiples of a step, or not. */
    step: fc.constantFrom(undefined, 1, 10, 255),
    centre: fc.constantFrom(0, 0.5, 20),
  })

  test('gives the integers of its rounded weights to the last bit, as near to the model as it promises, up to the ends of its range', () => {
    fc.assert(
      fc.property(models, ({ seed, rows, columns, density, precisionBits, packing, step, centre }) => {
        const map = randomMap(seed, rows, columns, density)
        const graph = graphOf(map)
        fc.pre(map.matrix.value.some((w) => w !== 0))
        const onGrid = (v: number): number => (step === undefined ? v : Math.round(v * step) / step)
        const samples = randomNumbers(seed + 3, 6 * columns).map((v) => onGrid(v + centre))
        fc.pre(samples.some((v) => v !== 0))
        let program: Program
        try {
          program = compile(graph, { scheme: 'bfv', samples, precisionBits, packing } as const)
        } catch (error) {
          // Outputs may be small beside what the weights would make of other inputs.
          expect((error as Error).message).toMatch(/needs integers (modulo|beyond)|no parameters/)
          return fc.pre(false)
        }
        const some = Array.from({ length: 2 }, (_, i) => samples.slice(i * columns, (i + 1) * columns))
        check(map, program, [...some, extreme(map, program, 0, 1), extreme(map, program, rows - 1, -1)])
      }),
      { numRuns: 25 },
    )
  })

  test('is in two primes where one has no room for the noise, and in several ciphertexts where it is wide', () => {
    const map = randomMap(5, 9, 3000)
    const samples = randomNumbers(6, 3 * 3000).map((v) => (v > 0 ? 1 : 0))
    const program = compile(graphOf(map), { scheme: 'bfv', samples, precisionBits: 13, packing: 'coefficient' })
    expect(program.params.modulusBits).toHaveLength(2)
    expect(program.input.layout.tiles + program.output.layout.tiles).toBeGreaterThan(2)
    check(map, program, [samples.subarray(0, 3000), extreme(map, program, 8, 1)])
  })

  test('has results that are nothing but a bias', () => {
    const weights = randomNumbers(17, 1500)
    const matrix = buildSparse(3, 1500, (row, add) => {
      if (row !== 1) weights.forEach((w, column) => void add(column, w))
    })
    const map = affine(matrix, Float64Array.of(0.25, -0.5, 1))
    const samples = randomNumbers(18, 3000).map((v) => (v > 0 ? 1 : 0))
    for (const packing of ['coefficient', 'batch'] as const) {
      const program = compile(graphOf(map), { scheme: 'bfv', samples, packing, precisionBits: 5, ringDegrees: [2048] })
      if (packing === 'coefficient') expect(program.output.layout.tiles).toBe(3)
      check(map, program, [samples.subarray(0, 1500), new Float64Array(1500).fill(1)])
    }
  })

  test('takes sums of as many samples as it was compiled for', () => {
    const map = randomMap(7, 2, 5)
    const samples = randomNumbers(8, 40)
    const program = compile(graphOf(map), { scheme: 'bfv', samples, summands: 4, packing: 'coefficient' })
    const one = compile(graphOf(map), { scheme: 'bfv', samples, packing: 'coefficient' })
    expect(program.input.integers!.high).toBeGreaterThan(3.9 * one.input.integers!.high)
    check(map, program, [extreme(map, program, 0, 1), samples.subarray(0, 5)])
  })

  test('has no weights rounded where they are multiples of something, as points of scorecards are', () => {
    const card = {
      format: 'glovebox-scorecard',
      version: 1,
      name: 'card',
      intercept: -1,
      link: 'logistic',
      features: [
        { name: 'age', edges: [40, 60], weights: [-0.5, 0.25, 1] },
        { name: 'sex', categories: ['female', 'male'], weights: [-0.2, 0.2] },
      ],
    }
    const model = importScorecard(card, { contributions: false })
    const program = compile(model, { scheme: 'bfv', precisionBits: 6 })
    const { input, steps, report, params } = program
    expect(input).toMatchObject({ scale: 1, integers: { low: 0, high: 1, multiples: true } })
    expect(steps[0]).toMatchObject({ scale: 20 })
    expect(report.relativeError).toBeLessThan(1e-5)
    expect(params.plaintextModulus).toBeLessThanOrEqual(256)
    using session = openSession(program)
    const sample = runBefore(model.before, [50, 'male'])
    expect(Array.from(session.predict(sample))).toEqual([Math.round(20 * (0.25 + 0.2 - 1)) / 20])
  })

  test('keeps results below t/2, with t a power of two that tells no weight', () => {
    const map = randomMap(9, 3, 20)
    const program = compile(graphOf(map), { scheme: 'bfv', samples: randomNumbers(1, 100) })
    const t = program.params.plaintextModulus!
    expect(Number.isInteger(Math.log2(t))).toBe(true)
    const largest = Math.max(
      ...[0, 1, 2].flatMap((row) =>
        [1, -1].map((sign) => Math.abs(exactly(map, program, extreme(map, program, row, sign))[row]!)),
      ),
    )
    expect(largest * program.output.scale).toBeLessThan(t / 2)
    expect(createParams(program.params).security.length).toBeGreaterThan(0)
  })
})

describe('pictures', () => {
  test('of bytes are multiples of what bytes are scaled by, whatever bytes the samples have', () => {
    const map = randomMap(3, 2, 16)
    const samples = Float64Array.from({ length: 64 }, (_, i) => ((i * 37) % 200) / 255)
    const given = compile(graphOf(map, [4, 4]), { scheme: 'bfv', samples })
    const made = compile(graphOf(map, [4, 4]), { scheme: 'bfv' })
    for (const { input } of [given, made])
      expect(input).toMatchObject({ scale: 255, integers: { low: 0, high: 1, multiples: true } })
  })

  test.each([
    ['from -1 to 1', { scale: 2 / 255, offset: -1 }, true],
    ['by mean and deviation', { scale: 1 / (255 * 0.3081), offset: -0.1307 / 0.3081 }, false],
  ])('are taken as the model scales them: %s', (_, pixels, given) => {
    const bytes = Float64Array.from({ length: 64 }, (_, i) => (i * 83) % 256)
    const scaled = bytes.map((v) => v * pixels.scale + pixels.offset)
    for (const samples of [undefined, scaled]) {
      const program = compile(graphOf(randomMap(3, 2, 16), [4, 4]), {
        scheme: 'bfv',
        precisionBits: 9,
        pixels,
        ...(samples && { samples }),
      })
      const part = decodeClientPart(bundle(program).client)
      for (let at = 0; at < 64; at += 16)
        expect(() => requireSample(part, scalePixels(part, bytes.subarray(at, at + 16)))).not.toThrow()
      if (given) expect(part.input.integers!.multiples).toBe(true)
      expect(() => requireSample(part, new Float64Array(16).fill(9))).toThrow(/expected a number from/)
    }
  })

  test('without samples, numbers in a row are rounded, and some more are taken than from 0 to 1', () => {
    const { input } = compile(graphOf(randomMap(3, 2, 16)), { scheme: 'bfv' })
    expect(input.integers).toMatchObject({ multiples: false })
    expect(input.integers!.low).toBeLessThan(-0.4)
    expect(input.integers!.high).toBeGreaterThan(1.4)
  })
})

describe('refused', () => {
  const map = randomMap(11, 2, 4)
  const samples = Float64Array.from({ length: 40 }, (_, i) => (i % 11) / 10)
  const program = compile(graphOf(map), { scheme: 'bfv', samples, name: 'small' })
  const { client, server } = bundle(program)
  const part = decodeClientPart(client)

  test.each([
    [[0, 0.1, 1.2, 1], /"x\[2\]" expected a number from 0 to 1, the most that this program can hold/],
    [[0, -0.1, 1, 1], /"x\[1\]" expected a number from 0 to 1/],
    [[0, 0.15, 1, 1], /"x\[1\]" expected a multiple of 1\/10: this program is exact, and takes no others/],
    [[0, Number.NaN, 1, 1], /"x\[1\]" expected a finite number/],
  ])('by the client: %j', (sample, message) => {
    expect(() => requireSample(part, sample)).toThrow(message)
    expect(() => requireSample(part, [0, 0.1, 0.3, 1])).not.toThrow()
  })

  test('a layer that is not affine, by its name', () => {
    const { nodes, ...rest } = graphOf(map)
    const square = { op: 'multiply', inputs: [1, 1], size: 2, name: 'square' } as const
    const relu = { op: 'activation', inputs: [1], size: 2, name: 'relu1', activation: { kind: 'Relu' } } as const
    const dense = { op: 'affine', inputs: [2], size: 2, name: 'last', map: randomMap(1, 2, 2) } as const
    for (const [node, message] of [
      [square, '"square" multiplies variables, and programs in BFV are for affine models'],
      [relu, '"relu1" is Relu, and programs in BFV are for affine models'],
    ] as const)
      expect(() => compile({ ...rest, nodes: [...nodes, node, dense], output: 3 }, { scheme: 'bfv' })).toThrow(message)
  })

  test('slots, another scheme, and more precision than there is', () => {
    expect(() => compile(graphOf(map), { scheme: 'bfv', packing: 'slots' })).toThrow(
      'programs in BFV have coefficient or batch packing: slots need CKKS',
    )
    expect(() => compile(graphOf(map), { scheme: 'bgv' as 'bfv' })).toThrow('"scheme" expected ckks or bfv, got bgv')
    expect(() => compile(graphOf(map), { scheme: 'bfv', samples, precisionBits: 30 })).toThrow(
      /"dense" needs integers beyond 2\^40 for 30 bits of precision, and programs in BFV have 2\^31 at most/,
    )
    expect(() =>
      compile(graphOf(randomMap(1, 2, 900)), { scheme: 'bfv', precisionBits: 13, ringDegrees: [1024] }),
    ).toThrow(/no parameters up to ring degree 1024 compute "dense" in integers|"dense" needs integers/)
  })

  test('a program whose integers would wrap around, whoever made it', () => {
    const wrong = (change: Partial<Program>): Uint8Array => encodeServerPart({ ...program, ...change }).bytes
    const { params, input } = program
    // The next power of two below is too small.
    const half = params.plaintextModulus! / 2
    expect(() => decodeServerPart(wrong({ params: { ...params, plaintextModulus: half } }))).toThrow(
      new RegExp(`has integers up to \\d+, which wrap around modulo ${half}`),
    )
    const integers = { low: 0, high: 2 ** 20, multiples: true }
    expect(() => decodeServerPart(wrong({ input: { ...input, integers } }))).toThrow(/which wrap around modulo/)
    const { integers: _, ...none } = input
    expect(() => decodeServerPart(wrong({ input: none }))).toThrow(/layouts and levels that fit/)
    const twice = [...program.steps, ...program.steps]
    expect(() => decodeServerPart(wrong({ steps: twice }))).toThrow(expect.objectContaining({ code: 'malformed' }))
    expect(decodeServerPart(server).program).toEqual(program)
  })

  test('parts of schemes that programs are not for', () => {
    const bgv = { ...program, params: { ...program.params, scheme: 'bgv' as const } }
    expect(() => encodeServerPart(bgv)).toThrow(/expected parameters of ckks or bfv, which programs are for/)
  })
})

describe('the bound of the noise', () => {
  /** Bits of the noise budget that are left in a reply of so many bits, or before it is trimmed, and those that the bound says at least. */
  function budgets(program: Program, replyBits: number): { found: number; promised: number } {
    using context = openContext(program.params) as Bfv
    using prepared = prepare(program, context)
    using secret = createSecretKey(context)
    const { input, output, params } = program
    const [step] = program.steps
    const { matrix } = integerStep(step as LinearProgramStep, input.scale)
    const noise = noiseOf({ ...(step as LinearProgramStep), map: { ...mapOf(step as LinearProgramStep), matrix } })
    const form = { ...noise, ringDegree: params.ringDegree, plaintextModulus: params.plaintextModulus!, summands: 1 }
    const zero = encryptSymmetric(context, secret, context.encodeCoefficients([0], { level: 0 }))
    const sample = new Float64Array(input.layout.size).fill(input.integers!.high)
    const query = encryptRun(context, secret, program, [sample])
    const writer = new ByteWriter()
    const answer = runEncrypted(prepared, query, { relinearisation: undefined, galois: new Map() })
    const masked = answer.map((ct) => maskWith(context, ct, zero))
    const trimmed = Number.isFinite(replyBits)
    if (trimmed) for (const ct of masked) writeReply(writer, ct, { ...output.reply, bits: replyBits })
    const reader = new ByteReader(writer.done(), 'the reply')
    const replies = trimmed ? answer.map(() => readReply(reader, context.ring)) : masked
    const found = Math.min(...replies.map((ct) => noiseBudget(context, secret, ct)))
    return { found, promised: -Math.log2(integerError(form, context.params.primes, replyBits)) }
  }

  const programOf = (map: AffineMap, shape: readonly number[]): Program => {
    const samples = Float64Array.from({ length: 2 * map.matrix.columns }, (_, i) => ((i * 37) % 256) / 255)
    return compile(graphOf(map, shape), { scheme: 'bfv', packing: 'coefficient', precisionBits: 2, samples })
  }
  const wide = programOf(randomMap(13, 8, 784), [28, 28])
  const narrow = programOf(randomMap(13, 64, 2), [2])

  test.each([
    ['weights', wide, [49], 40],
    ['weights, divided', wide, [37, 16], 36],
    ['the mask', narrow, [34], Infinity],
    ['trimming', wide, [49], 34],
  ] as const)('is above noise that is mostly of %s, and not far above', (_, program, modulusBits, replyBits) => {
    const { literal } = createParams({ ...program.params, modulusBits })
    const level = modulusBits.length - 1
    const steps = program.steps.map((step) => ({ ...step, level, rescale: level > 0 }))
    const other = { ...program, params: literal, steps, input: { ...program.input, level } }
    const { found, promised } = budgets(other, replyBits)
    expect(promised).toBeGreaterThan(0)
    expect(found).toBeGreaterThanOrEqual(Math.floor(promised))
    expect(found).toBeLessThan(promised + 4)
  })
})

type LinearProgramStep = Extract<Program['steps'][number], { op: 'linear' }>

function mapOf({ map }: LinearProgramStep): Exclude<LinearProgramStep['map'], { kind: 'rotations' }> {
  if (map.kind === 'rotations') throw new Error('rotations')
  return map
}

test('as text', () => {
  const program = compile(graphOf(randomMap(15, 3, 12), [3, 4]), { scheme: 'bfv', name: 'card', precisionBits: 7 })
  expect(showProgram(program)).toMatchInlineSnapshot(`
    "card: BFV, coefficient packing in coefficients, N = 2048, primes 34 bits, special none, integers modulo 524288
    r0       encrypt "x" (3x4): level 0, scale 2^8.0, 1 ciphertext
    r1       products with polynomials (3x12, 12 inputs and 3 outputs in one) of r0 plus bias "dense": level 0, scale 2^16.2, 1 ciphertext
    reply    r1, 3 of c_0's coefficients every 12, 28 bits each, as "y" (3)
    "
  `)
  expect(program.report.notes).toMatchInlineSnapshot(`
    [
      "12 inputs in 1 ciphertext of 12 coefficients, 3 outputs in 1, no keys",
      "exact integers modulo 2^19: inputs are multiples of 1/255 from 0 to 1, weights rounded to multiples of 1/305; no output is off by more than 0.0056",
    ]
  `)
})
