import { ByteWriter, decodeFrame, encodeFrame, type ParamsLiteral } from '@glovebox/he'
import { z } from 'zod'
import type { Encoding, Packing } from '../layout/circuit.ts'
import { collect, repeat, spread } from '../layout/layout.ts'
import { sourceOf } from '../model/source.ts'
import { readHeader, writeHeader } from './header.ts'
import { isMultiple } from './integers.ts'
import { type KeysNeeded, type ProgramInput, type ProgramOutput, samplesPerRun } from './program.ts'
import type { Cost, Report } from './report.ts'
import { inUnits } from './units.ts'
import {
  costSchema,
  encodingSchema,
  formOf,
  inputSchema,
  keysSchema,
  outputSchema,
  packingSchema,
  paramsSchema,
  readEnds,
  readParams,
  reportSchema,
  writeLayout,
} from './wire.ts'

/** All that a client needs, and nothing of the weights: public. */
export interface ClientPart {
  /** Of the model. */
  readonly name: string
  /** Digest of the server part: what keys and queries are bound to. */
  readonly digest: Uint8Array
  /** How samples lie in ciphertexts. */
  readonly packing: Packing
  /** Whether numbers are coefficients or slots. */
  readonly encoding: Encoding
  /** Of everything that is encrypted for it. */
  readonly params: ParamsLiteral
  /** Shape, layout, level and scale of the input. */
  readonly input: ProgramInput
  /** Shape, layout and scale of the output, and how replies are trimmed. */
  readonly output: ProgramOutput
  /** The evaluation keys that the program needs. */
  readonly keys: KeysNeeded
  /** What the compiler promises, and why. */
  readonly report: Report
  /** What a prediction is expected to cost. */
  readonly cost: Cost
}

const headerSchema = z.object({
  format: z.literal(2),
  name: z.string().max(4096),
  packing: packingSchema,
  encoding: encodingSchema,
  params: paramsSchema,
  input: inputSchema,
  output: outputSchema,
  keys: keysSchema,
  report: reportSchema,
  cost: costSchema,
})

/** A client part as a frame, bound to the digest of its server part. */
export function encodeClientPart(part: ClientPart): Uint8Array {
  const { digest, ...rest } = part
  const header = {
    ...rest,
    format: 2,
    input: { ...part.input, layout: formOf(part.input.layout) },
    output: { ...part.output, layout: formOf(part.output.layout) },
  }
  const writer = new ByteWriter(2 ** 14)
  writeHeader(writer, 'the client part', header, headerSchema)
  writeLayout(writer, part.input.layout)
  writeLayout(writer, part.output.layout)
  return encodeFrame('client part', digest, writer.done())
}

/** Reads a client part. Throws GloveboxError `malformed` for anything else, `insecure-parameters` for parameters that are. */
export function decodeClientPart(bytes: Uint8Array): ClientPart {
  const { owner, body } = decodeFrame(bytes, 'client part')
  const { format: _, ...header } = readHeader(body, headerSchema)
  const { slots, maxLevel } = readParams(body, header.params)
  const { input, output } = readEnds(body, header)
  body.end()
  const levels = [header.keys.relinearisation ?? 0, ...header.keys.rotations.map(({ level }) => level)]
  const rotations = header.keys.rotations.map(({ steps }) => steps)
  if (Math.max(...levels) > maxLevel || Math.max(0, ...rotations) >= slots) {
    throw body.malformed('header', 'levels and rotations within the parameters', 'larger ones')
  }
  return { ...header, digest: owner, input, output }
}

/**
 * Throws RangeError for a sample of a wrong size, or with a value that is not finite or out of range; with `sum`, for the sum of samples that were looked at
 * one by one. Values stay out of messages: samples are secret.
 */
export function requireSample(
  { input }: Pick<ClientPart, 'input'>,
  sample: ArrayLike<number>,
  { sum = false }: { readonly sum?: boolean } = {},
): void {
  const { layout, shape, name, largest, before, integers, scale } = input
  if (sample.length !== layout.size) {
    throw new RangeError(`"${name}" expected ${layout.size} numbers (${shape.join('x')}), got ${sample.length}`)
  }
  const [low, high] = integers ? [integers.low, integers.high] : [-largest, largest]
  const shown = (limit: number): number => Number(limit.toPrecision(4))
  // A number that rounds to the integer of the limit is as good.
  const slack = integers ? 0.25 / scale : 0
  for (let i = 0; i < sample.length; i++) {
    const value = sample[i]!
    if (!Number.isFinite(value)) throw new RangeError(`"${name}[${i}]" expected a finite number, got ${value}`)
    const outside = value < low - slack || value > high + slack
    const between = !sum && integers?.multiples === true && !isMultiple(value, scale)
    if (outside || between) {
      const source = before.length > 0 ? sourceOf(before, i) : undefined
      const what = source === undefined ? `"${name}[${i}]" expected` : `${source} expected, once prepared,`
      if (!outside)
        throw new RangeError(
          `${what} ${scale === 1 ? 'a whole number' : `a multiple of 1/${shown(scale)}`}: this program is exact, and takes no others; compile it with samples that have some`,
        )
      throw new RangeError(
        `${what} a number from ${shown(low)} to ${shown(high)}, the most that this program can hold; ` +
          (looksLikePixels(input, sample)
            ? 'pixels from 0 to 255 are scaled with the option "pixels": predict(sample, { pixels: true }), or --pixels of the command'
            : 'compile it with samples of the real range'),
      )
    }
  }
}

/** Bytes, for a model that scales bytes. */
function looksLikePixels({ pixels, before }: ClientPart['input'], sample: ArrayLike<number>): boolean {
  const scales = before.length === 0 && (pixels.scale !== 1 || pixels.offset !== 0)
  return scales && Array.from(sample).every((value) => Number.isInteger(value) && value >= 0 && value <= 255)
}

/** What is encoded for one run, ciphertext by ciphertext: one sample, or up to `samplesPerRun` of a batch. Throws as `requireSample`. */
export function packInput(
  part: Pick<ClientPart, 'packing' | 'encoding' | 'params' | 'input'>,
  samples: readonly ArrayLike<number>[],
): Float64Array[] {
  const most = samplesPerRun(part)
  if (samples.length < 1 || samples.length > most)
    throw new RangeError(`"samples" expected 1 to ${most} samples, got ${samples.length}`)
  for (const sample of samples) requireSample(part, sample)
  const { layout } = part.input
  if (part.packing === 'batch')
    return Array.from(layout.elements, (i) => Float64Array.from(samples, (sample) => sample[i]!))
  const places = spread(layout, samples[0]!)
  return Array.from({ length: layout.tiles }, (_, tile) => {
    const own = places.slice(tile * layout.period, (tile + 1) * layout.period)
    return part.packing === 'slots' ? repeat(own, part.params.ringDegree / 2) : own
  })
}

/** The outputs of `count` samples from the decoded replies of one run: slots, or coefficients. */
export function readOutput(
  { packing, output }: Pick<ClientPart, 'packing' | 'output'>,
  replies: readonly ArrayLike<number>[],
  count: number,
): Float64Array[] {
  const { layout, reply } = output
  if (packing === 'batch')
    return Array.from({ length: count }, (_, k) =>
      inUnits(
        output,
        Float64Array.from(replies, (numbers) => numbers[k]!),
      ),
    )
  const step = packing === 'coefficient' ? reply.stride : 1
  const places = new Float64Array(layout.tiles * layout.period)
  replies.forEach((numbers, tile) => {
    for (let place = 0; place < layout.period; place++) places[tile * layout.period + place] = numbers[place * step]!
  })
  return [inUnits(output, collect(layout, places))]
}

/** Whether a sample leaves the range that the program was calibrated on: its result may be wrong. Never in BFV, where all that is taken is right. */
export function isUncalibrated({ input }: Pick<ClientPart, 'input'>, sample: ArrayLike<number>): boolean {
  if (input.integers) return false
  const { low, high } = input.calibrated
  // A hundredth of the range is rounding and resampling; rows have outliers, and room is left above the range.
  const slack = (high - low) / (input.before.length > 0 ? 4 : 100)
  return Array.prototype.some.call(sample, (value: number) => value < low - slack || value > high + slack)
}

/** A picture of bytes (0 to 255) as a sample. */
export function scalePixels(part: Pick<ClientPart, 'input'>, pixels: ArrayLike<number>): Float64Array {
  const { scale, offset } = part.input.pixels
  return Float64Array.from(pixels, (byte) => byte * scale + offset)
}
