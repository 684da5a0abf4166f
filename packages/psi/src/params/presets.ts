import { smallestPlaintextModulus } from './fit.ts'
import type { SetParamsLiteral } from './params.ts'

/** What a preset leaves open. */
export interface SetPresetOptions {
  /** Bytes of a label, 0 to 1024; default 0. */
  readonly labelBytes?: number
  /** Bits of the OPRF output that a query tells, 0 to 16; default 0. */
  readonly prefixBits?: number
}

/**
 * One item at a time by powers, without a product: N = 2048, one prime of 48 bits, t = 65537, five field elements, 20 powers uploaded, no keys. A bundle has
 * 409 · 20 = 8,180 items; for up to some 200,000 items, or as many in a bucket.
 */
export function friendlySet({ labelBytes = 0, prefixBits = 0 }: SetPresetOptions = {}): SetParamsLiteral {
  const maxItemsPerBin = 20
  return {
    method: 'powers',
    he: { scheme: 'bfv', ringDegree: 2048, modulusBits: [48], specialBits: [], plaintextModulus: 65537 },
    feltsPerItem: 5,
    labelBytes,
    prefixBits,
    powers: {
      hashFunctions: 0,
      tableSize: 409,
      maxItemsPerBin,
      queryPowers: Array.from({ length: maxItemsPerBin }, (_, i) => i + 1),
      psLowDegree: 0,
    },
  }
}

/** Blocks of 2048 · 511 items. */
const blockItems = 2048 * 511
/** With more, elements of 23 bits match by chance. */
const mostBlocks = 32

/**
 * One item at a time by a matrix, for sets without prefix: N = 4096, two primes of 34 bits and a special one of 37, four field elements. A block has 2048 bins
 * of 511 items; one block has elements of 22 bits, up to 32 have 23.
 * @throws RangeError for more than 33,488,896 items in a bucket: `planSet` has parameters for more.
 */
export function matrixSet(
  senderItems: number,
  { labelBytes = 0, prefixBits = 0 }: SetPresetOptions = {},
): SetParamsLiteral {
  const blocks = Math.ceil(senderItems / 2 ** prefixBits / blockItems)
  if (!(blocks >= 1 && blocks <= mostBlocks))
    throw new RangeError(
      `"senderItems" expected 1 to ${mostBlocks * blockItems} in a bucket, got ${senderItems}: use planSet for more`,
    )
  return {
    method: 'matrix',
    he: {
      scheme: 'bfv',
      ringDegree: 4096,
      modulusBits: [34, 34],
      specialBits: [37],
      plaintextModulus: smallestPlaintextModulus(blocks === 1 ? 22 : 23, 4096),
    },
    feltsPerItem: 4,
    labelBytes,
    prefixBits,
    // Rotations: babySteps once, and 512 / babySteps for every block.
    matrix: { degree: 512, babySteps: blocks <= 2 ? 32 : blocks <= 8 ? 64 : 128 },
  }
}

/**
 * Up to 1,100 items against a million, by cuckoo hashing with three functions: N = 8192, Paterson–Stockmeyer on 26 low and 8 high powers, of which six are
 * uploaded. A bundle has 1638 bins of 223 items, each in three of them: nine hold a million.
 */
export function batchSet({ labelBytes = 0, prefixBits = 0 }: SetPresetOptions = {}): SetParamsLiteral {
  return {
    method: 'powers',
    he: {
      scheme: 'bfv',
      ringDegree: 8192,
      modulusBits: [49, 49, 49],
      specialBits: [49],
      digitSize: 1,
      plaintextModulus: 557057,
    },
    feltsPerItem: 5,
    labelBytes,
    prefixBits,
    powers: {
      hashFunctions: 3,
      tableSize: 1638,
      maxItemsPerBin: 223,
      queryPowers: [1, 5, 8, 27, 81, 108],
      psLowDegree: 26,
    },
  }
}
