import { ByteReader, ByteWriter, digest, equalBytes, GloveboxError } from '@glovebox/he'
import { concatBytes } from '@noble/hashes/utils.js'
import { elementBytes, type Group, scalarBytes } from './group.ts'
import { nobleGroup } from './noble-group.ts'
import { isScalar, isZero, randomScalar } from './scalar.ts'
import { hashToScalar, maxInputBytes, type OprfMode, prefixed, requireMode, tagOf } from './suite.ts'

/** What a key is made for. */
export interface OprfKeyOptions {
  /** Tells keys of one set apart: 0 to 2^32 - 1, a new one for each key; default 1. */
  readonly epoch?: number
  /** Default `oprf`. */
  readonly mode?: OprfMode
}

/**
 * A sender's key for one epoch of a set. Whoever has it can try guesses against tags, so it stays with the sender. It prints without its secret, and
 * disposing of it overwrites that.
 */
export class OprfKey {
  /** 0 to 2^32 - 1. */
  readonly epoch: number
  /** Outputs of the two modes differ, also under one secret. */
  readonly mode: OprfMode
  /** 32 bytes: the generator times the secret. Public; a receiver needs it in mode `voprf`. */
  readonly publicKey: Uint8Array
  #secret: Uint8Array | undefined

  /**
   * `secret`: a scalar, 1 to the order - 1, of 32 bytes, little-endian; it is copied.
   * @throws RangeError for an epoch that is no u32, or for another secret, of which the message tells nothing; TypeError for what is no mode.
   */
  constructor(epoch: number, mode: OprfMode, secret: Uint8Array, group: Group = nobleGroup) {
    requireEpoch(epoch)
    requireMode(mode)
    if (!(secret instanceof Uint8Array) || !isScalar(secret) || isZero(secret))
      throw new RangeError(
        '"secret" expected a scalar of ristretto255 other than 0, in 32 bytes: make one by createOprfKey',
      )
    this.epoch = epoch
    this.mode = mode
    this.#secret = secret.slice()
    this.publicKey = group.multiplyBase(secret)
  }

  /**
   * The scalar, 32 bytes: not a copy.
   * @throws GloveboxError `disposed`.
   */
  get secret(): Uint8Array {
    if (this.#secret === undefined) throw new GloveboxError('disposed', 'the OPRF key was disposed of')
    return this.#secret
  }

  [Symbol.dispose](): void {
    this.#secret?.fill(0)
    this.#secret = undefined
  }
}

function requireEpoch(epoch: unknown): void {
  if (typeof epoch !== 'number' || !Number.isInteger(epoch) || epoch < 0 || epoch >= 2 ** 32)
    throw new RangeError(
      `"epoch" expected an integer from 0 to 2^32 - 1, got ${typeof epoch === 'number' ? epoch : typeof epoch}`,
    )
}

/**
 * A key of the platform's random generator (RFC 9497, section 3.2). Rotation is a new key with a new epoch: all items are evaluated again.
 * @throws RangeError for an epoch that is no u32; TypeError for what is no mode.
 */
export function createOprfKey({ epoch = 1, mode = 'oprf' }: OprfKeyOptions = {}): OprfKey {
  const secret = randomScalar(nobleGroup)
  try {
    return new OprfKey(epoch, mode, secret)
  } finally {
    secret.fill(0)
  }
}

/**
 * DeriveKeyPair (RFC 9497, section 3.2.1): the key of a seed of 32 random bytes and of public information, 0 to 65,535 bytes.
 * @throws RangeError for another seed, longer information, or an epoch that is no u32; TypeError for what is no mode.
 */
export function deriveOprfKey(
  seed: Uint8Array,
  info: Uint8Array,
  { epoch = 1, mode = 'oprf' }: OprfKeyOptions = {},
): OprfKey {
  requireMode(mode)
  if (!(seed instanceof Uint8Array) || seed.length !== 32) throw new RangeError('"seed" expected 32 bytes')
  if (!(info instanceof Uint8Array) || info.length > maxInputBytes)
    throw new RangeError(`"info" expected at most ${maxInputBytes} bytes`)
  const input = concatBytes(seed, prefixed(info))
  for (let counter = 0; counter < 256; counter++) {
    const message = concatBytes(input, Uint8Array.of(counter))
    const secret = hashToScalar(nobleGroup, message, tagOf(mode, 'DeriveKeyPair'))
    if (!isZero(secret)) return new OprfKey(epoch, mode, secret)
  }
  throw new RangeError('"seed" gives no key: take another')
}

const magic = 0x4b524f47
const version = 1
const modes = ['oprf', 'voprf'] as const
const checksumBytes = 16
/** Bytes of an encoded key. */
export const oprfKeyBytes: number = 4 + 1 + 1 + 2 + 4 + scalarBytes + elementBytes + checksumBytes

/**
 * A key as 92 bytes, for a file of mode 0600, little-endian: "GORK", version u8 = 1, mode u8 (0 oprf, 1 voprf), 0 u16, epoch u32, secret, public key, and
 * the first 16 bytes of SHA-256 over all that. They are secret; the checksum finds damage, not forgery.
 */
export function encodeOprfKey(key: OprfKey): Uint8Array {
  const writer = new ByteWriter(oprfKeyBytes)
  writer.u32(magic).u8(version).u8(modes.indexOf(key.mode)).u16(0).u32(key.epoch).raw(key.secret).raw(key.publicKey)
  return writer.raw(digest(writer.done()).subarray(0, checksumBytes)).done()
}

/**
 * The key of `encodeOprfKey`. `what` names the bytes in errors, for example by their file.
 * @throws GloveboxError `malformed` for anything else, damage included; `unsupported` for a later version.
 */
export function decodeOprfKey(bytes: Uint8Array, what = 'the OPRF key', group: Group = nobleGroup): OprfKey {
  const reader = new ByteReader(bytes, what)
  if (reader.u32('magic') !== magic)
    throw new GloveboxError('malformed', `${what} is no OPRF key: expected GORK at its start`)
  const found = reader.u8('version')
  if (found !== version)
    throw new GloveboxError(
      'unsupported',
      `${what} has version ${found}, expected ${version}: read it with a later Glovebox`,
    )
  const mode = modes[reader.u8('mode')]
  const zero = reader.u16('reserved')
  const epoch = reader.u32('epoch')
  const secret = reader.slice(scalarBytes, 'secret')
  const publicKey = reader.slice(elementBytes, 'public key')
  const checksum = reader.slice(checksumBytes, 'checksum')
  reader.end()
  if (!equalBytes(checksum, digest(bytes.subarray(0, oprfKeyBytes - checksumBytes)).subarray(0, checksumBytes)))
    throw new GloveboxError('malformed', `${what} is damaged: its checksum differs. Take a copy`)
  if (mode === undefined || zero !== 0 || !isScalar(secret) || isZero(secret))
    throw new GloveboxError('malformed', `${what} expected a mode, 0 and a scalar, got something else`)
  const key = new OprfKey(epoch, mode, secret, group)
  if (!equalBytes(key.publicKey, publicKey))
    throw new GloveboxError('malformed', `${what}: its public key is of another secret`)
  return key
}
