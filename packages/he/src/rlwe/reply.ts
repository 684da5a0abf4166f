import type { ByteReader, ByteWriter } from '../base/bytes.ts'
import { GloveboxError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import { copyLimbs, toCoefficients, toValues } from '../ring/ring.ts'
import { type Ciphertext, limbOf, newCiphertext } from './ciphertext.ts'
import { readScale, requireNotTransparent, requireOpaque, requireSerialisable } from './wire.ts'

/**
 * A reply is read once and computed on no more, so it is cut to what decryption needs:
 *
 * - one prime, switched down to a modulus of 2^bits: each coefficient x becomes nearest(x * 2^bits / q_0);
 * - of c_0 only every stride-th coefficient: slots that repeat with period N/(2*stride) are a polynomial in X^stride, so no other
 *   coefficient of the message matters. c_1 is needed whole, since c_1 * s mixes all of its coefficients.
 *
 * The rounding adds an error of standard deviation q_0 / 2^bits * sqrt((1 + 2N/3) / 12) to each coefficient.
 */
export interface ReplyOptions {
  /** 2 to 40. */
  readonly bits: number
  /** A power of two below N. */
  readonly stride: number
}

function requireOptions(
  ring: Ring,
  { bits, stride }: ReplyOptions,
  fail: (field: string, expected: string, got: number) => Error,
): void {
  if (!Number.isInteger(bits) || bits < 2 || bits > 40 || 2 ** bits > ring.moduli[0]!.p) {
    throw fail('bits', `an integer from 2 to ${Math.min(40, Math.floor(Math.log2(ring.moduli[0]!.p)))}`, bits)
  }
  if (!Number.isInteger(stride) || stride < 1 || stride >= ring.n || (stride & (stride - 1)) !== 0) {
    throw fail('stride', `a power of two below ${ring.n}`, stride)
  }
}

/** Kernels take no fewer values than this at once; what a short part lacks is filled up with zeros, and not sent. */
const fewest = 16

/** Bytes of a reply's body. */
export function replyBytes(n: number, { bits, stride }: ReplyOptions): number {
  return 13 + Math.ceil(((n / stride) * bits) / 8) + Math.ceil((n * bits) / 8)
}

/** bits u8, stride u32, scale f64, then c_0 (every stride-th coefficient) and c_1 packed to `bits` bits. */
export function writeReply(writer: ByteWriter, ct: Ciphertext, options: ReplyOptions): void {
  const { ring } = ct
  const { bits, stride } = options
  requireSerialisable(ring)
  requireOptions(ring, options, (field, expected, got) => new RangeError(`"${field}" expected ${expected}, got ${got}`))
  if (ct.level !== 0 || ct.parts !== 2) {
    throw new GloveboxError(
      'unsupported',
      `a reply has two parts at level 0, this ciphertext has ${ct.parts} at level ${ct.level}: relinearise it and drop its level`,
    )
  }
  if (stride % ct.stride !== 0) {
    throw new RangeError(
      `"stride" expected a multiple of ${ct.stride}, all that this ciphertext still has, got ${stride}`,
    )
  }
  requireNotTransparent(ct)
  const modulus = 2 ** bits
  const factor = modulus / ring.moduli[0]!.p
  writer.u8(bits).u32(stride).f64(ct.scale)
  using space = ring.limbs(1)
  using packed = ring.heap.alloc(ring.limbBytes)
  for (const part of [0, 1]) {
    copyLimbs(ring, space.ptr, limbOf(ct, part, 0), 1)
    toCoefficients(ring, space.ptr, 1)
    const step = part === 0 ? stride : 1
    const count = ring.n / step
    const values = ring.heap.f64(space.ptr, ring.n)
    for (let i = 0; i < count; i++) {
      const rounded = Math.round(values[i * step]! * factor)
      // Back into [-2^(bits-1), 2^(bits-1)); a reduced value may lie a little outside.
      values[i] = rounded - modulus * Math.floor(rounded / modulus + 0.5)
    }
    if (count < fewest) values.fill(0, count, fewest)
    ring.kernels.pack(packed.ptr, space.ptr, Math.max(count, fewest), bits, modulus, 1 / modulus)
    writer.raw(ring.heap.u8(packed.ptr, Math.ceil((count * bits) / 8)))
  }
}

/** A ciphertext at level 0 again, to be decrypted; its `stride` tells which coefficients count. */
export function readReply(reader: ByteReader, ring: Ring): Ciphertext {
  requireSerialisable(ring)
  const bits = reader.u8('bits')
  const stride = reader.u32('stride')
  requireOptions(ring, { bits, stride }, (field, expected, got) => reader.malformed(field, expected, got))
  const scale = readScale(reader, ring, 0)
  const modulus = 2 ** bits
  const factor = ring.moduli[0]!.p / modulus
  const parts = [stride, 1].map((step, part) => ({
    step,
    bytes: reader.slice(Math.ceil(((ring.n / step) * bits) / 8), `part ${part}`),
  }))
  parts.forEach(({ step, bytes }, part) => {
    const unused = 8 * bytes.length - (ring.n / step) * bits
    if (unused > 0 && bytes.at(-1)! >> (8 - unused) !== 0) {
      throw reader.malformed(`part ${part}`, 'zeros behind its last value', 'other bits')
    }
  })
  const ct = newCiphertext(ring, 2, 0, scale, { stride })
  using packed = ring.heap.alloc(ring.limbBytes + 8)
  parts.forEach(({ step, bytes }, part) => {
    const count = ring.n / step
    ring.heap.u8(packed.ptr, packed.bytes).fill(0)
    ring.heap.u8(packed.ptr, bytes.length).set(bytes)
    const dst = limbOf(ct, part, 0)
    ring.kernels.unpack(dst, packed.ptr, Math.max(count, fewest), bits, modulus)
    const values = ring.heap.f64(dst, ring.n)
    // From the back, as the values spread out over their own place.
    for (let i = count - 1; i >= 0; i--) {
      const value = Math.round(values[i]! * factor)
      values[i] = 0
      values[i * step] = value
    }
    if (step > 1) for (let i = 0; i < ring.n; i++) if (i % step !== 0) values[i] = 0
    toValues(ring, dst, 1)
  })
  try {
    requireOpaque(reader, ct)
  } catch (error) {
    ct[Symbol.dispose]()
    throw error
  }
  return ct
}
