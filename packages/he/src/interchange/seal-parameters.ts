import { blake2b } from '@noble/hashes/blake2.js'
import { type ByteReader, ByteWriter } from '../base/bytes.ts'
import { toHex } from '../base/digest.ts'
import { GloveboxError } from '../base/errors.ts'
import { createParams, type Params, type ParamsLiteral } from '../params/params.ts'
import { maxPrimeBits } from '../params/primes.ts'
import {
  memberBytes,
  openSeal,
  readMember,
  readU64,
  type SealReadOptions,
  type SealWriteOptions,
  sealFrame,
  writeMember,
  writeU64,
} from './seal-frame.ts'

/** SEAL's numbers of the schemes. */
const schemes = { bfv: 1, ckks: 2 } as const
const names = ['none', 'bfv', 'ckks', 'bgv']
const idBytes = 32
/** SEAL's own limits, and what the members of parameters can take at most. */
const mostPrimes = 64
const mostBytes = 17 + (mostPrimes + 1) * 24

function schemeNumber({ scheme }: Params): number {
  if (scheme !== 'bgv') return schemes[scheme]
  throw new GloveboxError(
    'unsupported',
    'parameters of BGV have no interchange with SEAL, only those of BFV and CKKS have',
  )
}

function bitsOf(p: number): number {
  return p.toString(2).length
}

function readModulus(reader: ByteReader, field: string): bigint {
  const member = readMember(reader, field)
  const value = BigInt(member.u32(field)) + (BigInt(member.u32(field)) << 32n)
  member.end()
  return value
}

/** What `readSealParameters` insists on: bytes and security. */
export interface SealParametersOptions extends SealReadOptions {
  /** What the parameters are held to; default `128-classical`. SEAL checks the tables of 2018, which allow a little more: `128-classical-2018`. */
  readonly security?: NonNullable<ParamsLiteral['security']>
}

/**
 * Reads SEAL 4's encryption parameters (EncryptionParameters::save), for CKKS or BFV, N from 1024 to 131072, 1 to 64 primes. The last prime becomes the
 * special prime, where there are several, and the literal names all primes.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed`, `too-large`, `unsupported` (another SEAL or scheme, primes of more than 50
 * bits, a plaintext modulus above 2^32), or `insecure-parameters` above the limit of the target.
 */
export function readSealParameters(bytes: Uint8Array, options: SealParametersOptions = {}): ParamsLiteral {
  const { body } = openSeal(bytes, 'the SEAL parameters', mostBytes, options)
  const unsupported = (reason: string): GloveboxError => new GloveboxError('unsupported', `${body.what} ${reason}`)
  const number = body.u8('scheme')
  if (number >= names.length) throw body.malformed('scheme', '0 to 3', number)
  if (number !== schemes.bfv && number !== schemes.ckks)
    throw unsupported(`are for the scheme "${names[number]}", only bfv and ckks are supported`)
  const scheme = number === schemes.bfv ? 'bfv' : 'ckks'
  const ringDegree = readU64(body, 'poly_modulus_degree')
  if (ringDegree < 1024 || ringDegree > 131072 || (ringDegree & (ringDegree - 1)) !== 0)
    throw body.malformed('poly_modulus_degree', 'a power of two from 1024 to 131072', ringDegree)
  const count = readU64(body, 'coeff_modulus size')
  if (count < 1 || count > mostPrimes) throw body.malformed('coeff_modulus size', `1 to ${mostPrimes}`, count)
  const primes = Array.from({ length: count }, (_, i) => {
    const p = readModulus(body, `coeff_modulus[${i}]`)
    if (p >= 2n ** BigInt(maxPrimeBits))
      throw unsupported(`have the prime ${p} of ${p.toString(2).length} bits: primes are below 2^${maxPrimeBits} here`)
    return Number(p)
  })
  const t = readModulus(body, 'plain_modulus')
  body.end()
  if (scheme === 'ckks' && t !== 0n) throw body.malformed('plain_modulus', '0, as CKKS has none', t)
  if (t > 2n ** 32n) throw unsupported(`have the plaintext modulus ${t}: it is at most 2^32 here`)
  const chain = count === 1 ? 1 : count - 1
  try {
    return createParams({
      scheme,
      ringDegree,
      modulusBits: primes.slice(0, chain).map(bitsOf),
      specialBits: primes.slice(chain).map(bitsOf),
      digitSize: 1,
      primes,
      ...(scheme === 'bfv' && { plaintextModulus: Number(t) }),
      ...(options.security !== undefined && { security: options.security }),
    }).literal
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw unsupported(`do not work here: ${cause.message}`)
  }
}

/** SEAL has digits of one prime, and the last of several primes is the special one. */
export function requireSealShape(params: Params): void {
  const { special, primes, digitSize } = params
  if (digitSize === 1 && (special.length === 1 || (special.length === 0 && primes.length === 1))) return
  throw new GloveboxError(
    'unsupported',
    `SEAL has one special prime and digits of one prime (or one prime in all), these parameters have ${primes.length} primes, ` +
      `${special.length} special ones and digits of ${digitSize}`,
  )
}

/**
 * Writes parameters as SEAL 4's EncryptionParameters (EncryptionParameters::save).
 * @throws RangeError for another compression; GloveboxError `unsupported` for BGV and for a chain that SEAL cannot have (one special prime and digits of
 * one prime, or one prime in all), `insecure-parameters` for INSECURE ones.
 */
export function writeSealParameters(params: Params, options: SealWriteOptions = {}): Uint8Array {
  if (params.literal.security === 'INSECURE')
    throw new GloveboxError('insecure-parameters', 'INSECURE parameters cannot be serialised')
  requireSealShape(params)
  const all = [...params.primes, ...params.special]
  const modulus = memberBytes(8)
  return sealFrame(17 + (all.length + 1) * modulus, options, (writer) => {
    writer.u8(schemeNumber(params))
    writeU64(writer, params.ringDegree)
    writeU64(writer, all.length)
    for (const p of [...all, params.plaintextModulus ?? 0]) writeMember(writer, 8, () => writeU64(writer, p))
  })
}

function hashParameters(params: Params, primes: readonly number[]): Uint8Array {
  const writer = new ByteWriter(8 * (primes.length + 3))
  for (const word of [schemeNumber(params), params.ringDegree, ...primes, params.plaintextModulus ?? 0])
    writeU64(writer, word)
  return blake2b(writer.done(), { dkLen: idBytes })
}

/**
 * SEAL's `parms_id` of a level, 32 bytes: BLAKE2b-256 (RFC 7693) over scheme, ring degree, the primes of the level and the plaintext modulus, a u64
 * each. Level, from 0 to `maxLevel`; `'key'` is that of keys, over all primes.
 * @throws RangeError for a level that there is not; GloveboxError `unsupported` for BGV and for a chain that SEAL cannot have.
 */
export function sealParmsId(params: Params, level: number | 'key'): Uint8Array {
  requireSealShape(params)
  if (level === 'key') return hashParameters(params, [...params.primes, ...params.special])
  if (!Number.isInteger(level) || level < 0 || level > params.maxLevel)
    throw new RangeError(`"level" expected 'key' or an integer from 0 to ${params.maxLevel}, got ${level}`)
  return hashParameters(params, params.primes.slice(0, level + 1))
}

/** `parms_id` of plaintexts that are not in NTT form. */
export const zeroParmsId: Uint8Array = new Uint8Array(idBytes)

/** Reads a `parms_id`: the level that it is of, `'key'`, or `'none'` where it is 0. With one prime, the level of keys is level 0. */
export function readParmsId(reader: ByteReader, params: Params): number | 'key' | 'none' {
  const found = toHex(reader.slice(idBytes, 'parms_id'))
  if (/^0+$/.test(found)) return 'none'
  for (let level = 0; level <= params.maxLevel; level++) if (toHex(sealParmsId(params, level)) === found) return level
  if (toHex(sealParmsId(params, 'key')) === found) return 'key'
  throw new GloveboxError(
    'parameters-mismatch',
    `${reader.what} belongs to other parameters: its parms_id ${found.slice(0, 16)}… is that of no level of these`,
  )
}
