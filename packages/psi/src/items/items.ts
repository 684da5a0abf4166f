import { ByteWriter } from '@glovebox/he'
import { canonicalDomain } from './domain.ts'
import { canonicalUser } from './user.ts'

/** What a set has for items: it decides which texts are the same item. */
export type ItemKind = 'passwords' | 'credentials' | 'domains' | 'bytes'

/** A user name or mail address with a password. */
export interface Credential {
  /** Text that `canonicalUser` takes. */
  readonly user: string
  /** Text, or bytes as a list has them. */
  readonly password: string | Uint8Array
}

/** An item of each kind, as a program has it. */
export type Item = string | Uint8Array | Credential

/** First byte of an item's canonical bytes, so that no two kinds share any; values are for ever, as databases hold what comes of them. */
const tags = { passwords: 1, credentials: 2, domains: 3, bytes: 4 } as const satisfies Record<ItemKind, number>

/** All kinds. */
export const itemKinds: readonly ItemKind[] = ['passwords', 'credentials', 'domains', 'bytes']

/** Longest canonical bytes: those that the OPRF takes (RFC 9497, section 1.2). */
const maxBytes = 65535

/**
 * Canonical bytes of an item, 2 to 65,535: equal for equal items of a kind, different otherwise, and different between kinds.
 *
 * - `passwords`: text as UTF-8, or bytes, **as they are**: no trimming, no change of case, no Unicode normalisation. A breached list has the bytes that
 *   a service stored or hashed, and most services normalise nothing (the OpaqueString profile of RFC 8265, section 4.2, has NFC, but few follow it). Normalising
 *   text alone would leave entries of the list that are in another form, or no UTF-8 at all, without any text that finds them. Ask for `text` and
 *   `text.normalize('NFC')` where they differ.
 * - `credentials`: user as by `canonicalUser`, password as above, each behind its length, so that no two pairs meet.
 * - `domains`: text as by `canonicalDomain`.
 * - `bytes`: bytes as they are.
 *
 * @throws TypeError for an item of another type, and for text with lone surrogates, which has no UTF-8; RangeError for an empty item, one that is too
 * long, or a domain that is none. No message has a part of an item.
 */
export function itemBytes(kind: ItemKind, item: Item): Uint8Array {
  const writer = new ByteWriter(64)
  writer.u8(tags[requireKind(kind)])
  if (kind === 'credentials') {
    const { user, password } = requireCredential(item)
    const secret = passwordBytes('item.password', password)
    const name = utf8('item.user', canonicalUser(user))
    writer.u32(name.length).raw(name).u32(secret.length).raw(secret)
  } else if (kind === 'domains') {
    writer.raw(utf8('item', canonicalDomain(requireText('item', item))))
  } else if (kind === 'bytes') {
    if (!(item instanceof Uint8Array)) throw wrongType('item', 'a Uint8Array', item)
    if (item.length === 0) throw new RangeError('"item" expected one byte or more, got none: leave it out')
    writer.raw(item)
  } else {
    writer.raw(passwordBytes('item', item))
  }
  const bytes = writer.done()
  if (bytes.length > maxBytes)
    throw new RangeError(`"item" expected at most ${maxBytes} canonical bytes, got ${bytes.length}: leave it out`)
  return bytes
}

/**
 * The kind itself.
 * @throws TypeError for what is none.
 */
export function requireKind(kind: unknown): ItemKind {
  if (!itemKinds.includes(kind as ItemKind))
    throw new TypeError(`"kind" expected one of ${itemKinds.join(', ')}, got another value`)
  return kind as ItemKind
}

function passwordBytes(name: string, password: unknown): Uint8Array {
  if (password instanceof Uint8Array ? password.length === 0 : password === '')
    throw new RangeError(`"${name}" expected one character or more, got none: leave it out`)
  return password instanceof Uint8Array ? password : utf8(name, requireText(name, password))
}

function requireCredential(item: unknown): Credential {
  if (item === null || typeof item !== 'object' || item instanceof Uint8Array)
    throw wrongType('item', 'a user and a password', item)
  return { user: requireText('item.user', (item as Credential).user), password: (item as Credential).password }
}

function requireText(name: string, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(name, 'text', value)
  return value
}

function utf8(name: string, text: string): Uint8Array {
  // An encoder would write U+FFFD for each, and different items would be the same.
  if (!text.isWellFormed()) throw new TypeError(`"${name}" expected Unicode text, got lone surrogates: leave it out`)
  return new TextEncoder().encode(text)
}

function wrongType(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`"${name}" expected ${expected}, got ${value === null ? 'null' : typeof value}`)
}
