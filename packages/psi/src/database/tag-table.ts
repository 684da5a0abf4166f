import { hashFunctionsOf, type TagParams, usedTagBytes, word } from '../hashing/tag.ts'

/** Distinct items as columns of numbers: 16 bytes each, up to 10 more for where they go, and their encrypted labels. */
export interface TagTable {
  readonly count: number
  /** 4 words of each: the first 16 bytes of its tag, which tell items apart. */
  readonly words: Uint32Array
  /** Bytes 16 and 17, big-endian; empty without prefix. */
  readonly prefixes: Uint16Array
  /** Words at 18 and 22; empty where no hash function places an item. */
  readonly x: Uint32Array
  readonly y: Uint32Array
  readonly labels: Uint8Array
}

/** Takes tags one after another; the same item again only replaces its label. */
export interface TagCollector {
  /** The item's index. */
  add(records: Uint8Array, at: number): number
  /** The table of what was added; the index to find duplicates by is given up. */
  table(): TagTable
}

/** Records are the 26 used bytes of a tag and `labelBytes` of encrypted label. */
export function recordBytes(labelBytes: number): number {
  return usedTagBytes + labelBytes
}

/** A collector of up to `capacity` records. */
export function createTagCollector(
  params: TagParams & { readonly labelBytes: number },
  capacity: number,
): TagCollector {
  const { labelBytes } = params
  const placed = hashFunctionsOf(params) > 0
  const words = new Uint32Array(4 * capacity)
  const prefixes = new Uint16Array(params.prefixBits > 0 ? capacity : 0)
  const x = new Uint32Array(placed ? capacity : 0)
  const y = new Uint32Array(placed ? capacity : 0)
  const labels = new Uint8Array(labelBytes * capacity)
  const mask = 2 ** Math.ceil(Math.log2(capacity * 1.5 + 2)) - 1
  // Open addressing; index + 1, 0 for none. Tags are pseudorandom: their words are their hash.
  let slots = new Int32Array(mask + 1)
  let count = 0
  return {
    add(records, at) {
      const [a, b, c, d] = [word(records, at), word(records, at + 4), word(records, at + 8), word(records, at + 12)]
      let slot = (a ^ d) & mask
      let item = slots[slot]! - 1
      while (item >= 0) {
        const i = 4 * item
        if (words[i] === a && words[i + 1] === b && words[i + 2] === c && words[i + 3] === d) break
        slot = (slot + 1) & mask
        item = slots[slot]! - 1
      }
      if (item < 0) {
        item = count++
        slots[slot] = item + 1
        const i = 4 * item
        words[i] = a
        words[i + 1] = b
        words[i + 2] = c
        words[i + 3] = d
        if (prefixes.length > 0) prefixes[item] = (records[at + 16]! << 8) | records[at + 17]!
        if (placed) {
          x[item] = word(records, at + 18)
          y[item] = word(records, at + 22)
        }
      }
      if (labelBytes > 0)
        labels.set(records.subarray(at + usedTagBytes, at + usedTagBytes + labelBytes), item * labelBytes)
      return item
    },
    table() {
      slots = new Int32Array(0)
      return { count, words, prefixes, x, y, labels }
    },
  }
}
