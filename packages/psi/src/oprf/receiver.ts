import { GloveboxError } from '@glovebox/he'
import { notAnElement, requireInputs, splitElements } from './elements.ts'
import { elementBytes, type Group, outputBytes, scalarBytes } from './group.ts'
import { nobleGroup } from './noble-group.ts'
import { verify } from './proof.ts'
import { isScalar, isZero, randomScalar } from './scalar.ts'
import { type OprfMode, outputOf, requireMode, uniformOf } from './suite.ts'

/** A batch on its way. */
export interface BlindedItems {
  /** A scalar of 32 bytes for each: secret, as with one the sender knows the input's element. Overwrite it (`fill(0)`) when the outputs are there. */
  readonly blinds: Uint8Array
  /** An element of 32 bytes for each: what is sent. */
  readonly elements: Uint8Array
}

/**
 * Blind of RFC 9497, sections 3.3.1 and 3.3.2: hashes n inputs, of 0 to 65,535 bytes each, to elements and multiplies each with a fresh scalar. As
 * that is uniform, so is what is sent, whatever the input.
 *
 * `group`: default `nobleGroup`.
 * @throws RangeError for no inputs, more than 65,535, or one that is too long; TypeError for what is no bytes. No message has a byte of an input.
 */
export function blindItems(
  mode: OprfMode,
  inputs: readonly Uint8Array[],
  { group = nobleGroup }: { readonly group?: Group } = {},
): BlindedItems {
  requireMode(mode)
  requireInputs(inputs)
  const blinds = new Uint8Array(inputs.length * scalarBytes)
  for (let i = 0; i < inputs.length; i++) blinds.set(randomScalar(group), i * scalarBytes)
  return blindWith(group, mode, inputs, blinds)
}

/** As `blindItems`, with scalars that are given: for test vectors. */
export function blindWith(
  group: Group,
  mode: OprfMode,
  inputs: readonly Uint8Array[],
  blinds: Uint8Array,
): BlindedItems {
  const elements = new Uint8Array(inputs.length * elementBytes)
  for (const [i, input] of inputs.entries()) {
    const element = group.multiplyDerived(blindOf(blinds, i), uniformOf(group, mode, input))
    // InvalidInputError of the RFC: with probability 2^-252.
    if (element === undefined) throw new RangeError(`"inputs[${i}]" hashes to the identity: leave it out`)
    elements.set(element, i * elementBytes)
  }
  return { blinds, elements }
}

function blindOf(blinds: Uint8Array, i: number): Uint8Array {
  return blinds.subarray(i * scalarBytes, (i + 1) * scalarBytes)
}

/** What `finalizeItems` takes besides. */
export interface FinalizeOptions {
  /** Default `nobleGroup`. */
  readonly group?: Group
  /** For `voprf`: the sender's public key, 32 bytes, from a source that is trusted, or at least the same for everybody. */
  readonly publicKey?: Uint8Array
  /** For `voprf`: the proof that came with the elements, 64 bytes. */
  readonly proof?: Uint8Array
}

/**
 * Finalize of RFC 9497, sections 3.3.1 and 3.3.2: n × 64 bytes, the outputs of the n inputs that were blinded, in order. `evaluated` is what the
 * sender sent back, n × 32 bytes. In mode `voprf` the proof is verified first.
 * @throws GloveboxError `malformed` for other lengths, elements or scalars than canonical ones, and the identity; `parameters-mismatch` for a proof that
 * does not verify; TypeError where `voprf` lacks public key or proof, RangeError for a `blinded` of other inputs.
 */
export function finalizeItems(
  mode: OprfMode,
  inputs: readonly Uint8Array[],
  blinded: BlindedItems,
  evaluated: Uint8Array,
  { group = nobleGroup, publicKey, proof }: FinalizeOptions = {},
): Uint8Array {
  requireMode(mode)
  requireInputs(inputs)
  const { blinds, elements } = blinded
  if (blinds.length !== inputs.length * scalarBytes || elements.length !== inputs.length * elementBytes)
    throw new RangeError(
      `"blinded" expected what was made of the ${inputs.length} inputs, got ${blinds.length / scalarBytes} blinds`,
    )
  const answers = splitElements('the evaluated batch', evaluated)
  if (answers.length !== inputs.length)
    throw new GloveboxError(
      'malformed',
      `the evaluated batch expected ${inputs.length} elements, got ${answers.length}: ask again`,
    )
  if (mode === 'voprf') verifyEvaluated(group, elements, evaluated, publicKey, proof)
  const outputs = new Uint8Array(inputs.length * outputBytes)
  for (const [i, input] of inputs.entries()) {
    const blind = blindOf(blinds, i)
    if (!isScalar(blind) || isZero(blind))
      throw new RangeError(`"blinded" expected scalars other than 0, got another at ${i}: blind again`)
    const inverse = group.invertScalar(blind)
    const element = group.multiply(inverse, answers[i]!)
    inverse.fill(0)
    if (element === undefined) throw notAnElement('the evaluated batch', i)
    outputs.set(outputOf(group, input, element), i * outputBytes)
  }
  return outputs
}

/** The part of `finalizeItems` that verifies the proof of a whole batch: after it mode `oprf` finalizes items one by one. */
export function verifyEvaluated(
  group: Group,
  elements: Uint8Array,
  evaluated: Uint8Array,
  publicKey: Uint8Array | undefined,
  proof: Uint8Array | undefined,
): void {
  if (!(publicKey instanceof Uint8Array) || !(proof instanceof Uint8Array))
    throw new TypeError(`"publicKey" and "proof" expected Uint8Arrays, as the mode is 'voprf'`)
  if (!group.isElement(publicKey))
    throw new GloveboxError(
      'malformed',
      'the public key is no canonical element of ristretto255 other than the identity: take it from the sender again',
    )
  const answers = splitElements('the evaluated batch', evaluated)
  for (const [i, answer] of answers.entries())
    if (!group.isElement(answer)) throw notAnElement('the evaluated batch', i)
  if (!verify(group, publicKey, splitElements('"blinded"', elements), answers, proof))
    throw new GloveboxError(
      'parameters-mismatch',
      'the proof does not verify: the batch was evaluated with another key than that of the public key. Fetch the set’s description again; if that does not help, do not trust the sender',
    )
}
