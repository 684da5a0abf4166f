import { concatBytes } from '@noble/hashes/utils.js'
import type { Group } from './group.ts'

/** Modes of RFC 9497: the plain one, and the verifiable one, where a proof shows which key evaluated. */
export type OprfMode = 'oprf' | 'voprf'

/** Longest input, by its length field of two bytes (RFC 9497, section 1.2). */
export const maxInputBytes = 65535
/** Elements of one batch, by the index of two bytes in a proof (RFC 9497, section 2.2.1). */
export const maxBatch = 65535

/** Throws TypeError for what is no mode. */
export function requireMode(mode: unknown): asserts mode is OprfMode {
  if (mode !== 'oprf' && mode !== 'voprf') throw new TypeError(`"mode" expected 'oprf' or 'voprf', got another value`)
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

/** I2OSP(value, 2). */
export function i2osp2(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255)
}

/** A string with its length before it, in two bytes. */
export function prefixed(bytes: Uint8Array): Uint8Array {
  return concatBytes(i2osp2(bytes.length), bytes)
}

/** CreateContextString (RFC 9497, section 3.1) of ristretto255-SHA512. */
function contextOf(mode: number): Uint8Array {
  return concatBytes(ascii('OPRFV1-'), Uint8Array.of(mode), ascii('-ristretto255-SHA512'))
}

const contexts = { oprf: contextOf(0), voprf: contextOf(1) }
const labels = ['HashToGroup-', 'HashToScalar-', 'DeriveKeyPair', 'Seed-'] as const
type Label = (typeof labels)[number]

function tagsOf(context: Uint8Array): Record<Label, Uint8Array> {
  return Object.fromEntries(labels.map((label) => [label, concatBytes(ascii(label), context)])) as Record<
    Label,
    Uint8Array
  >
}

const tags = { oprf: tagsOf(contexts.oprf), voprf: tagsOf(contexts.voprf) }

/** A label with the context string behind it: what separates the uses of the hash, and the modes. */
export function tagOf(mode: OprfMode, label: Label): Uint8Array {
  return tags[mode][label]
}

/** Zeros as long as a block of SHA-512. */
const pad = new Uint8Array(128)

/** expand_message_xmd (RFC 9380, section 5.3.1) to 64 bytes, which is one block: b_1 of a message under a tag. */
export function expand(group: Group, message: Uint8Array, tag: Uint8Array): Uint8Array {
  const suffix = concatBytes(tag, Uint8Array.of(tag.length))
  const first = group.hash(concatBytes(pad, message, Uint8Array.of(0, 64, 0), suffix))
  return group.hash(concatBytes(first, Uint8Array.of(1), suffix))
}

/** 64 uniform bytes that an input's element is derived of: HashToGroup of RFC 9497, section 4.1. */
export function uniformOf(group: Group, mode: OprfMode, input: Uint8Array): Uint8Array {
  return expand(group, input, tagOf(mode, 'HashToGroup-'))
}

/** HashToScalar of RFC 9497, section 4.1. */
export function hashToScalar(group: Group, message: Uint8Array, tag: Uint8Array): Uint8Array {
  return group.reduceScalar(expand(group, message, tag))
}

const finalize = ascii('Finalize')

/** The last step of Finalize and Evaluate (RFC 9497, section 3.3.1): 64 bytes of an input and its element times the key. */
export function outputOf(group: Group, input: Uint8Array, element: Uint8Array): Uint8Array {
  return group.hash(concatBytes(prefixed(input), prefixed(element), finalize))
}
