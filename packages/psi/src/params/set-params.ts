import { createParams, digest, GloveboxError, type Params, toHex } from '@glovebox/he'
import { requireInteger, requirePowerOfTwo, requireQueryPowers, requireSlots } from './checks.ts'
import { lowestInnerLevel } from './fit.ts'
import { type Circuit, estimateNoise, type Moduli, type NoiseEstimate, reserveBits } from './noise.ts'
import type { MatrixLiteral, Method, PowersLiteral, SetParamsLiteral } from './params.ts'
import { type PowerProduct, powersPlan, wantedPowers } from './postage-stamp.ts'

/** Checked and frozen parameters of a set, as `createSetParams` makes them: the literal and what follows from it. */
export interface SetParams {
  /** The literal that they were made from, with the defaults of `he` filled in. */
  readonly literal: SetParamsLiteral
  /** As the literal has it. */
  readonly method: Method
  /** Of BFV. */
  readonly he: Params
  /** N: slots of a ciphertext. */
  readonly n: number
  /** Prime, 1 modulo 2N: coefficients of polynomials are below it. */
  readonly t: number
  /** ⌊log2 t⌋, bits of a field element. */
  readonly feltBits: number
  /** k: 1 to 16. */
  readonly feltsPerItem: number
  /** feltBits · feltsPerItem, at most 128. */
  readonly itemBits: number
  /** 0 for none, at most 1024. */
  readonly labelBytes: number
  /** Polynomials that hold a label: ⌈8 labelBytes / itemBits⌉. */
  readonly labelPolynomials: number
  /** With the matching polynomial: 1 + labelPolynomials. */
  readonly polynomials: number
  /** 0 to 16. */
  readonly prefixBits: number
  /** 2^prefixBits: a query looks at one of them. */
  readonly buckets: number
  /** Of the method `powers`. */
  readonly powers?: PowersLiteral
  /** Of the method `matrix`. */
  readonly matrix?: MatrixLiteral
  /** Bins of a bundle: `tableSize`, or N/2 of the method `matrix`. */
  readonly bins: number
  /** Bins in one ciphertext: ⌊N/k⌋, or N/2. */
  readonly binsPerGroup: number
  /** Ciphertexts that the bins take side by side: ⌈bins / binsPerGroup⌉, or 1. */
  readonly groups: number
  /** Ciphertexts that the field elements of a bin take: 1, or ⌈k/2⌉ of the method `matrix`. */
  readonly pairs: number
  /** Items of a bin in one bundle: B, or D - 1. */
  readonly itemsPerBin: number
  /** Of a polynomial: B + 1, or D. */
  readonly coefficients: number
  /** bins · itemsPerBin: places of one bundle. With hash functions an item takes as many as it has locations. */
  readonly capacityPerBundle: number
  /** The powers that the sender makes, in an order in which this can be done. */
  readonly products: readonly PowerProduct[]
  /** Whether the sender needs a relinearisation key: for these products, and for those of Paterson–Stockmeyer. */
  readonly relinearise: boolean
  /** Steps of the rotations that the sender needs Galois keys for. */
  readonly rotations: readonly number[]
  /** Ciphertexts of a query. */
  readonly queryCiphertexts: number
  /** Ciphertexts of a reply, for each bundle that is looked at. */
  readonly repliesPerBundle: number
  /** The level of the inner products, the lowest that the noise allows. */
  readonly innerLevel: number
  /** Bits of a coefficient of a reply. */
  readonly replyBits: number
  /** What is left of the noise budget at each stage. */
  readonly noise: NoiseEstimate
  /** SHA-256 over all of it: 64 lower-case hexadecimal digits. */
  readonly digest: string
}

/** With more, choosing products takes seconds, which a receiver would spend at a sender's word. */
export const mostItemsPerBin = 16383
/** Ciphertexts of a query, by its count of two bytes. */
const mostCiphertexts = 65535

function checkPowers(powers: PowersLiteral, n: number, k: number): PowersLiteral {
  requireInteger('powers.hashFunctions', powers.hashFunctions, 0, 8)
  const perGroup = Math.floor(n / k)
  const most = powers.hashFunctions === 0 ? perGroup : 2 ** 24
  requireInteger('powers.tableSize', powers.tableSize, 1, most)
  requireInteger('powers.maxItemsPerBin', powers.maxItemsPerBin, 1, mostItemsPerBin)
  requireInteger('powers.psLowDegree', powers.psLowDegree, 0, powers.maxItemsPerBin)
  requireQueryPowers(powers.queryPowers, powers.maxItemsPerBin)
  const ciphertexts = Math.ceil(powers.tableSize / perGroup) * powers.queryPowers.length
  if (ciphertexts > mostCiphertexts)
    throw new RangeError(
      `"powers.tableSize" expected bins of which a query takes at most ${mostCiphertexts} ciphertexts, got ${powers.tableSize} in ${ciphertexts}: use fewer bins or powers`,
    )
  return Object.freeze({
    hashFunctions: powers.hashFunctions,
    tableSize: powers.tableSize,
    maxItemsPerBin: powers.maxItemsPerBin,
    queryPowers: Object.freeze([...powers.queryPowers]),
    psLowDegree: powers.psLowDegree,
  })
}

function checkMatrix({ degree, babySteps }: MatrixLiteral, n: number): MatrixLiteral {
  requirePowerOfTwo('matrix.degree', degree, 2, n / 2)
  requirePowerOfTwo('matrix.babySteps', babySteps, 1, degree)
  return Object.freeze({ degree, babySteps })
}

/** The lowest level at which inner products leave enough of the noise budget, with its estimate. */
function place(he: Params, circuit: Circuit): { innerLevel: number; noise: NoiseEstimate; replyBits: number } {
  const found = lowestInnerLevel(he, circuit)
  if (found) {
    const { innerLevel, replyBits } = found
    return { innerLevel, replyBits, noise: Object.freeze(estimateNoise(he, circuit, innerLevel)) }
  }
  const { marginBits } = estimateNoise(he, circuit, he.maxLevel)
  throw new GloveboxError(
    'unsupported',
    marginBits >= reserveBits
      ? `"he" expected a base prime that a reply of at most 40 bits can be cut to, got one of ${Math.log2(he.primes[0]!).toFixed(1)} bits with t = ${he.plaintextModulus}: use a smaller "plaintextModulus" or a larger first prime`
      : `"he" expected primes that leave ${reserveBits} bits of noise or more, so that a run fails with a probability of 2^-40 at most, got ${marginBits.toFixed(1)} bits: use larger primes, a smaller "plaintextModulus", or fewer products and items per bin`,
  )
}

/**
 * Checks a literal and derives what follows from it. The noise of its circuit is estimated (see `NoiseEstimate`), and inner products are put at the lowest
 * level that it allows. Same literal, same digest, everywhere.
 * @throws TypeError for what is no object; RangeError for a value out of range, and query powers that do not make all others; GloveboxError
 * `insecure-parameters` and `no-primes` as `createParams`, `unsupported` where the noise is too large, or a single lookup in one full bundle would match by
 * chance with a probability above 2^-40.
 */
export function createSetParams(literal: SetParamsLiteral): SetParams {
  if (literal === null || typeof literal !== 'object')
    throw new TypeError(`"literal" expected an object, got ${literal === null ? 'null' : typeof literal}`)
  const { method, feltsPerItem, labelBytes, prefixBits } = literal
  if (method !== 'powers' && method !== 'matrix')
    throw new RangeError(`"method" expected 'powers' or 'matrix', got ${JSON.stringify(method)}`)
  for (const field of ['he', method] as const)
    if (literal[field] === null || typeof literal[field] !== 'object')
      throw new TypeError(
        `"${field}" expected an object, got ${literal[field] === null ? 'null' : typeof literal[field]}`,
      )
  const other = method === 'powers' ? 'matrix' : 'powers'
  if (literal[other] !== undefined) throw new RangeError(`"${other}" expected nothing with the method '${method}'`)
  if (literal.he.scheme !== 'bfv')
    throw new RangeError(`"he.scheme" expected 'bfv', got ${JSON.stringify(literal.he.scheme)}`)
  const he = createParams(literal.he)
  const n = he.ringDegree
  const t = requireSlots(he)
  requireInteger('feltsPerItem', feltsPerItem, 1, 16)
  requireInteger('labelBytes', labelBytes, 0, 1024)
  requireInteger('prefixBits', prefixBits, 0, 16)
  const feltBits = Math.floor(Math.log2(t))
  if (feltsPerItem * feltBits > 128)
    throw new RangeError(
      `"feltsPerItem" expected at most ${Math.floor(128 / feltBits)} of ${feltBits} bits, 128 in all, got ${feltsPerItem}`,
    )
  const powers = method === 'powers' ? checkPowers(literal.powers!, n, feltsPerItem) : undefined
  const matrix = method === 'matrix' ? checkMatrix(literal.matrix!, n) : undefined
  const shape = deriveShape({ he, feltsPerItem, labelBytes, prefixBits, powers, matrix })
  const { products, relinearise, rotations, bins, itemsPerBin } = shape
  if ((relinearise || rotations.length > 0) && he.special.length === 0)
    throw new RangeError(
      `"he.specialBits" expected a special prime, as ${relinearise ? 'powers are multiplied' : 'ciphertexts are rotated'}, got none: ${relinearise ? 'upload all powers, or ' : ''}add one`,
    )
  // With hash functions an item is looked up in one bin, without in all.
  const looked = powers && powers.hashFunctions > 0 ? 1 : bins
  const chance = Math.log2(looked) + feltsPerItem * (Math.log2(itemsPerBin) - feltBits)
  if (chance > -40)
    throw new GloveboxError(
      'unsupported',
      `"feltsPerItem" expected so many that an item matches one bundle by chance with a probability of 2^-40 at most, got ${feltsPerItem} of ${feltBits} bits, which gives 2^${chance.toFixed(1)}: use more of them, a larger "plaintextModulus", or fewer items per bin`,
    )
  const circuit: Circuit = powers ? { method: 'powers', products, ...powers } : { method: 'matrix', ...matrix! }
  const placed = place(he, circuit)
  const frozen: SetParamsLiteral = Object.freeze({
    method,
    he: he.literal,
    feltsPerItem,
    labelBytes,
    prefixBits,
    ...(powers && { powers }),
    ...(matrix && { matrix }),
  })
  const identity = JSON.stringify([
    'glovebox psi 1',
    method,
    he.digest,
    feltsPerItem,
    labelBytes,
    prefixBits,
    powers
      ? [powers.hashFunctions, powers.tableSize, powers.maxItemsPerBin, powers.queryPowers, powers.psLowDegree]
      : [matrix!.degree, matrix!.babySteps],
    placed.innerLevel,
    placed.replyBits,
  ])
  return Object.freeze({
    literal: frozen,
    he,
    ...shape,
    ...placed,
    digest: toHex(digest(new TextEncoder().encode(identity))),
  })
}

/** What follows from a literal without its noise; `he` may be no more than moduli. */
export type SetShape = Omit<SetParams, 'literal' | 'he' | 'innerLevel' | 'replyBits' | 'noise' | 'digest'>

/** Derives the shape of checked values. */
export function deriveShape({
  he,
  feltsPerItem,
  labelBytes,
  prefixBits,
  powers,
  matrix,
  products = powers ? powersPlan(powers.queryPowers, wantedPowers(powers.maxItemsPerBin, powers.psLowDegree)) : [],
}: {
  readonly he: Moduli
  readonly feltsPerItem: number
  readonly labelBytes: number
  readonly prefixBits: number
  readonly powers?: PowersLiteral | undefined
  readonly matrix?: MatrixLiteral | undefined
  /** Default: as they are planned. */
  readonly products?: readonly PowerProduct[] | undefined
}): SetShape {
  const n = he.ringDegree
  const t = he.plaintextModulus!
  const feltBits = Math.floor(Math.log2(t))
  const itemBits = feltBits * feltsPerItem
  const labelPolynomials = Math.ceil((8 * labelBytes) / itemBits)
  const polynomials = 1 + labelPolynomials
  const bins = powers?.tableSize ?? n / 2
  const binsPerGroup = powers ? Math.floor(n / feltsPerItem) : n / 2
  const groups = Math.ceil(bins / binsPerGroup)
  const pairs = powers ? 1 : Math.ceil(feltsPerItem / 2)
  const itemsPerBin = powers?.maxItemsPerBin ?? matrix!.degree - 1
  return {
    method: powers ? 'powers' : 'matrix',
    n,
    t,
    feltBits,
    feltsPerItem,
    itemBits,
    labelBytes,
    labelPolynomials,
    polynomials,
    prefixBits,
    buckets: 2 ** prefixBits,
    ...(powers && { powers }),
    ...(matrix && { matrix }),
    bins,
    binsPerGroup,
    groups,
    pairs,
    itemsPerBin,
    coefficients: itemsPerBin + 1,
    capacityPerBundle: bins * itemsPerBin,
    products: Object.freeze(products),
    relinearise: products.length > 0 || (powers !== undefined && usesHighPowers(powers)),
    rotations: Object.freeze(matrix ? rotationsOf(matrix) : []),
    queryCiphertexts: powers ? groups * powers.queryPowers.length : pairs,
    repliesPerBundle: groups * pairs * polynomials,
  }
}

function rotationsOf({ degree, babySteps }: MatrixLiteral): number[] {
  return [...(babySteps > 1 ? [1] : []), ...(babySteps < degree ? [babySteps] : [])]
}

/** Whether Paterson–Stockmeyer has high powers to multiply with. */
function usesHighPowers({ psLowDegree, maxItemsPerBin }: PowersLiteral): boolean {
  return psLowDegree > 0 && psLowDegree < maxItemsPerBin
}

/**
 * log2 of the probability that a run of `receiverItems` items has a match that is none: items times rows that each is looked up in times the chance that
 * all of its field elements are roots by accident. `itemsPerRow` is how full rows are, at most and by default `itemsPerBin`.
 */
export function falsePositiveLog2(
  params: SetShape,
  { bundles, receiverItems = 1, itemsPerRow = params.itemsPerBin }: FalsePositiveOptions,
): number {
  const rows = bundles * (params.powers && params.powers.hashFunctions > 0 ? 1 : params.bins)
  return Math.log2(receiverItems * rows) + params.feltsPerItem * (Math.log2(itemsPerRow) - params.feltBits)
}

/** For `falsePositiveLog2`. */
export interface FalsePositiveOptions {
  /** Bundles that a query looks at, those of one bucket: from 1. */
  readonly bundles: number
  /** Items of the receiver: from 1, the default. */
  readonly receiverItems?: number
  /** Items in a row, at most. */
  readonly itemsPerRow?: number
}
