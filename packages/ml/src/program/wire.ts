import {
  type ByteReader,
  type ByteWriter,
  createParams,
  GloveboxError,
  type Params,
  type ParamsLiteral,
} from '@glovebox/he'
import { z } from 'zod'
import { activationKinds } from '../graph/activation.ts'
import type { Encoding, Packing } from '../layout/circuit.ts'
import { isPlain, type Layout, tiledLayout } from '../layout/layout.ts'
import { inputStepsSchema, outputStepsSchema } from '../model/schema.ts'
import type { ApproximationReport } from '../passes/approximate.ts'
import { sizeOf } from '../tensor/tensor.ts'
import type { KeysNeeded, ProgramInput, ProgramOutput } from './program.ts'
import type { Cost, Report } from './report.ts'

// What the two parts of a bundle share: a JSON header, checked field by field, and arrays behind it whose lengths it states.

/** The form of a layout; elements of one that is not plain come behind the header. */
export interface LayoutForm {
  readonly tiles: number
  readonly period: number
  /** Element i in place i. */
  readonly plain: boolean
}
export type WireInput = Omit<ProgramInput, 'layout'> & { readonly layout: LayoutForm }
export type WireOutput = Omit<ProgramOutput, 'layout'> & { readonly layout: LayoutForm }

const finite = z.number().finite()
const positive = finite.positive()
const count = z.number().int().min(0)
/** Places of a ciphertext: up to the coefficients of the largest ring. */
export const periodSchema: z.ZodType<number> = z.number().int().min(1).max(131072)
/** Ciphertexts of a vector. */
export const tilesSchema: z.ZodType<number> = z.number().int().min(1).max(65536)
const layoutSchema: z.ZodType<LayoutForm> = z.object({ tiles: tilesSchema, period: periodSchema, plain: z.boolean() })
export const packingSchema: z.ZodType<Packing> = z.literal(['coefficient', 'slots', 'batch'])
export const encodingSchema: z.ZodType<Encoding> = z.literal(['coefficients', 'slots'])
export const levelSchema: z.ZodType<number> = z.number().int().min(0).max(63)
const textSchema = z.string().max(4096)
/** Samples in one sum. */
export const maxSummands: number = 2 ** 16
const shapeSchema = z
  .array(
    z
      .number()
      .int()
      .min(1)
      .max(2 ** 24),
  )
  .max(8)

const chainFields = {
  ringDegree: z.number().int(),
  modulusBits: z.array(z.number().int()).max(64),
  specialBits: z.array(z.number().int()).max(64),
  digitSize: z.number().int(),
  security: z.literal(['128-classical', '192-classical', '256-classical', '128-quantum', '192-quantum', '256-quantum']),
}

export const paramsSchema: z.ZodType<ParamsLiteral> = z.discriminatedUnion(
  'scheme',
  [
    z.object({ scheme: z.literal('ckks'), ...chainFields }),
    z.object({
      scheme: z.literal('bfv'),
      ...chainFields,
      plaintextModulus: z
        .number()
        .int()
        .min(2)
        .max(2 ** 32),
    }),
  ],
  { error: 'expected parameters of ckks or bfv, which programs are for' },
)

export const inputSchema: z.ZodType<WireInput> = z.object({
  name: textSchema,
  shape: shapeSchema,
  before: inputStepsSchema,
  layout: layoutSchema,
  level: levelSchema,
  scale: positive,
  largest: positive,
  calibrated: z.object({ low: finite, high: finite }),
  pixels: z.object({ scale: finite, offset: finite }),
  summands: z.number().int().min(1).max(maxSummands).exactOptional(),
  integers: z.object({ low: finite, high: finite, multiples: z.boolean() }).exactOptional(),
})

export const outputSchema: z.ZodType<WireOutput> = z.object({
  name: textSchema,
  shape: shapeSchema,
  layout: layoutSchema,
  scale: positive,
  reply: z.object({ bits: z.number().int().min(2).max(40), stride: periodSchema, count: periodSchema }),
  after: outputStepsSchema,
  units: z
    .array(positive)
    .max(2 ** 16)
    .exactOptional(),
})

const pairSchema = z.tuple([finite, finite])
const approximationSchema: z.ZodType<ApproximationReport> = z.object({
  activations: z
    .array(
      z.object({
        name: textSchema,
        kind: z.literal(activationKinds),
        range: pairSchema,
        interval: pairSchema,
        degree: count,
        method: z.literal(['exact', 'square', 'least-squares', 'minimax']),
        maxError: finite,
        rmsError: finite,
      }),
    )
    .max(4096),
  accuracy: z.object({ relativeError: finite, maxError: finite, agreement: finite.exactOptional() }).exactOptional(),
  met: z.boolean(),
  samples: count,
  margin: finite,
})

export const reportSchema: z.ZodType<Report> = z.object({
  notes: z.array(textSchema).max(256),
  approximation: approximationSchema.exactOptional(),
  alternatives: z
    .array(
      z.object({
        packing: packingSchema,
        ringDegree: z.number().int(),
        layout: textSchema,
        milliseconds: finite.exactOptional(),
        computeMilliseconds: finite.exactOptional(),
        bytes: finite.exactOptional(),
        keyBytes: finite.exactOptional(),
        reason: textSchema.exactOptional(),
      }),
    )
    .max(256),
  calibration: textSchema,
  largestOutput: finite,
  relativeError: finite,
  targetError: finite,
})

export const keysSchema: z.ZodType<KeysNeeded> = z.object({
  rotations: z.array(z.object({ steps: z.number().int().min(1).max(65535), level: levelSchema })).max(65536),
  relinearisation: levelSchema.exactOptional(),
})

export const costSchema: z.ZodType<Cost> = z.object({
  steps: z
    .array(
      z.object({
        name: textSchema,
        op: z.literal(['linear', 'multiply', 'add']),
        level: levelSchema,
        hoistedRotations: count,
        rotations: count,
        plainMultiplications: count,
        multiplications: count,
        rescales: count,
        milliseconds: finite,
      }),
    )
    .max(4096),
  milliseconds: finite,
  memoryBytes: finite,
  uploadBytes: finite,
  replyBytes: finite,
  keyBytes: finite,
})

export function formOf(layout: Layout): LayoutForm {
  return { tiles: layout.tiles, period: layout.period, plain: isPlain(layout) }
}

/** One u32 per place: the element plus one, 0 for none. Nothing for a plain layout. */
export function writeLayout(writer: ByteWriter, layout: Layout): void {
  if (!isPlain(layout)) for (const element of layout.elements) writer.u32(element + 1)
}

/** A layout of `size` elements; with `complete`, each of them must have a place. */
export function readLayout(
  reader: ByteReader,
  field: string,
  { tiles, period, plain }: LayoutForm,
  { size, complete }: { readonly size: number; readonly complete: boolean },
): Layout {
  if (tiles * period > 2 ** 24) throw reader.malformed(field, 'at most 2^24 places', tiles * period)
  if (size > 2 ** 24) throw reader.malformed(field, 'at most 2^24 elements', size)
  if (plain) {
    if (tiles !== Math.max(1, Math.ceil(size / period)))
      throw reader.malformed(field, `as many ciphertexts as ${size} elements take`, tiles)
    return tiledLayout(size, period)
  }
  const places = tiles * period
  const bytes = reader.slice(4 * places, field)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const elements = new Int32Array(places)
  const seen = new Set<number>()
  for (let place = 0; place < places; place++) {
    const stored = view.getUint32(4 * place, true)
    if (stored > size) throw reader.malformed(field, `elements below ${size}`, stored - 1)
    elements[place] = stored - 1
    if (stored > 0) seen.add(stored)
  }
  if (complete && seen.size !== size)
    throw reader.malformed(field, `a place for each of ${size} elements`, `places for ${seen.size}`)
  return { size, tiles, period, elements }
}

/** Input and output of either part of a bundle; checks that they fit the parameters and each other. */
export function readEnds(
  body: ByteReader,
  header: {
    readonly packing: Packing
    readonly encoding: Encoding
    readonly params: ParamsLiteral
    readonly input: WireInput
    readonly output: WireOutput
  },
): { input: ProgramInput; output: ProgramOutput } {
  const { packing, encoding } = header
  const read = (field: string, { layout, shape }: WireInput | WireOutput, complete: boolean): Layout =>
    readLayout(body, field, layout, { size: sizeOf(shape), complete })
  const input = { ...header.input, layout: read('input layout', header.input, packing === 'coefficient') }
  const output = { ...header.output, layout: read('output layout', header.output, true) }
  const { ringDegree, modulusBits } = header.params
  const capacity = encoding === 'slots' ? ringDegree / 2 : ringDegree
  const { stride, count } = output.reply
  const step = packing === 'coefficient' ? stride : 1
  const fits = [input, output].every(({ layout: { tiles, period, elements } }) => {
    if (packing === 'batch') return period === 1 && elements.every((element) => element >= 0)
    return packing === 'coefficient' || (capacity % period === 0 && (tiles === 1 || period === capacity))
  })
  const slots = packing !== 'slots' || encoding === 'slots'
  if (
    !fits ||
    !slots ||
    (packing === 'coefficient' && encoding !== 'coefficients') ||
    input.layout.period > capacity ||
    (output.layout.period - 1) * step >= capacity ||
    stride * (count - 1) >= ringDegree ||
    !holds(packing, output, ringDegree) ||
    input.level >= modulusBits.length ||
    (header.params.scheme === 'bfv') !== (input.integers !== undefined) ||
    (input.integers !== undefined && (encoding !== 'coefficients' || !(input.integers.low <= input.integers.high))) ||
    (output.units?.length ?? output.layout.size) !== output.layout.size
  ) {
    throw body.malformed('header', 'layouts and levels that fit the packing and the parameters', 'others')
  }
  return { input, output }
}

/** Whether a trimmed reply still has what the layout says; see compile/structure.ts. */
function holds(packing: Packing, { layout: { period }, reply: { stride, count } }: ProgramOutput, n: number): boolean {
  if (packing === 'coefficient') return count >= period
  return stride * count === n && (packing === 'batch' ? stride === 1 : 2 * period * stride <= n)
}

/** Parameters of a part. What no parameters can be is malformed; insecure ones are `insecure-parameters`. */
export function readParams(body: ByteReader, literal: ParamsLiteral): Params {
  try {
    return createParams(literal)
  } catch (cause) {
    if (cause instanceof GloveboxError) throw cause
    throw new GloveboxError('malformed', `${body.what}: "params": ${(cause as Error).message}`, { cause })
  }
}

/** 4 where all values are float32 numbers, as weights of most models are, else 8: nothing is ever rounded. */
export function widthOf(arrays: readonly Float64Array[]): 4 | 8 {
  return arrays.every((values) => values.every((v) => Math.fround(v) === v)) ? 4 : 8
}

export function writeNumbers(writer: ByteWriter, values: Float64Array, width: 4 | 8): void {
  const bytes = new Uint8Array(width * values.length)
  const view = new DataView(bytes.buffer)
  values.forEach((v, i) => {
    if (width === 4) view.setFloat32(4 * i, v, true)
    else view.setFloat64(8 * i, v, true)
  })
  writer.raw(bytes)
}

export function readNumbers(reader: ByteReader, field: string, length: number, width: 4 | 8): Float64Array {
  const bytes = reader.slice(width * length, field)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values = new Float64Array(length)
  for (let i = 0; i < length; i++) {
    const value = width === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true)
    if (!Number.isFinite(value)) throw reader.malformed(field, 'finite numbers', value)
    values[i] = value
  }
  return values
}
