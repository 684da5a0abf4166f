import { type ByteReader, type ByteWriter, GloveboxError, type ParamsLiteral } from '@glovebox/he'
import { z } from 'zod'
import type { Layout } from '../layout/layout.ts'
import type { KeysNeeded, ProgramInput, ProgramOutput } from './program.ts'
import type { Cost, Report } from './report.ts'

// What the two parts of a bundle share: a JSON header, checked field by field, and arrays behind it whose lengths it states.

/** Layouts come behind the header; it has their periods. */
export type WireInput = Omit<ProgramInput, 'layout'> & { readonly period: number }
export type WireOutput = Omit<ProgramOutput, 'layout'> & { readonly period: number }

/** Largest header: 4 MB. */
const maxHeader = 2 ** 22

const finite = z.number().finite()
const positive = finite.positive()
const count = z.number().int().min(0)
/** A power of two up to the slots of the largest ring. */
export const periodSchema: z.ZodType<number> = z
  .number()
  .int()
  .min(1)
  .max(65536)
  .refine((n) => (n & (n - 1)) === 0, 'a power of two')
export const levelSchema: z.ZodType<number> = z.number().int().min(0).max(63)
const textSchema = z.string().max(4096)
const shapeSchema = z
  .array(
    z
      .number()
      .int()
      .min(1)
      .max(2 ** 24),
  )
  .max(8)

export const paramsSchema: z.ZodType<ParamsLiteral> = z.object({
  scheme: z.literal('ckks'),
  ringDegree: z.number().int(),
  modulusBits: z.array(z.number().int()).max(64),
  specialBits: z.array(z.number().int()).max(64),
  digitSize: z.number().int(),
  security: z.literal(['128-classical', '192-classical', '256-classical', '128-quantum', '192-quantum', '256-quantum']),
})

export const inputSchema: z.ZodType<WireInput> = z.object({
  name: textSchema,
  shape: shapeSchema,
  period: periodSchema,
  level: levelSchema,
  scale: positive,
  largest: positive,
  calibrated: z.object({ low: finite, high: finite }),
  pixels: z.object({ scale: finite, offset: finite }),
})

export const outputSchema: z.ZodType<WireOutput> = z.object({
  name: textSchema,
  shape: shapeSchema,
  period: periodSchema,
  scale: positive,
  reply: z.object({ bits: z.number().int().min(2).max(40), stride: periodSchema }),
})

export const reportSchema: z.ZodType<Report> = z.object({
  notes: z.array(textSchema).max(256),
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

/** Reads the header; an error names the first field that is wrong. */
export function readHeader<T>(reader: ByteReader, schema: z.ZodType<T>): T {
  const text = reader.text('header', maxHeader)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new GloveboxError('malformed', `${reader.what}: "header" expected JSON`, { cause })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new GloveboxError('malformed', `${reader.what}: "${issue.path.join('.')}": ${issue.message}`)
}

/** One u32 per slot: the element plus one, 0 for none. */
export function writeLayout(writer: ByteWriter, layout: Layout): void {
  for (const element of layout.elements) writer.u32(element + 1)
}

/** A layout of `size` elements; with `complete`, each of them must have a slot. */
export function readLayout(
  reader: ByteReader,
  field: string,
  { size, period, complete }: { readonly size: number; readonly period: number; readonly complete: boolean },
): Layout {
  const bytes = reader.slice(4 * period, field)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const elements = new Int32Array(period)
  const seen = new Set<number>()
  for (let slot = 0; slot < period; slot++) {
    const stored = view.getUint32(4 * slot, true)
    if (stored > size) throw reader.malformed(field, `elements below ${size}`, stored - 1)
    elements[slot] = stored - 1
    if (stored > 0) seen.add(stored)
  }
  if (complete && seen.size !== size)
    throw reader.malformed(field, `a slot for each of ${size} elements`, `slots for ${seen.size}`)
  return { size, period, elements }
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
