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
 * - of c_0 only the coefficients 0, stride, …, (count - 1)·stride: slots that repeat with period N/(2·stride) are a polynomial in X^stride, and
 *   inner products lie where the packing of coefficients put them, so no other coefficient of the message matters. c_1 is needed whole, since
 *   c_1 s mixes all of its coefficients.
 *
 * The rounding adds an error of standard deviation q_0 / 2^bits * sqrt((1 + 2N/3) / 12) to each coefficient: modulus switching, Brakerski and
 * Vaikuntanathan 2011 (eprint 2011/344).
 */
export interface ReplyOptions {
  /** Bits of a coefficient, an integer from 2 to 40 with 2^bits ≤ q_0. */
  readonly bits: number
  /** Every how many coefficients of c_0 are sent: an integer from 1 to N - 1, and a multiple of the ciphertext's own stride. */
  readonly stride: number
  /** How many of them are sent, the first at coefficient 0: from 1 to ⌈N/stride⌉; default: all. */
  readonly count?: number
}

/** Of all coefficients of a ring of degree n. */
function allOf(n: number, stride: number): number {
  return Math.ceil(n / stride)
}

function requireOptions(
  ring: Ring,
  { bits, stride, count }: ReplyOptions,
  fail: (field: string, expected: string, got: number) => Error,
): void {
  if (!Number.isInteger(bits) || bits < 2 || bits > 40 || 2 ** bits > ring.moduli[0]!.p) {
    throw fail('bits', `an integer from 2 to ${Math.min(40, Math.floor(Math.log2(ring.moduli[0]!.p)))}`, bits)
  }
  if (!Number.isInteger(stride) || stride < 1 || stride >= ring.n) {
    throw fail('stride', `an integer from 1 to ${ring.n - 1}`, stride)
  }
  const all = allOf(ring.n, stride)
  if (count !== undefined && (!Number.isInteger(count) || count < 1 || count > all)) {
    throw fail('count', `an integer from 1 to ${all}`, count)
  }
}

/** Kernels take multiples of 16 values; what a part lacks is filled up with zeros, and not sent. */
function paddedCount(count: number): number {
  return 16 * Math.ceil(count / 16)
}

/** Added to the bits where a count follows the stride. */
const counted = 0x80

/**
 * Bytes of a reply's body, without frame, at ring degree `n`: 13 + ⌈count·bits/8⌉ + ⌈n·bits/8⌉, and 4 more where count is not ⌈n/stride⌉. Arguments
 * are not checked.
 */
export function replyBytes(n: number, { bits, stride, count = allOf(n, stride) }: ReplyOptions): number {
  const header = count === allOf(n, stride) ? 13 : 17
  return header + Math.ceil((count * bits) / 8) + Math.ceil((n * bits) / 8)
}

/**
 * bits u8, stride u32, scale f64, then c_0 (every stride-th coefficient) and c_1 packed to `bits` bits; with fewer coefficients of c_0: bits + 128 u8,
 * stride u32, count u32, scale f64. `replyBytes` in all. The wire format is in docs/wire-format.md.
 * @throws RangeError for bits, a stride or a count out of range; GloveboxError `unsupported` for a ciphertext above level 0, of three parts or transparent,
 * `insecure-parameters` under INSECURE ones, `disposed` for one disposed of.
 */
export function writeReply(writer: ByteWriter, ct: Ciphertext, options: ReplyOptions): void {
  const { ring } = ct
  const { bits, stride, count = allOf(ring.n, stride) } = options
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
  if ((count - 1) * stride > (ct.kept - 1) * ct.stride) {
    throw new RangeError(
      `"count" expected at most ${Math.floor(((ct.kept - 1) * ct.stride) / stride) + 1}, all that this ciphertext still has, got ${count}`,
    )
  }
  requireNotTransparent(ct)
  const modulus = 2 ** bits
  const factor = modulus / ring.moduli[0]!.p
  if (count === allOf(ring.n, stride)) writer.u8(bits).u32(stride).f64(ct.scale)
  else
    writer
      .u8(bits + counted)
      .u32(stride)
      .u32(count)
      .f64(ct.scale)
  using space = ring.limbs(1)
  using packed = ring.heap.alloc(ring.limbBytes)
  for (const [part, [step, length]] of partsOf(ring.n, stride, count).entries()) {
    copyLimbs(ring, space.ptr, limbOf(ct, part, 0), 1)
    toCoefficients(ring, space.ptr, 1)
    const values = ring.heap.f64(space.ptr, ring.n)
    for (let i = 0; i < length; i++) {
      const rounded = Math.round(values[i * step]! * factor)
      // Back into [-2^(bits-1), 2^(bits-1)); a reduced value may lie a little outside.
      values[i] = rounded - modulus * Math.floor(rounded / modulus + 0.5)
    }
    values.fill(0, length, paddedCount(length))
    ring.kernels.pack(packed.ptr, space.ptr, paddedCount(length), bits, modulus, 1 / modulus)
    writer.raw(ring.heap.u8(packed.ptr, Math.ceil((length * bits) / 8)))
  }
}

/** Of each part: every how many coefficients, and how many of them. */
function partsOf(n: number, stride: number, count: number): readonly (readonly [step: number, length: number])[] {
  return [
    [stride, count],
    [1, n],
  ]
}

/**
 * What `writeReply` wrote as a ciphertext at level 0 again, to be decrypted and nothing else; its `stride` and `kept` tell which coefficients count.
 * @throws GloveboxError `malformed` for a field out of range, bytes that are missing, bits behind the last value, or a transparent ciphertext;
 * `insecure-parameters` under INSECURE ones.
 */
export function readReply(reader: ByteReader, ring: Ring): Ciphertext {
  requireSerialisable(ring)
  const byte = reader.u8('bits')
  const bits = byte >= counted ? byte - counted : byte
  const stride = reader.u32('stride')
  const fail = (field: string, expected: string, got: number): Error => reader.malformed(field, expected, got)
  requireOptions(ring, { bits, stride }, fail)
  const all = allOf(ring.n, stride)
  const kept = byte >= counted ? reader.u32('count') : all
  requireOptions(ring, { bits, stride, count: kept }, fail)
  // Written in one way only.
  if (byte >= counted && kept === all) throw fail('count', `less than ${all}, or none at all`, kept)
  const scale = readScale(reader, ring, 0)
  const modulus = 2 ** bits
  const factor = ring.moduli[0]!.p / modulus
  const parts = partsOf(ring.n, stride, kept).map(([step, length], part) => ({
    step,
    length,
    bytes: reader.slice(Math.ceil((length * bits) / 8), `part ${part}`),
  }))
  parts.forEach(({ length, bytes }, part) => {
    const unused = 8 * bytes.length - length * bits
    if (unused > 0 && bytes.at(-1)! >> (8 - unused) !== 0) {
      throw reader.malformed(`part ${part}`, 'zeros behind its last value', 'other bits')
    }
  })
  const ct = newCiphertext(ring, 2, 0, scale, { stride, kept })
  using packed = ring.heap.alloc(ring.limbBytes + 8)
  parts.forEach(({ step, length, bytes }, part) => {
    ring.heap.u8(packed.ptr, packed.bytes).fill(0)
    ring.heap.u8(packed.ptr, bytes.length).set(bytes)
    const dst = limbOf(ct, part, 0)
    ring.kernels.unpack(dst, packed.ptr, paddedCount(length), bits, modulus)
    const values = ring.heap.f64(dst, ring.n)
    const sent = values.slice(0, length)
    values.fill(0)
    for (let i = 0; i < length; i++) values[i * step] = Math.round(sent[i]! * factor)
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
