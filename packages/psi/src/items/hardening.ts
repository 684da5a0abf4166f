import { fromHex, GloveboxError, toHex } from '@glovebox/he'
import { scrypt } from '@noble/hashes/scrypt.js'

/** scrypt (RFC 7914), as JSON that is stored with a set. */
export interface ScryptHardening {
  /** Names the function. */
  readonly algorithm: 'scrypt'
  /** Cost: a power of two from 2. */
  readonly N: number
  /** Block size, in 128 bytes. */
  readonly r: number
  /** Parallelisation. */
  readonly p: number
  /** Of the set: 16 to 64 bytes in lower-case hexadecimal digits. */
  readonly salt: string
}

/** What is done to canonical bytes before the OPRF: nothing, or a slow hash. */
export type Hardening = { readonly algorithm: 'none' } | ScryptHardening

/** The most that a receiver does at a sender's word. */
export interface HardeningLimits {
  /** max(N, 64)·r·p, which time is proportional to: PBKDF2, at both ends of scrypt, takes as long as some 30 for N. */
  readonly work: number
  /** 128·N·r, the bytes of memory. */
  readonly memory: number
}

/**
 * N = 16,384 at r = 8, p = 1: about 50 ms for an item in a browser, and 16 MiB. A sender that asks for more would have a page busy for minutes, so it
 * is refused.
 */
export const defaultHardeningLimits: HardeningLimits = Object.freeze({ work: 2 ** 17, memory: 2 ** 24 })

/** Bytes that scrypt hardens an item to. */
export const hardenedBytes = 32

/** What `createHardening` takes besides. */
export interface HardeningOptions {
  /** A power of two from 2; default 64. */
  readonly N?: number
  /** From 1; default 8. */
  readonly r?: number
  /** From 1; default 1. */
  readonly p?: number
  /** 16 to 64 bytes; default: 16 of the platform's random generator. */
  readonly salt?: Uint8Array
}

/**
 * scrypt for a new set. The default, N = 64, r = 8, p = 1, takes some 0.13 ms of one core, about as much as the OPRF after it, so that a list of a million takes
 * minutes and not hours.
 *
 * What that is worth: who has the set's OPRF key *and* its tags, which is the sender or a thief of both, can try guesses without anybody's leave. The
 * default halves their number, to some 4,000 in a second and core of this code; and what others hardened under their salts is of no use. What it is not: a hundred million likely passwords still
 * take a core a few hours, faster code and more cores less, and 64 KiB of memory are no obstacle to a graphics card. It is no substitute for the key's secrecy, nor for the limit on a
 * receiver's requests, which is what holds guesses from outside; and a receiver's items do not rest on it: those are hidden by their blinds, whatever a
 * sender does. Take N = 16,384 for sets of thousands.
 * @throws RangeError for values that scrypt does not take, or above `defaultHardeningLimits`, as no receiver would follow.
 */
export function createHardening({ N = 64, r = 8, p = 1, salt }: HardeningOptions = {}): ScryptHardening {
  const bytes = salt ?? globalThis.crypto.getRandomValues(new Uint8Array(16))
  const hardening: ScryptHardening = { algorithm: 'scrypt', N, r, p, salt: toHex(bytes) }
  try {
    return checkHardening(hardening) as ScryptHardening
  } catch (error) {
    throw new RangeError((error as Error).message)
  }
}

/**
 * What a sender says about its set, checked, and frozen: fields that there are not are left out.
 * @throws GloveboxError `malformed` for what is no hardening; `unsupported` for another algorithm, and for more work or memory than `limits`.
 */
export function checkHardening(value: unknown, limits: HardeningLimits = defaultHardeningLimits): Hardening {
  const { algorithm, N, r, p, salt } = (value ?? {}) as Record<string, unknown>
  if (algorithm === 'none') return Object.freeze({ algorithm })
  if (typeof algorithm !== 'string') throw malformed('algorithm', "'none' or 'scrypt'")
  if (algorithm !== 'scrypt')
    throw new GloveboxError(
      'unsupported',
      "the hardening's \"algorithm\" expected 'none' or 'scrypt': take a later Glovebox",
    )
  if (!isCount(N) || N < 2 || !Number.isInteger(Math.log2(N))) throw malformed('N', 'a power of two from 2')
  if (!isCount(r)) throw malformed('r', 'an integer from 1')
  if (!isCount(p) || p * r >= 2 ** 30) throw malformed('p', 'an integer from 1, below 2^30 / r')
  // RFC 7914, section 2.
  if (N >= 2 ** (16 * r)) throw malformed('N', 'less than 2^(16 r)')
  if (typeof salt !== 'string' || !/^(?:[0-9a-f]{2}){16,64}$/.test(salt))
    throw malformed('salt', '16 to 64 bytes in lower-case hexadecimal digits')
  const [work, memory] = [Math.max(N, 64) * r * p, 128 * N * r]
  if (work > limits.work || memory > limits.memory)
    throw new GloveboxError(
      'unsupported',
      `the set asks for a hardening of max(N, 64)·r·p = ${work} and ${memory} bytes; at most ${limits.work} and ${limits.memory} are accepted: raise the limits if you trust it`,
    )
  return Object.freeze({ algorithm, N, r, p, salt })
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value < 2 ** 32
}

function malformed(field: string, expected: string): GloveboxError {
  return new GloveboxError('malformed', `the hardening's "${field}" expected ${expected}`)
}

/**
 * The input of the OPRF: canonical bytes as they are, or hardened to 32 bytes. In JavaScript, everywhere; `hardenNode` gives the same, faster. `hardening` is one
 * that was checked.
 */
export function harden(hardening: Hardening, bytes: Uint8Array): Uint8Array {
  if (hardening.algorithm === 'none') return bytes
  const { N, r, p, salt } = hardening
  return scrypt(bytes, fromHex(salt), { N, r, p, dkLen: hardenedBytes, maxmem: 128 * r * (N + p + 2) + 2 ** 20 })
}
