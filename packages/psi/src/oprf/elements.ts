import { GloveboxError } from '@glovebox/he'
import { elementBytes } from './group.ts'
import { maxBatch, maxInputBytes } from './suite.ts'

/** The elements of a batch, as views. Throws GloveboxError `malformed` for a length that is no batch, `too-large` for more than 65,535. */
export function splitElements(what: string, bytes: Uint8Array): Uint8Array[] {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${what} expected a Uint8Array, got ${typeof bytes}`)
  if (bytes.length === 0 || bytes.length % elementBytes !== 0)
    throw new GloveboxError(
      'malformed',
      `${what} expected elements of ${elementBytes} bytes, one or more, got ${bytes.length} bytes`,
    )
  const count = bytes.length / elementBytes
  if (count > maxBatch)
    throw new GloveboxError('too-large', `${what} has ${count} elements, at most ${maxBatch}: send several batches`)
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * elementBytes, (i + 1) * elementBytes))
}

/** The error for an element of a batch that is none. */
export function notAnElement(what: string, index: number): GloveboxError {
  return new GloveboxError(
    'malformed',
    `${what}: element ${index} is no canonical element of ristretto255 other than the identity`,
  )
}

/** Throws TypeError for inputs that are no bytes, RangeError for one that is too long or for a batch of none or too many. */
export function requireInputs(inputs: readonly Uint8Array[]): void {
  if (!Array.isArray(inputs)) throw new TypeError(`"inputs" expected an array of Uint8Arrays, got ${typeof inputs}`)
  if (inputs.length < 1 || inputs.length > maxBatch)
    throw new RangeError(
      `"inputs" expected 1 to ${maxBatch} inputs, got ${inputs.length}: ask in batches of that many at most`,
    )
  for (const [i, input] of inputs.entries()) requireInput(`inputs[${i}]`, input)
}

/** Throws TypeError for an input that is no bytes, RangeError for one that is too long; its message has no byte of it. */
export function requireInput(name: string, input: Uint8Array): void {
  if (!(input instanceof Uint8Array)) throw new TypeError(`"${name}" expected a Uint8Array, got ${typeof input}`)
  if (input.length > maxInputBytes)
    throw new RangeError(
      `"${name}" expected at most ${maxInputBytes} bytes, got ${input.length}: hash it first, as hardening does`,
    )
}
