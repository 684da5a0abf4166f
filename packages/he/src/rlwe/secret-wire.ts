import type { ByteReader } from '../base/bytes.ts'
import { ByteWriter } from '../base/bytes.ts'
import { fromHex } from '../base/digest.ts'
import { decodeFrame, encodeFrame } from '../base/frame.ts'
import { copyLimbs, type Ring, toCoefficients } from '../ring/ring.ts'
import { newSecretKey, type SecretKey } from './secret-key.ts'
import { type DecodeOptions, requireSerialisable } from './wire.ts'

/**
 * N/4 bytes without frame: two bits a coefficient, 0, 1 or 2 for 0, 1 or -1, four to a byte, lowest bits first. The caller wipes them.
 * @throws GloveboxError `insecure-parameters` for a key under INSECURE ones, `disposed` for one disposed of.
 */
export function writeSecretKey(writer: ByteWriter, key: SecretKey): void {
  const { ring } = key
  requireSerialisable(ring)
  using space = ring.limbs(1, { wipe: true })
  copyLimbs(ring, space.ptr, key.slab.ptr, 1)
  toCoefficients(ring, space.ptr, 1)
  const coefficients = ring.heap.f64(space.ptr, ring.n)
  const bytes = new Uint8Array(ring.n / 4)
  coefficients.forEach((s, i) => {
    bytes[i >> 2]! |= (s < 0 ? 2 : s) << (2 * (i & 3))
  })
  writer.raw(bytes)
  bytes.fill(0)
}

/**
 * Reads what `writeSecretKey` wrote: N/4 bytes.
 * @throws GloveboxError `malformed` for fewer bytes, a coefficient of 3, or a weight 10 standard deviations off that of a uniform key, 2N/3;
 * `insecure-parameters` under INSECURE ones.
 */
export function readSecretKey(reader: ByteReader, ring: Ring): SecretKey {
  requireSerialisable(ring)
  const bytes = reader.slice(ring.n / 4, 'coefficients')
  for (const byte of bytes)
    if (byte & (byte >> 1) & 0x55) throw reader.malformed('coefficients', 'two-bit values 0, 1 or 2', 'a 3')
  let weight = 0
  for (const byte of bytes) for (let shift = 0; shift < 8; shift += 2) if ((byte >> shift) & 3) weight++
  // Ten standard deviations of a uniform key's weight. Under a key of zeros everybody could read.
  const excess = weight - (2 * ring.n) / 3
  if (Math.abs(excess) > 10 * Math.sqrt((2 * ring.n) / 9))
    throw reader.malformed('coefficients', 'about two in three other than 0', excess < 0 ? 'far fewer' : 'far more')
  return newSecretKey(ring, (ptr) => {
    const coefficients = ring.heap.f64(ptr, ring.n)
    for (let i = 0; i < ring.n; i++) {
      const code = (bytes[i >> 2]! >> (2 * (i & 3))) & 3
      coefficients[i] = code === 2 ? -1 : code
    }
  })
}

/**
 * The secret key in its frame: N/4 + 60 bytes. Whoever reads them reads everything: keep them where only the owner can. Format: docs/wire-format.md.
 * @throws GloveboxError `insecure-parameters` for a key under INSECURE ones, `disposed` for one disposed of.
 */
export function encodeSecretKey(key: SecretKey): Uint8Array {
  const writer = new ByteWriter(key.ring.n / 4)
  writeSecretKey(writer, key)
  const frame = encodeFrame('secret key', fromHex(key.ring.params.digest), writer.done())
  writer.done().fill(0)
  return frame
}

/**
 * Reads `encodeSecretKey` of the context's parameters.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed` for another frame, damage, or no uniform key, `too-large` above `maxBytes`,
 * `parameters-mismatch` for a key of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function decodeSecretKey(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: DecodeOptions = {},
): SecretKey {
  const { body } = decodeFrame(bytes, 'secret key', { ...options, owner: fromHex(context.ring.params.digest) })
  const key = readSecretKey(body, context.ring)
  try {
    body.end()
  } catch (error) {
    key[Symbol.dispose]()
    throw error
  }
  return key
}
