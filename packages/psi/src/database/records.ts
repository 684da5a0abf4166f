import { hash } from 'node:crypto'
import { labelInfo } from '../hashing/label.ts'
import { tagBytes, usedTagBytes } from '../hashing/tag.ts'
import { recordBytes } from './tag-table.ts'

/** An item of a list and, in a set with labels, its label. */
export interface SetEntry {
  /** What the OPRF takes: canonical bytes, hardened or not as `evaluate` expects them. */
  readonly item: Uint8Array
  /** As many bytes as the parameters say. */
  readonly label?: Uint8Array | undefined
}

/** The OPRF on items: n × 64 bytes, tag and label key of each. */
export type EvaluateItems = (items: readonly Uint8Array[]) => Promise<Uint8Array>

const outputBytes = 64

/** Throws TypeError or RangeError for an entry that does not fit the set; the message tells nothing of it. */
export function requireEntry(entry: SetEntry, labelBytes: number, position: number): void {
  const { item, label } = entry
  if (!(item instanceof Uint8Array))
    throw new TypeError(`"item" of entry ${position} expected a Uint8Array, got ${typeof item}`)
  if (labelBytes === 0 ? label !== undefined : !(label instanceof Uint8Array) || label.length !== labelBytes)
    throw new RangeError(
      `"label" of entry ${position} expected ${labelBytes === 0 ? 'none' : `${labelBytes} bytes`} as the parameters say, got ${label === undefined ? 'none' : `${label.length} bytes`}: pad labels to one length`,
    )
}

/** The records of entries: the used bytes of each tag and its encrypted label. */
export async function makeRecords(
  entries: readonly SetEntry[],
  labelBytes: number,
  evaluate: EvaluateItems,
): Promise<Uint8Array> {
  const outputs = await evaluate(entries.map(({ item }) => item))
  if (!(outputs instanceof Uint8Array) || outputs.length !== entries.length * outputBytes)
    throw new RangeError(`"evaluate" expected to give ${outputBytes} bytes for each of ${entries.length} items`)
  const size = recordBytes(labelBytes)
  const records = new Uint8Array(entries.length * size)
  for (const [i, { label }] of entries.entries()) {
    const output = outputs.subarray(i * outputBytes, (i + 1) * outputBytes)
    records.set(output.subarray(0, usedTagBytes), i * size)
    if (label && labelBytes > 0)
      records.set(encryptLabelNode(output.subarray(tagBytes), label), i * size + usedTagBytes)
  }
  return records
}

/** Bytes of a block of SHA-512, which a key of HMAC is filled up to. */
const hmacBlock = 128

/**
 * As `encryptLabel`, by OpenSSL, as lists are long: HKDF-Expand (RFC 5869, section 2.3) by HMAC (RFC 2104) from two hashes, since an HMAC object takes longer
 * than they do.
 */
export function encryptLabelNode(key: Uint8Array, label: Uint8Array): Uint8Array {
  // A copy: the slice of a Buffer is none.
  const encrypted = Uint8Array.from(label)
  const outer = new Uint8Array(hmacBlock + 64).fill(0x5c, 0, hmacBlock)
  for (let i = 0; i < key.length; i++) outer[i]! ^= key[i]!
  let previous = 0
  for (let at = 0, counter = 1; at < label.length; at += 64, counter++) {
    // T(i) is the HMAC of T(i - 1), the info and i.
    const inner = new Uint8Array(hmacBlock + previous + labelInfo.length + 1).fill(0x36, 0, hmacBlock)
    for (let i = 0; i < key.length; i++) inner[i]! ^= key[i]!
    inner.set(outer.subarray(hmacBlock, hmacBlock + previous), hmacBlock)
    inner.set(labelInfo, hmacBlock + previous)
    inner[inner.length - 1] = counter
    outer.set(hash('sha512', inner, 'buffer'), hmacBlock)
    const block = hash('sha512', outer, 'buffer')
    for (let i = at; i < Math.min(at + 64, label.length); i++) encrypted[i]! ^= block[i - at]!
    outer.set(block, hmacBlock)
    previous = 64
  }
  return encrypted
}

/** SHA-256 of entries, by which a list is known again: the lengths of each item and label, then all bytes. */
export function digestEntries(entries: readonly SetEntry[]): Uint8Array {
  const lengths = entries.flatMap(({ item, label }) => [item.length, label?.length ?? 0])
  const bytes = new Uint8Array(4 * lengths.length + lengths.reduce((sum, length) => sum + length, 0))
  bytes.set(new Uint8Array(Uint32Array.from(lengths).buffer))
  let at = 4 * lengths.length
  for (const { item, label } of entries) {
    bytes.set(item, at)
    at += item.length
    if (label) bytes.set(label, at)
    at += label?.length ?? 0
  }
  return hash('sha256', bytes, 'buffer')
}
