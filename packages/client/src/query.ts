import { ByteWriter, ciphertextBytes, encodeFrame, GloveboxError, writeCiphertext } from '@glovebox/he'
import { encryptSymmetric, type SecretKey } from '@glovebox/he/secret'
import {
  type ClientPart,
  isUncalibrated,
  needsKeys,
  packInput,
  requireSample,
  runBefore,
  samplesPerRun,
} from '@glovebox/ml'
import { writeMask } from './mask.ts'
import type { ClientModel } from './model.ts'
import { cellsOf, flattenSample, type PreparedInput, type Sample, type SampleOptions } from './samples.ts'

/** Samples in one query; more is a mistake, or wants several queries. */
export const maxSamples: number = 2 ** 17

/** A client part comes from the server, which must not have us encrypt without end: 1 GiB, as much as a frame may hold. */
const maxQueryBytes = 2 ** 30

/** The most in one request; no larger than a few seconds of a server's thread, and far below what it takes. */
const requestSamples = 16
const requestBytes = 8e6

/** What `encryptQuery` may be told. */
export interface EncryptOptions extends SampleOptions {
  /** Called after each sample with how many are encrypted and how many there are. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Encrypts samples into a frame of kind 'query': count u32, for models without evaluation keys a mask, then the ciphertexts, run by run. */
export function encryptQuery(
  model: ClientModel,
  secret: SecretKey,
  samples: readonly Sample[],
  options: EncryptOptions = {},
): Uint8Array<ArrayBuffer> {
  const { part } = model
  if (samples.length < 1 || samples.length > maxSamples)
    throw new RangeError(`"samples" expected 1 to ${maxSamples} samples, got ${samples.length}`)
  return encryptInputs(model, secret, readInputs(part, samples, options), options.onProgress)
}

/**
 * Samples as the numbers that the model takes. Looks at all of them before the first is encrypted or sent: an error in the last one
 * should not cost the work for the others. Throws RangeError and TypeError that name the sample.
 */
export function readInputs(
  part: ClientPart,
  samples: readonly Sample[],
  options: SampleOptions | ((sample: Sample) => SampleOptions),
): Float64Array[] {
  return samples.map((sample, i) => {
    const name = samples.length === 1 ? 'sample' : `sample ${i}`
    try {
      const values = prepareSample(part, sample, typeof options === 'function' ? options(sample) : options, name)
      requireSample(part, values)
      return values
    } catch (error) {
      if (error instanceof RangeError && !error.message.includes(name))
        throw new RangeError(`${name}: ${error.message}`, { cause: error })
      throw error
    }
  })
}

/** Throws where samples cannot be added up encrypted: RangeError where they are more than the program was compiled for, or the sum is larger than it can hold. */
export function requireSum(part: ClientPart, inputs: readonly Float64Array[]): void {
  if (samplesPerRun(part) > 1)
    throw new GloveboxError(
      'unsupported',
      `the model "${part.name}" has batch packing, in which samples are not added up`,
    )
  const { summands = 1 } = part.input
  if (inputs.length > summands) {
    throw new RangeError(
      `"samples" expected at most ${summands} in a sum for "${part.name}", got ${inputs.length}: compile it with --summands ${inputs.length}`,
    )
  }
  const sum = inputs.reduce((a, b) => a.map((v, i) => v + b[i]!))
  try {
    requireSample(part, sum, { sum: true })
  } catch (error) {
    throw new RangeError(`the sum of the samples: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * The numbers that are encrypted for a sample: what the model's client does first, done. Throws TypeError and RangeError that name columns, never what
 * they hold.
 */
export function prepareSample(
  { input }: { readonly input: PreparedInput },
  sample: Sample,
  options: SampleOptions = {},
  name = 'sample',
): Float64Array {
  if (input.before.length === 0) return flattenSample(sample, input, options, name)
  return runBefore(input.before, cellsOf(sample, input.before, name))
}

/**
 * How many samples leave the range that the model was calibrated on. Their values may wrap around a modulus somewhere inside, and nobody can see it
 * in the result: warn.
 */
export function countUncalibrated(part: ClientPart, samples: readonly Sample[], options: SampleOptions = {}): number {
  return samples.filter((sample) => isUncalibrated(part, prepareSample(part, sample, options))).length
}

/**
 * The query of inputs that `readInputs` has looked at. A query for a sum has the same body: its ciphertexts are added up before they are computed on,
 * and there is one reply.
 */
export function encryptInputs(
  model: ClientModel,
  secret: SecretKey,
  inputs: readonly Float64Array[],
  onProgress?: EncryptOptions['onProgress'],
  kind: 'query' | 'query for a sum' = 'query',
): Uint8Array<ArrayBuffer> {
  const { context, scheme, part } = model
  const { input, encoding } = part
  const at = { level: input.level, scale: input.scale }
  const most = samplesPerRun(part)
  const bytes =
    Math.ceil(inputs.length / most) * input.layout.tiles * ciphertextBytes(context.params, input.level, true)
  if (bytes > maxQueryBytes) {
    throw new GloveboxError(
      'too-large',
      `a query of ${inputs.length} samples for "${part.name}" would have ${bytes} bytes, at most ${maxQueryBytes} are encrypted: ask in several queries`,
    )
  }
  const writer = new ByteWriter()
  writer.u32(inputs.length)
  if (!needsKeys(part.keys)) writeMask(writer, model, secret)
  for (let done = 0; done < inputs.length; ) {
    const some = inputs.slice(done, done + most)
    for (const values of packInput(part, some)) {
      using plaintext = scheme.encode(values, at, encoding)
      using ciphertext = encryptSymmetric(context, secret, plaintext)
      writeCiphertext(writer, ciphertext)
    }
    done += some.length
    onProgress?.(done, inputs.length)
  }
  return encodeFrame(kind, part.digest, writer.done()) as Uint8Array<ArrayBuffer>
}

/** How many samples go in one request. */
export function samplesPerRequest({ context: { params }, part }: ClientModel): number {
  // A batch costs the same however few samples are in it.
  if (part.packing === 'batch') return samplesPerRun(part)
  const each = part.input.layout.tiles * ciphertextBytes(params, part.input.level, true)
  return Math.max(1, Math.min(requestSamples, Math.floor(requestBytes / each)))
}
