import { ByteWriter, encodeFrame, writeCiphertext } from '@glovebox/he'
import { encryptSymmetric, type SecretKey } from '@glovebox/he/secret'
import { packInput } from '@glovebox/ml'
import type { ClientModel } from './model.ts'
import { flattenSample, type Sample, type SampleOptions } from './samples.ts'

/** Samples in one query; more is a mistake, or wants several queries. */
export const maxSamples = 4096

export interface EncryptOptions extends SampleOptions {
  readonly onProgress?: (done: number, total: number) => void
}

/** Encrypts samples, one ciphertext each, into a frame of kind 'query': count u32, then the ciphertexts. */
export function encryptQuery(
  model: ClientModel,
  secret: SecretKey,
  samples: readonly Sample[],
  options: EncryptOptions = {},
): Uint8Array<ArrayBuffer> {
  const { ckks, part } = model
  const { input } = part
  if (samples.length < 1 || samples.length > maxSamples)
    throw new RangeError(`"samples" expected 1 to ${maxSamples} samples, got ${samples.length}`)
  // All of them before the first is encrypted: an error in the last one should not cost the work for the others.
  const inputs = samples.map((sample, i) =>
    flattenSample(sample, input, options, samples.length === 1 ? 'sample' : `sample ${i}`),
  )
  const writer = new ByteWriter()
  writer.u32(samples.length)
  inputs.forEach((values, i) => {
    using plaintext = ckks.encode(packInput(part, values), { level: input.level, scale: input.scale })
    using ciphertext = encryptSymmetric(ckks, secret, plaintext)
    writeCiphertext(writer, ciphertext)
    options.onProgress?.(i + 1, samples.length)
  })
  return encodeFrame('query', part.digest, writer.done()) as Uint8Array<ArrayBuffer>
}
