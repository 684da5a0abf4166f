import { notAnElement, requireInput, splitElements } from './elements.ts'
import { elementBytes, type Group } from './group.ts'
import type { OprfKey } from './key.ts'
import { nobleGroup } from './noble-group.ts'
import { prove } from './proof.ts'
import { randomScalar } from './scalar.ts'
import { outputOf, uniformOf } from './suite.ts'

/** What the sender answers a batch with. */
export interface EvaluatedBatch {
  /** n × 32 bytes. */
  readonly elements: Uint8Array
  /** Mode `voprf`: 64 bytes that show that the key is that of the public key. */
  readonly proof: Uint8Array | undefined
}

/**
 * BlindEvaluate of RFC 9497, sections 3.3.1 and 3.3.2, on n × 32 bytes of blinded elements, 1 to 65,535 of them: each times the key; in mode `voprf` with
 * one proof for all.
 *
 * `group`: default `nobleGroup`; `openSodiumGroup()` is ten times as fast.
 * @throws GloveboxError `malformed` for a length that is no batch, for bytes that are no canonical element, and for the identity; `too-large` for more.
 */
export function evaluateBlinded(
  key: OprfKey,
  blinded: Uint8Array,
  { group = nobleGroup }: { readonly group?: Group } = {},
): EvaluatedBatch {
  const elements = multiplyBatch(key, blinded, group)
  return {
    elements,
    proof: key.mode === 'voprf' ? proveWith(key, blinded, elements, randomScalar(group), group) : undefined,
  }
}

/** The elements of a batch times the key; `first` is the index of the first one, for errors. */
export function multiplyBatch(key: OprfKey, blinded: Uint8Array, group: Group, first = 0): Uint8Array {
  const evaluated = new Uint8Array(blinded.length)
  for (const [i, element] of splitElements('the blinded batch', blinded).entries()) {
    const product = group.multiply(key.secret, element)
    if (product === undefined) throw notAnElement('the blinded batch', first + i)
    evaluated.set(product, i * elementBytes)
  }
  return evaluated
}

/** The proof of a batch with a scalar that is given, and wiped: for test vectors. */
export function proveWith(
  key: OprfKey,
  blinded: Uint8Array,
  evaluated: Uint8Array,
  random: Uint8Array,
  group: Group,
): Uint8Array {
  const before = splitElements('the blinded batch', blinded)
  const after = splitElements('the evaluated batch', evaluated)
  const proof = prove(group, key.secret, key.publicKey, before, after, random)
  random.fill(0)
  return proof
}

/**
 * Evaluate of RFC 9497, section 3.3.1: the output of one input, 0 to 65,535 bytes, by whoever has the key: 64 bytes, those that a receiver comes to.
 * @throws RangeError for a longer input, TypeError for what is no bytes; no message has a byte of it.
 */
export function evaluateInput(key: OprfKey, input: Uint8Array, group: Group = nobleGroup): Uint8Array {
  requireInput('input', input)
  const element = group.multiplyDerived(key.secret, uniformOf(group, key.mode, input))
  if (element === undefined) throw new RangeError('"input" hashes to the identity: leave it out')
  return outputOf(group, input, element)
}
