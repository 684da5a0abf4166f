import { ByteWriter, createParams, decodeFrame, encodeFrame, type ParamsLiteral } from '@glovebox/he'
import { z } from 'zod'
import { collect, repeat, spread } from '../layout/layout.ts'
import { sizeOf } from '../tensor/tensor.ts'
import type { KeysNeeded, ProgramInput, ProgramOutput } from './program.ts'
import type { Cost, Report } from './report.ts'
import {
  costSchema,
  inputSchema,
  keysSchema,
  outputSchema,
  paramsSchema,
  readHeader,
  readLayout,
  reportSchema,
  writeLayout,
} from './wire.ts'

/** All that a client needs, and nothing of the weights: public. */
export interface ClientPart {
  /** Of the model. */
  readonly name: string
  /** Digest of the server part: what keys and queries are bound to. */
  readonly digest: Uint8Array
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
  format: z.literal(1),
  name: z.string().max(4096),
  params: paramsSchema,
  input: inputSchema,
  output: outputSchema,
  keys: keysSchema,
  report: reportSchema,
  cost: costSchema,
})

/** A client part as a frame, bound to the digest of its server part. */
export function encodeClientPart(part: ClientPart): Uint8Array {
  const { layout: inputLayout, ...input } = part.input
  const { layout: outputLayout, ...output } = part.output
  const { digest, ...rest } = part
  const header = {
    ...rest,
    format: 1,
    input: { ...input, period: inputLayout.period },
    output: { ...output, period: outputLayout.period },
  }
  const writer = new ByteWriter(2 ** 14)
  writer.text(JSON.stringify(header))
  writeLayout(writer, inputLayout)
  writeLayout(writer, outputLayout)
  return encodeFrame('client part', digest, writer.done())
}

/** Reads a client part. Throws GloveboxError `malformed` for anything else, `insecure-parameters` for parameters that are. */
export function decodeClientPart(bytes: Uint8Array): ClientPart {
  const { owner, body } = decodeFrame(bytes, 'client part')
  const { format: _, ...header } = readHeader(body, headerSchema)
  const { period: inputPeriod, ...input } = header.input
  const { period: outputPeriod, ...output } = header.output
  const inputLayout = readLayout(body, 'input layout', {
    size: sizeOf(input.shape),
    period: inputPeriod,
    complete: false,
  })
  const outputLayout = readLayout(body, 'output layout', {
    size: sizeOf(output.shape),
    period: outputPeriod,
    complete: true,
  })
  body.end()
  const { slots, maxLevel } = createParams(header.params)
  const levels = [input.level, header.keys.relinearisation ?? 0, ...header.keys.rotations.map(({ level }) => level)]
  const rotations = header.keys.rotations.map(({ steps }) => steps)
  if (
    Math.max(inputPeriod, outputPeriod) > slots ||
    Math.max(...levels) > maxLevel ||
    Math.max(0, ...rotations) >= slots
  ) {
    throw body.malformed('header', 'layouts, levels and rotations within the parameters', 'larger ones')
  }
  return {
    ...header,
    digest: owner,
    input: { ...input, layout: inputLayout },
    output: { ...output, layout: outputLayout },
  }
}

/** One sample in the slots of a plaintext. Throws RangeError for a wrong size or a value that is not finite or out of range. */
export function packInput(part: Pick<ClientPart, 'params' | 'input'>, sample: ArrayLike<number>): Float64Array {
  const { layout, shape, name, largest } = part.input
  if (sample.length !== layout.size) {
    throw new RangeError(`"${name}" expected ${layout.size} numbers (${shape.join('x')}), got ${sample.length}`)
  }
  for (let i = 0; i < sample.length; i++) {
    if (!Number.isFinite(sample[i])) throw new RangeError(`"${name}[${i}]" expected a finite number, got ${sample[i]}`)
    if (Math.abs(sample[i]!) > largest) {
      // The value stays out of the message: samples are secret.
      const limit = Number(largest.toPrecision(4))
      throw new RangeError(
        `"${name}[${i}]" expected a number from ${-limit} to ${limit}, the most that this program can hold; ` +
          'compile it with samples of the real range',
      )
    }
  }
  return repeat(spread(layout, sample), part.params.ringDegree / 2)
}

/** Whether a sample leaves the range that the program was calibrated on: its result may be wrong. */
export function isUncalibrated({ input }: Pick<ClientPart, 'input'>, sample: ArrayLike<number>): boolean {
  const { low, high } = input.calibrated
  // A hundredth of the range is rounding and resampling.
  const slack = (high - low) / 100
  return Array.prototype.some.call(sample, (value: number) => value < low - slack || value > high + slack)
}

/** The outputs of one sample from the slots of a decrypted reply. */
export function readOutput(part: Pick<ClientPart, 'output'>, slots: ArrayLike<number>): Float64Array {
  return collect(part.output.layout, slots)
}

/** A picture of bytes (0 to 255) as a sample. */
export function scalePixels(part: Pick<ClientPart, 'input'>, pixels: ArrayLike<number>): Float64Array {
  const { scale, offset } = part.input.pixels
  return Float64Array.from(pixels, (byte) => byte * scale + offset)
}
