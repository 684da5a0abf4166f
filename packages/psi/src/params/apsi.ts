import { GloveboxError, plaintextModulus } from '@glovebox/he'
import { fitModulus, isPrime, largestPrime, modulusLimit, primesExist, smallestPlaintextModulus } from './fit.ts'
import type { SetParamsLiteral } from './params.ts'
import { powersPlan, wantedPowers } from './postage-stamp.ts'
import { createSetParams, mostItemsPerBin } from './set-params.ts'

/** A parameter file of APSI, translated. */
export interface ApsiParams {
  /** What `createSetParams` takes. */
  readonly literal: SetParamsLiteral
  /** What differs from the file, a sentence each; empty where nothing does. */
  readonly replaced: readonly string[]
}

/** What APSI's file does not say. */
export interface ApsiOptions {
  /** Bytes of a label, 0 to 1024; default 0. */
  readonly labelBytes?: number
  /** Bits of the OPRF output that a query tells, 0 to 16; default 0. */
  readonly prefixBits?: number
}

type Fields = Readonly<Record<string, unknown>>

function malformed(field: string, expected: string, value: unknown): GloveboxError {
  const got = typeof value === 'number' ? String(value) : Array.isArray(value) ? 'an array' : typeof value
  return new GloveboxError('malformed', `"${field}" of the APSI parameters expected ${expected}, got ${got}`)
}

function section(file: unknown, name: string): Fields {
  const value = (file as Fields)[name]
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw malformed(name, 'an object', value)
  return value as Fields
}

function integer(fields: Fields, name: string, low: number, high: number): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high)
    throw malformed(name, `an integer from ${low} to ${high}`, value)
  return value
}

function integers(fields: Fields, name: string, low: number, high: number): number[] {
  const value = fields[name]
  if (!Array.isArray(value) || value.length === 0 || value.length > 65536)
    throw malformed(name, 'an array of integers', value)
  return value.map((x: unknown, i) => {
    if (typeof x !== 'number' || !Number.isInteger(x) || x < low || x > high)
      throw malformed(`${name}[${i}]`, `an integer from ${low} to ${high}`, x)
    return x
  })
}

/** Files have a thousand characters, or some ten thousand with many powers. */
const longestFile = 2 ** 20

/** JSON, with the comments that APSI's reader allows. */
function parse(text: string): unknown {
  if (text.length > longestFile)
    throw new GloveboxError(
      'too-large',
      `the APSI parameters have ${text.length} characters, at most ${longestFile} are read`,
    )
  // What is not closed goes on to the end, so that nothing is looked at twice.
  const bare = text.replace(/"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, (token) =>
    token[0] === '"' ? token : ' ',
  )
  let file: unknown
  try {
    file = JSON.parse(bare)
  } catch {
    throw new GloveboxError('malformed', 'the APSI parameters expected JSON, got something else')
  }
  if (file === null || typeof file !== 'object') throw malformed('file', 'an object', file)
  return file
}

/** Sizes of the primes that the file states, by size or by value. */
function statedBits(seal: Fields): number[] {
  if (seal.coeff_modulus_bits !== undefined) return integers(seal, 'coeff_modulus_bits', 1, 60)
  // Primes of 60 bits are no doubles: their size is all that is needed.
  return integers(seal, 'coeff_modulus', 2, 2 ** 60).map((p) => Math.ceil(Math.log2(p)))
}

/**
 * Reads a parameter file of APSI (github.com/microsoft/APSI, folder `parameters`) as it is: `table_params`, `item_params`, `query_params` and
 * `seal_params`, the last prime of which is the special one. Primes of more than 49 bits, primes in all above the limit of 128 bits of security by the tables of
 * 2024, and special primes that are smaller than the others, as SEAL takes them, are replaced: by the fewest and smallest that leave enough of the noise
 * budget. Where ⌊log2 t⌋ bits are too few for a false-positive probability of 2^-40, t is replaced by the next prime above a power of two.
 * @throws GloveboxError `malformed` for what is no such file, `too-large` for more than a million characters; `unsupported` with the reason where no primes do, or false positives are too likely; RangeError
 * as `createSetParams`.
 */
export function readApsiParams(text: string, { labelBytes = 0, prefixBits = 0 }: ApsiOptions = {}): ApsiParams {
  const file = parse(text)
  const table = section(file, 'table_params')
  const query = section(file, 'query_params')
  const seal = section(file, 'seal_params')
  const replaced: string[] = []
  const maxItemsPerBin = integer(table, 'max_items_per_bin', 1, mostItemsPerBin)
  const feltsPerItem = integer(section(file, 'item_params'), 'felts_per_item', 2, 32)
  const psLowDegree = query.ps_low_degree === undefined ? 0 : integer(query, 'ps_low_degree', 0, maxItemsPerBin)
  const queryPowers = integers(query, 'query_powers', 1, maxItemsPerBin)
  if (!queryPowers.includes(1)) {
    queryPowers.unshift(1)
    replaced.push('query_powers: 1 was added, which earlier versions of APSI uploaded unasked')
  }
  queryPowers.sort((a, b) => a - b)
  const ringDegree = integer(seal, 'poly_modulus_degree', 1024, 131072)
  const powers = {
    hashFunctions: integer(table, 'hash_func_count', 1, 8),
    tableSize: integer(table, 'table_size', 1, 2 ** 24),
    maxItemsPerBin,
    queryPowers,
    psLowDegree,
  }
  const stated =
    seal.plain_modulus === undefined
      ? plaintextModulus(integer(seal, 'plain_modulus_bits', 2, 32), ringDegree)
      : integer(seal, 'plain_modulus', 2, 2 ** 32)
  const t = plainModulus(stated, ringDegree, feltsPerItem, maxItemsPerBin)
  if (t !== stated)
    replaced.push(
      `plain_modulus: ${t} in place of ${stated}, as field elements of ${Math.floor(Math.log2(stated))} bits would match by chance with a probability above 2^-40`,
    )
  const products = powersPlan(queryPowers, wantedPowers(maxItemsPerBin, psLowDegree))
  const keys = products.length > 0 || (psLowDegree > 0 && psLowDegree < maxItemsPerBin)
  const bits = statedBits(seal)
  const set = (modulusBits: readonly number[], specialBits: readonly number[]): SetParamsLiteral => ({
    method: 'powers',
    he: { scheme: 'bfv', ringDegree, modulusBits, specialBits, digitSize: 1, plaintextModulus: t },
    feltsPerItem,
    labelBytes,
    prefixBits,
    powers,
  })
  const why = reasons(bits, ringDegree, keys)
  // SEAL keeps one prime for both where there is one only; without products the last one would be for keys that are never made.
  const chain = bits.length === 1 ? bits : bits.slice(0, -1)
  const special = keys ? bits.slice(-1) : []
  if (why.length === 0) {
    const literal = set(chain, special)
    try {
      createSetParams(literal)
      return { literal, replaced }
    } catch (error) {
      if (!(error instanceof GloveboxError) || error.code !== 'unsupported') throw error
      why.push(`with them, ${error.message}`)
    }
  }
  const fitted = fitModulus({
    ringDegree,
    plaintextModulus: t,
    circuit: { method: 'powers', products, maxItemsPerBin, psLowDegree },
    keys,
  })
  if (!fitted)
    throw new GloveboxError(
      'unsupported',
      `the APSI parameters expected primes for depth ${Math.max(0, ...products.map(({ depth }) => depth))} with t = ${t} within ${modulusLimit(ringDegree)} bits at ring degree ${ringDegree}, got none that leave enough of the noise budget (coeff_modulus_bits [${bits.join(', ')}]: ${why.join('; ')}): use fewer items per bin, more query powers, or a larger ring degree`,
    )
  replaced.push(
    `coeff_modulus_bits: [${fitted.modulusBits.join(', ')}] and special [${fitted.specialBits.join(', ')}] in place of [${bits.join(', ')}]: ${why.join('; ')}; ${fitted.marginBits.toFixed(1)} bits of noise are left`,
  )
  const literal = set(fitted.modulusBits, fitted.specialBits)
  createSetParams(literal)
  return { literal, replaced }
}

/** Why the primes of the file cannot be taken as they are. */
function reasons(bits: readonly number[], ringDegree: number, keys: boolean): string[] {
  const why: string[] = []
  const limit = modulusLimit(ringDegree)
  const chain = bits.length === 1 ? bits : bits.slice(0, -1)
  const special = bits.at(-1)!
  const sum = (keys ? bits : chain).reduce((a, b) => a + b, 0)
  if (bits.some((b) => b > largestPrime)) why.push(`primes have ${largestPrime} bits at most here`)
  if (sum > limit) why.push(`${sum} bits are above the ${limit} that 128 bits of security allow`)
  if (keys && (bits.length === 1 || special < Math.max(...chain) - 1))
    why.push(`the special prime has to be as large as the others, within a bit`)
  if (why.length === 0 && !primesExist(keys ? bits : chain, ringDegree))
    why.push('there are not so many primes of these sizes')
  return why
}

/** The modulus of the file, or where its field elements are too short the next prime above a power of two, at most one bit larger. */
function plainModulus(stated: number, ringDegree: number, feltsPerItem: number, maxItemsPerBin: number): number {
  const bits = Math.floor(Math.log2(stated))
  const enough = (b: number): boolean => feltsPerItem * (Math.log2(maxItemsPerBin) - b) <= -40
  if (enough(bits) || !enough(bits + 1) || !isPrime(stated)) return stated
  const next = smallestPlaintextModulus(bits + 1, ringDegree)
  return next
}
