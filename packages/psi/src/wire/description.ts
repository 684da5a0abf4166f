import { GloveboxError } from '@glovebox/he'
import { checkHardening, type Hardening, type HardeningLimits } from '../items/hardening.ts'
import { type ItemKind, itemKinds } from '../items/items.ts'
import type { OprfMode } from '../oprf/suite.ts'
import type { SetParamsLiteral } from '../params/params.ts'
import { createSetParams, type SetParams } from '../params/set-params.ts'

/** What a sender says about a set, as JSON: all that a receiver needs to ask. */
export interface SetDescription {
  /** That it is asked for by. */
  readonly name: string
  /** What its items are. */
  readonly kind: ItemKind
  /** The current one: a u32 that names the OPRF key. */
  readonly epoch: number
  /** Those that are answered for, the current one first. */
  readonly epochs: readonly number[]
  /** What queries are made by. */
  readonly params: SetParamsLiteral
  /** Of the parameters. */
  readonly digest: string
  /** Items, rounded down to two significant digits. */
  readonly items: number
  /** Bytes of a label; 0 for none. */
  readonly labels: number
  /** What is done to items before the OPRF. */
  readonly hardening: Hardening
  /** The OPRF of the epoch. */
  readonly oprf: {
    /** Whether evaluations are proven. */
    readonly mode: OprfMode
    /** An element, in hexadecimal digits. */
    readonly publicKey: string
  }
  /** Whether queries need keys to be uploaded first. */
  readonly keys: boolean
  /** Of requests. */
  readonly limits: {
    /** Of one OPRF request. */
    readonly elements: number
    /** Of one query. */
    readonly queryBytes: number
    /** Of the keys of a receiver; 0 where none are needed. */
    readonly keyBytes: number
  }
}

/** A description that was checked, with its parameters. */
export interface KnownSet {
  readonly description: SetDescription
  readonly params: SetParams
}

/** What a receiver does at the word of a sender, at most. */
export interface DescriptionLimits {
  /** Bits of an OPRF output that queries may tell. */
  readonly prefixBits: number
  /** Bytes of one query. */
  readonly queryBytes: number
  /** Bytes of keys. */
  readonly keyBytes: number
  readonly hardening?: HardeningLimits
}

/** Largest ring that a receiver makes keys in because a sender says so. */
const maxRingDegree = 2 ** 15

const ciphertextHeader = 64

/** Bytes that a query takes at most: `queryCiphertexts` of two parts, with their headers, in a frame. */
export function queryBytesOf({ he, n, queryCiphertexts }: SetParams): number {
  const bits = he.primes.reduce((sum, p) => sum + Math.ceil(Math.log2(p)), 0)
  return 256 + queryCiphertexts * (ciphertextHeader + (2 * n * bits) / 8)
}

/** Bytes that the keys of a receiver take at most; 0 where none are needed. */
export function keyBytesOf({ he, n, relinearise, rotations }: SetParams): number {
  const keys = rotations.length + (relinearise ? 1 : 0)
  if (keys === 0) return 0
  const bits = [...he.primes, ...he.special].reduce((sum, p) => sum + Math.ceil(Math.log2(p)), 0)
  const digits = Math.ceil(he.primes.length / he.digitSize)
  return 256 + keys * (ciphertextHeader + digits * (ciphertextHeader + (2 * n * bits) / 8))
}

/** A count rounded down to two significant digits: inserts and removals show in no detail. */
export function roundedItems(items: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, items))) - 1)
  return Math.floor(items / step) * step
}

/**
 * Checks what a sender says, before anything is computed at its word.
 * @throws GloveboxError `malformed` for what is no description; `unsupported` for more than the limits allow; `insecure-parameters`;
 * `parameters-mismatch` for another digest than that of the parameters.
 */
export function readDescription(value: unknown, limits: DescriptionLimits): KnownSet {
  const said = requireObject('the description', value)
  const { name, kind, epoch, epochs, items, labels, keys } = said
  if (typeof name !== 'string' || !isSetName(name)) throw malformed('name', 'a name')
  if (!itemKinds.includes(kind as ItemKind)) throw malformed('kind', `one of ${itemKinds.join(', ')}`)
  if (!isU32(epoch)) throw malformed('epoch', 'an integer from 0 to 2^32 - 1')
  if (!Array.isArray(epochs) || epochs.length > 16 || !epochs.every(isU32))
    throw malformed('epochs', 'a list of epochs')
  if (!isCount(items)) throw malformed('items', 'a count')
  const oprf = requireObject('"oprf"', said.oprf)
  if (oprf.mode !== 'oprf' && oprf.mode !== 'voprf') throw malformed('oprf.mode', "'oprf' or 'voprf'")
  if (typeof oprf.publicKey !== 'string' || !/^[0-9a-f]{64}$/.test(oprf.publicKey))
    throw malformed('oprf.publicKey', '64 lower-case hexadecimal digits')
  const { elements, queryBytes, keyBytes } = requireObject('"limits"', said.limits)
  if (!isCount(elements) || elements < 1 || elements > 65535) throw malformed('limits.elements', '1 to 65535')
  if (!isCount(queryBytes) || !isCount(keyBytes)) throw malformed('limits', 'counts of bytes')
  const hardening = checkHardening(said.hardening, limits.hardening)
  const params = paramsOf(said.params)
  if (said.digest !== params.digest)
    throw new GloveboxError(
      'parameters-mismatch',
      'the digest of the set is not that of its parameters: sender and receiver have different versions of Glovebox',
    )
  if (labels !== params.labelBytes) throw malformed('labels', `the ${params.labelBytes} bytes of the parameters`)
  if (keys !== keyBytesOf(params) > 0) throw malformed('keys', 'what follows from the parameters')
  requireModest(params, limits)
  return {
    description: Object.freeze({
      name,
      kind: kind as ItemKind,
      epoch,
      epochs: Object.freeze([...(epochs as number[])]),
      params: params.literal,
      digest: params.digest,
      items,
      labels: params.labelBytes,
      hardening,
      oprf: Object.freeze({ mode: oprf.mode, publicKey: oprf.publicKey }),
      keys: keyBytesOf(params) > 0,
      limits: Object.freeze({ elements, queryBytes, keyBytes }),
    }),
    params,
  }
}

function paramsOf(literal: unknown): SetParams {
  try {
    return createSetParams(requireObject('"params"', literal) as unknown as SetParamsLiteral)
  } catch (error) {
    // Its mistakes are those of who wrote the literal. What it says is repeated on one line and not without end: a terminal would obey control characters.
    const said = (error as Error).message.slice(0, 500).replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    throw new GloveboxError(
      error instanceof GloveboxError ? error.code : 'malformed',
      `the parameters of the set: ${said}`,
    )
  }
}

function requireModest(params: SetParams, limits: DescriptionLimits): void {
  const refuse = (what: string, got: number, most: number): GloveboxError =>
    new GloveboxError(
      'unsupported',
      `the set asks for ${got} ${what}, at most ${most} are accepted: raise the limit if you trust the sender`,
    )
  if (params.prefixBits > limits.prefixBits)
    throw refuse('bits of each item in the clear', params.prefixBits, limits.prefixBits)
  // Which table security is held to is for a program to choose, and not for data.
  const { security } = params.he.literal
  if (security === 'INSECURE' || security === '128-classical-2018')
    throw new GloveboxError(
      'insecure-parameters',
      `the set asks for parameters of security '${security}', which a receiver takes at nobody's word: build it with '128-classical'`,
    )
  if (params.n > maxRingDegree) throw refuse('coefficients', params.n, maxRingDegree)
  const [query, keys] = [queryBytesOf(params), keyBytesOf(params)]
  if (query > limits.queryBytes) throw refuse('bytes for a query', query, limits.queryBytes)
  if (keys > limits.keyBytes) throw refuse('bytes of keys', keys, limits.keyBytes)
}

/** 1 to 63 lower-case letters, digits, `.`, `_` and `-`, with a letter or digit first. */
export function isSetName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,62}$/.test(name)
}

function requireObject(what: string, value: unknown): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new GloveboxError('malformed', `${what} of the set expected an object`)
  return value as Record<string, unknown>
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isU32 = (value: unknown): value is number => isCount(value) && value < 2 ** 32

function malformed(field: string, expected: string): GloveboxError {
  return new GloveboxError('malformed', `"${field}" of the set expected ${expected}`)
}
