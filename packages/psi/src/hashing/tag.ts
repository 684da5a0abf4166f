/** Bytes of the OPRF's output that say where an item is and what it is; the other 32 are the key of its label. */
export const tagBytes = 32
/** Bytes of a tag that are used: 16 of field elements, 2 of prefix, 8 of locations. */
export const usedTagBytes = 26

/** What of the parameters of a set says how tags are read. */
export interface TagParams {
  /** k, field elements of an item: k * feltBits is 128 at most. */
  readonly feltsPerItem: number
  /** b = ⌊log2 t⌋, 1 to 26. */
  readonly feltBits: number
  /** 0 to 16. */
  readonly prefixBits: number
  /** Bins of the whole table. */
  readonly bins: number
  /** Absent in the method `matrix`. */
  readonly powers?: { readonly hashFunctions: number } | undefined
}

/** How many locations an item has: 0 where it is in every bin of a query, and the sender puts it where it likes. */
export function hashFunctionsOf({ powers }: TagParams): number {
  return powers?.hashFunctions ?? 0
}

/** The 32-bit little-endian word at an offset. */
export function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** Writes the k elements of an item: element j is the bits from j * b on of the 128-bit little-endian number of four words. */
export function writeFelts(
  { feltsPerItem, feltBits }: TagParams,
  words: Uint32Array,
  at: number,
  out: { [index: number]: number },
  outAt: number,
): void {
  const mask = 2 ** feltBits - 1
  for (let j = 0, bit = 0; j < feltsPerItem; j++, bit += feltBits) {
    const [index, shift] = [at + (bit >>> 5), bit & 31]
    // A shift by 32 is one by 0, so the upper word is only looked at where it is needed.
    const upper = shift + feltBits > 32 ? words[index + 1]! << (32 - shift) : 0
    out[outAt + j] = ((words[index]! >>> shift) | upper) & mask
  }
}

/** The k field elements of the tag at an offset. */
export function feltsOf(params: TagParams, tags: Uint8Array, at = 0): Uint32Array {
  const words = Uint32Array.from({ length: 4 }, (_, i) => word(tags, at + 4 * i))
  const felts = new Uint32Array(params.feltsPerItem)
  writeFelts(params, words, 0, felts, 0)
  return felts
}

/** The bucket: the upper `prefixBits` bits of the big-endian number in bytes 16 and 17. */
export function bucketOf({ prefixBits }: TagParams, tags: Uint8Array, at = 0): number {
  return ((tags[at + 16]! << 8) | tags[at + 17]!) >>> (16 - prefixBits)
}

/** A permutation of 32-bit numbers that spreads every bit: the finaliser of MurmurHash3 (A. Appleby). */
function mix(value: number): number {
  let h = value ^ (value >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * Location i of the words x and y at bytes 18 and 22: mix(x XOR mix(y + i 0x9E3779B9 mod 2^32)), modulo the bins of the table. Not an arithmetic
 * progression: in those, two items that share two locations share all.
 */
export function locationOf(x: number, y: number, i: number, bins: number): number {
  return mix(x ^ mix((y + Math.imul(i, 0x9e3779b9)) | 0)) % bins
}

/** The distinct locations of an item, from 1 to hashFunctions of them; none with 0 hash functions. */
export function locationsOf(params: TagParams, tags: Uint8Array, at = 0): number[] {
  const [x, y] = [word(tags, at + 18), word(tags, at + 22)]
  const locations: number[] = []
  for (let i = 0; i < hashFunctionsOf(params); i++) {
    const location = locationOf(x, y, i, params.bins)
    if (!locations.includes(location)) locations.push(location)
  }
  return locations
}

/** The group of a location, whose bins share the ciphertexts of a query, and the bin within it. */
export function binOf(binsPerGroup: number, location: number): { readonly group: number; readonly bin: number } {
  return { group: Math.floor(location / binsPerGroup), bin: location % binsPerGroup }
}
