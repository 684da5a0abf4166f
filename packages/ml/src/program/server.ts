import { type ByteReader, ByteWriter, decodeFrame, digest, encodeFrame, equalBytes, GloveboxError } from '@glovebox/he'
import { z } from 'zod'
import type { LinearStep } from '../layout/circuit.ts'
import { type LinearMap, splitOffset } from '../layout/linear-map.ts'
import { readHeader, writeHeader } from './header.ts'
import { integerRange, integerStep, largestResult } from './integers.ts'
import { matrixSchema, readSparse, writeIndices } from './matrix-wire.ts'
import { type Program, type ProgramStep, registersOf, tilesOf } from './program.ts'
import {
  encodingSchema,
  formOf,
  inputSchema,
  levelSchema,
  outputSchema,
  packingSchema,
  paramsSchema,
  periodSchema,
  readEnds,
  readNumbers,
  readParams,
  reportSchema,
  tilesSchema,
  widthOf,
  writeLayout,
  writeNumbers,
} from './wire.ts'

const rotationsSchema = z.array(z.number().int().min(0).max(65535)).max(65536)
const timing = { name: z.string().max(4096), level: levelSchema, rescale: z.boolean() }
const register = z.number().int().min(0).max(4096)

const blockSchema = z.object({
  to: z.number().int().min(0).max(4095),
  from: z.number().int().min(0).max(4095),
  offsets: rotationsSchema.min(1),
})
/** Numbers of a matrix, or of its diagonals, come behind the header. */
const mapSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('rotations'),
    sources: tilesSchema,
    targets: tilesSchema,
    period: periodSchema,
    blocks: z.array(blockSchema).min(1).max(65536),
    folds: rotationsSchema,
    babies: rotationsSchema,
    giants: rotationsSchema,
  }),
  z.object({ kind: z.literal('scalars'), matrix: matrixSchema }),
  z.object({ kind: z.literal('polynomials'), matrix: matrixSchema, chunk: periodSchema, perTile: periodSchema }),
])

const stepSchema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('linear'),
    ...timing,
    input: register,
    scale: z.number().positive(),
    map: mapSchema,
    width: z.literal([4, 8]),
    /** Length of the bias; 0 for none. */
    bias: z
      .number()
      .int()
      .min(0)
      .max(2 ** 24),
  }),
  z.object({ op: z.literal('multiply'), ...timing, inputs: z.tuple([register, register]) }),
  z.object({ op: z.literal('add'), ...timing, inputs: z.tuple([register, register]) }),
])

const headerSchema = z.object({
  format: z.literal(2),
  name: z.string().max(4096),
  packing: packingSchema,
  encoding: encodingSchema,
  params: paramsSchema,
  input: inputSchema,
  output: outputSchema,
  relinearise: z.literal(['before', 'after', 'sums']),
  report: reportSchema,
  steps: z.array(stepSchema).max(4096),
})
type Header = z.infer<typeof headerSchema>
type WireStep = Header['steps'][number]
type WireLinear = Extract<WireStep, { op: 'linear' }>

/** A program as a frame, and its digest, which keys, queries and replies are bound to. */
export function encodeServerPart(program: Program): { bytes: Uint8Array; digest: Uint8Array } {
  const header = {
    ...program,
    format: 2,
    input: { ...program.input, layout: formOf(program.input.layout) },
    output: { ...program.output, layout: formOf(program.output.layout) },
    steps: program.steps.map((step) => {
      if (step.op !== 'linear') return step
      return { ...step, map: headOf(step.map), width: widthOf(arraysOf(step)), bias: step.bias?.length ?? 0 }
    }),
  }
  const writer = new ByteWriter(2 ** 16)
  writeHeader(writer, 'the server part', header, headerSchema)
  writeLayout(writer, program.input.layout)
  writeLayout(writer, program.output.layout)
  for (const step of program.steps) {
    if (step.op !== 'linear') continue
    if (step.map.kind !== 'rotations') writeIndices(writer, step.map.matrix)
    const arrays = arraysOf(step)
    const width = widthOf(arrays)
    for (const values of arrays) writeNumbers(writer, values, width)
  }
  const body = writer.done()
  const owner = digest(body)
  return { bytes: encodeFrame('server part', owner, body), digest: owner }
}

/** The numbers of a linear step, as they follow each other on the wire. */
function arraysOf({ map, bias }: LinearStep): Float64Array[] {
  const weights = map.kind === 'rotations' ? map.diagonals.blocks.flatMap(({ values }) => values) : [map.matrix.value]
  return bias ? [...weights, bias] : weights
}

function headOf(map: LinearMap): WireLinear['map'] {
  if (map.kind === 'rotations') {
    const { sources, targets, period, folds, blocks } = map.diagonals
    return {
      kind: 'rotations',
      sources,
      targets,
      period,
      blocks: blocks.map(({ to, from, offsets }) => ({ to, from, offsets: [...offsets] })),
      folds: [...folds],
      babies: [...map.plan.babies],
      giants: [...map.plan.giants],
    }
  }
  const { rows, columns, value } = map.matrix
  const form = { rows, columns, entries: value.length, dense: value.length === rows * columns }
  if (map.kind === 'scalars') return { kind: 'scalars', matrix: form }
  return { kind: 'polynomials', matrix: form, chunk: map.chunk, perTile: map.perTile }
}

/** Reads a program. Throws GloveboxError `malformed` for anything but what encodeServerPart makes of a program that can run. */
export function decodeServerPart(bytes: Uint8Array): { program: Program; digest: Uint8Array } {
  const { owner, body } = decodeFrame(bytes, 'server part')
  if (!equalBytes(owner, digest(body.bytes))) throw body.malformed('owner', 'the digest of the program', 'another one')
  const { format: _, ...header } = readHeader(body, headerSchema)
  const params = readParams(body, header.params)
  const { input, output } = readEnds(body, header)
  const steps = header.steps.map((step) => readStep(body, step, params.slots))
  body.end()
  const program: Program = { ...header, input, output, steps }
  const registers = registersOf(program, params)
  requireTiles(program)
  requireIntegers(program, registers)
  return { program, digest: owner }
}

function readStep(body: ByteReader, step: WireStep, slots: number): ProgramStep {
  if (step.op !== 'linear') return step
  const { map: head, width, bias: biasLength, ...rest } = step
  const map =
    head.kind === 'rotations'
      ? readRotations(body, step.name, head, width, slots)
      : readMatrix(body, step.name, head, width)
  const bias = biasLength > 0 ? readNumbers(body, `bias of ${step.name}`, biasLength, width) : undefined
  const { expected, fits } = biasForm(map, slots)
  if (bias && !fits(bias.length)) throw body.malformed(`bias of ${step.name}`, expected, bias.length)
  return { ...rest, map, bias }
}

function biasForm(map: LinearMap, slots: number): { expected: string; fits: (length: number) => boolean } {
  if (map.kind !== 'rotations') return { expected: `${map.matrix.rows} numbers`, fits: (n) => n === map.matrix.rows }
  const { targets } = map.diagonals
  if (targets > 1) return { expected: `${targets * slots} numbers`, fits: (n) => n === targets * slots }
  return { expected: `a power of two up to ${slots}`, fits: (n) => n <= slots && slots % n === 0 }
}

function readRotations(
  body: ByteReader,
  name: string,
  { sources, targets, period, blocks, folds, babies, giants }: Extract<WireLinear['map'], { kind: 'rotations' }>,
  width: 4 | 8,
  slots: number,
): LinearMap {
  const rotations = [...folds, ...babies, ...giants, ...blocks.flatMap(({ offsets }) => offsets)]
  if (slots % period !== 0 || rotations.some((steps) => steps >= slots))
    throw body.malformed(name, `a period that divides ${slots} and rotations below`, 'others')
  if (blocks.some(({ to, from }) => to >= targets || from >= sources))
    throw body.malformed(name, 'blocks between its ciphertexts', 'others')
  const reached = new Set(blocks.map(({ to }) => to)).size
  if (reached !== targets) throw body.malformed(name, `blocks to all of its ${targets} ciphertexts`, reached)
  const plan = { babies, giants }
  try {
    for (const { offsets } of blocks) for (const offset of offsets) splitOffset(plan, offset, slots)
  } catch (cause) {
    throw new GloveboxError('malformed', `${body.what}: the plan of "${name}" lacks a rotation`, { cause })
  }
  const read = blocks.map(({ to, from, offsets }) => ({
    to,
    from,
    offsets,
    values: offsets.map((offset) => readNumbers(body, `diagonal ${offset} of ${name}`, period, width)),
  }))
  return { kind: 'rotations', diagonals: { sources, targets, period, blocks: read, folds }, plan }
}

function readMatrix(
  body: ByteReader,
  name: string,
  head: Extract<WireLinear['map'], { kind: 'scalars' | 'polynomials' }>,
  width: 4 | 8,
): LinearMap {
  const matrix = readSparse(body, name, head.matrix, width)
  if (head.kind === 'scalars') return { kind: 'scalars', matrix }
  const { chunk, perTile } = head
  return { kind: 'polynomials', matrix, chunk, perTile }
}

/** That every step finds as many ciphertexts as it reads, and the output as many as it says. */
function requireTiles(program: Program): void {
  const tiles = tilesOf(program)
  const wrong = program.steps.find((step) => {
    if (step.op !== 'linear') return tiles[step.inputs[0]] !== tiles[step.inputs[1]]
    const { map } = step
    if (map.kind === 'rotations') return map.diagonals.sources !== tiles[step.input]
    if (map.kind === 'scalars') return map.matrix.columns !== tiles[step.input]
    return Math.ceil(map.matrix.columns / map.chunk) !== tiles[step.input]
  })
  if (wrong)
    throw new GloveboxError(
      'malformed',
      `step "${wrong.name}" of the program reads another number of ciphertexts than there are`,
    )
  const kinds = { slots: 'rotations', batch: 'scalars', coefficient: 'polynomials' } as const
  const other = program.steps.find((step) => step.op === 'linear' && step.map.kind !== kinds[program.packing])
  if (other) throw new GloveboxError('malformed', `step "${other.name}" does not belong to ${program.packing} packing`)
  if (program.encoding === 'coefficients') requireCoefficients(program)
  if (tiles.at(-1) !== program.output.layout.tiles)
    throw new GloveboxError(
      'malformed',
      `the program ends with ${tiles.at(-1)} ciphertexts, its output says ${program.output.layout.tiles}`,
    )
}

/** That no integer of a program in BFV wraps around modulo t, whatever the client takes. */
function requireIntegers({ input, params, steps }: Program, registers: readonly { readonly scale: number }[]): void {
  const { integers } = input
  const { plaintextModulus: t } = params
  if (!integers || t === undefined) return
  const fail = (problem: string): GloveboxError => new GloveboxError('malformed', `the program in BFV ${problem}`)
  const range = integerRange(integers, input.scale)
  const results = steps.map((step) => {
    if (step.op !== 'linear' || steps.length > 1) throw fail('has more steps than one affine map')
    const { matrix, bias } = integerStep(step, registers[step.input]!.scale)
    return largestResult(matrix, bias, range)
  })
  const largest = Math.max(...range.map(Math.abs), ...results)
  if (!(2 * largest < t)) throw fail(`has integers up to ${largest}, which wrap around modulo ${t}`)
}

/** That nothing multiplies coefficients with each other, and that polynomials read and leave them where the layouts say. */
function requireCoefficients({ input, output, params, steps }: Program): void {
  for (const step of steps) {
    if (step.op === 'multiply')
      throw new GloveboxError('malformed', `step "${step.name}" of the program multiplies coefficients, expected slots`)
    if (step.op !== 'linear' || step.map.kind !== 'polynomials') continue
    const { matrix, chunk, perTile } = step.map
    const fits =
      chunk * perTile <= params.ringDegree &&
      matrix.columns === input.layout.size &&
      matrix.rows === output.layout.size &&
      chunk === input.layout.period &&
      perTile === output.layout.period &&
      (perTile === 1 || chunk === output.reply.stride)
    if (!fits)
      throw new GloveboxError('malformed', `step "${step.name}" of the program has other coefficients than its ends`)
  }
}
