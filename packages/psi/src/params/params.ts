import type { ParamsLiteral } from '@glovebox/he'

/** How the receiver's items meet the sender's bins: powers of items in slots (Chen, Laine, Rindal 2017), or one item's powers once, times a matrix. */
export type Method = 'powers' | 'matrix'

/** Of the method `powers`. */
export interface PowersLiteral {
  /** How many bins an item of the sender lies in: 1 to 8; 0: a query has one item, replicated in every bin, and the sender fills bins as it likes. */
  readonly hashFunctions: number
  /** Bins in all; with 0 hash functions those of one group, ⌊N/feltsPerItem⌋ at most. */
  readonly tableSize: number
  /** Items of a bin in one bundle, the degree of its polynomial: 1 to 16,383. */
  readonly maxItemsPerBin: number
  /** The powers that the receiver uploads, ascending, 1 among them; all others up to `maxItemsPerBin` are products of these. */
  readonly queryPowers: readonly number[]
  /** Paterson–Stockmeyer: powers up to this one are made, and every (psLowDegree + 1)-th; 0 for all. */
  readonly psLowDegree: number
}

/** Of the method `matrix`. */
export interface MatrixLiteral {
  /** Coefficients of a polynomial, D: a power of two up to N/2; a bin has D - 1 items at most. */
  readonly degree: number
  /** Baby steps: a power of two that divides D. */
  readonly babySteps: number
}

/** Parameters of a set, as JSON. */
export interface SetParamsLiteral {
  /** Which of the two below there is. */
  readonly method: Method
  /** BFV with slots: t is a prime, 1 modulo 2N. */
  readonly he: ParamsLiteral
  /** Field elements of ⌊log2 t⌋ bits that an item is, k. */
  readonly feltsPerItem: number
  /** Bytes of a label; 0 for none. */
  readonly labelBytes: number
  /** Bits of the OPRF output that a query tells, so that one of 2^prefixBits buckets is looked at: 0 (nothing is told) to 16. */
  readonly prefixBits: number
  /** For the method `powers`, and no other. */
  readonly powers?: PowersLiteral
  /** For the method `matrix`, and no other. */
  readonly matrix?: MatrixLiteral
}
