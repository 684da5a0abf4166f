import { GloveboxError } from '../../base/errors.ts'
import { requireArrayLike, typeName } from '../../base/require.ts'
import { embeddingTable } from '../../kernels/embed-tables.ts'
import type { Ptr } from '../../kernels/table.ts'
import { copyLimbs, extendedIndex, type Ring, toCoefficients } from '../../ring/ring.ts'
import { newPlaintext, type Plaintext, requireLevel, requireRing, requireScale } from '../../rlwe/ciphertext.ts'

/** Complex slots as two arrays of one length, N/2 where they come from a plaintext. */
export interface ComplexSlots {
  /** Real parts, slot 0 first. */
  readonly re: Float64Array
  /** Imaginary parts, as many. */
  readonly im: Float64Array
}

/** Up to N/2 finite numbers, real or complex (`re` and `im` of one length), slot 0 first; the slots behind them are 0. */
export type Slots = ArrayLike<number> | { readonly re: ArrayLike<number>; readonly im: ArrayLike<number> }

/** Coefficients beyond this are not exact doubles any more, nor within the range of the reduction kernel. */
const largestCoefficient = 2 ** 99

function fillSlots(target: Float64Array, values: ArrayLike<number>, name: string, places = 'N/2 slots'): void {
  const count = values.length
  if (!Number.isInteger(count) || count < 0)
    throw new TypeError(`"${name}" expected an array of numbers, got length ${count}`)
  if (count > target.length)
    throw new RangeError(`"${name}" expected at most ${target.length} values (${places}), got ${count}`)
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (!Number.isFinite(value))
      throw new RangeError(
        `"${name}[${i}]" expected a finite number, got ${typeof value === 'number' ? (Number.isNaN(value) ? 'NaN' : 'an infinity') : typeof value}`,
      )
    target[i] = value
  }
  target.fill(0, count)
}

function slotTable(ring: Ring): Ptr {
  return ring.table('embedding', () => embeddingTable(ring.n))
}

/**
 * Encodes up to N/2 real or complex values into the slots, multiplied by `scale` and rounded. SEAL's conventions: slot j is the value
 * at zeta^(3^j). With `special`, also modulo the special primes. Throws RangeError for too many values, NaN or infinities, and for a message that does not fit the modulus.
 */
export function encodeSlots(ring: Ring, values: Slots, level: number, scale: number, special = false): Plaintext {
  requireLevel(ring, level)
  requireScale(ring, level, scale)
  const half = ring.n / 2
  const table = slotTable(ring)
  using space = ring.limbs(1)
  const slots = ring.heap.f64(space.ptr, ring.n)
  if (values !== null && typeof values === 'object' && 're' in values) {
    requireArrayLike('values.re', 'an array of numbers', values.re)
    requireArrayLike('values.im', 'an array of numbers', values.im)
    if (values.re.length !== values.im.length) {
      throw new RangeError(
        `"values" expected as many imaginary as real parts, got ${values.re.length} and ${values.im.length}`,
      )
    }
    fillSlots(slots.subarray(0, half), values.re, 'values.re')
    fillSlots(slots.subarray(half), values.im, 'values.im')
  } else {
    if (values === null || typeof values !== 'object' || typeof values.length !== 'number') {
      throw new TypeError(
        `"values" expected an array of numbers or {re, im}, got ${values === null ? 'null' : typeof values}`,
      )
    }
    fillSlots(slots.subarray(0, half), values, 'values')
    slots.fill(0, half)
  }
  ring.kernels.embedInverse(space.ptr, space.ptr + 8 * half, ring.n, table)
  return fromCoefficients(ring, space.ptr, level, scale, special)
}

/** A plaintext from real coefficients at `src`, multiplied by `scale` and rounded. `src` is used up. */
function fromCoefficients(ring: Ring, src: Ptr, level: number, scale: number, special = false): Plaintext {
  const largest = roundedLargest(ring, src, level, scale, 'values')
  const plaintext = newPlaintext(ring, level, scale, { special })
  transform(ring, plaintext.slab.ptr, src, largest, level, special)
  return plaintext
}

/** Multiplies real coefficients by `scale` and rounds them, in place; the largest of them, which fits the modulus of the level. */
function roundedLargest(ring: Ring, src: Ptr, level: number, scale: number, name: string): number {
  const largest = ring.kernels.scaleRound(src, src, ring.n, scale)
  let room = -1
  for (let i = 0; i <= level; i++) room += Math.log2(ring.moduli[i]!.p)
  if (!(largest <= largestCoefficient) || Math.log2(largest) >= room) {
    const place =
      room < 99
        ? `the ${(room + 1).toFixed(0)} bits of level ${level}`
        : 'the 2^99 that a coefficient may be encoded with'
    throw new RangeError(
      `"${name}" at scale 2^${Math.log2(scale).toFixed(1)} do not fit ${place}: use ${room < 99 ? 'a smaller scale or a higher level' : 'smaller values or a smaller scale'}`,
    )
  }
  return largest
}

/** Integers up to `largest` at `src` in NTT form at `dst`, modulo the primes of the level, and the special ones. */
function transform(ring: Ring, dst: Ptr, src: Ptr, largest: number, level: number, special: boolean): void {
  const { n, limbBytes } = ring
  ring.parallel(level + 1 + (special ? ring.params.special.length : 0), (i, on) => {
    const { p, pinv, table } = ring.moduli[extendedIndex(ring, level, i)]!
    const limb = dst + i * limbBytes
    if (largest <= 2 ** 50) on.nttForwardFrom(limb, src, n, p, pinv, table)
    else {
      on.reduce(limb, src, n, p, pinv)
      on.nttForward(limb, n, p, pinv, table)
    }
  })
}

/** The slots of a plaintext, complex. */
export function decodeSlots(ring: Ring, plaintext: Plaintext): ComplexSlots {
  requireRing(ring, 'plaintext', plaintext, 'plaintext')
  const { n } = ring
  const half = n / 2
  const table = slotTable(ring)
  using space = ring.limbs(1, { wipe: true })
  compose(ring, space.ptr, plaintext)
  ring.kernels.embedForward(space.ptr, space.ptr + 8 * half, n, table)
  return { re: ring.heap.f64(space.ptr, half).slice(), im: ring.heap.f64(space.ptr + 8 * half, half).slice() }
}

/**
 * Real coefficients (message / scale) from residues, by centred mixed radix: v = d_0 + q_0 (d_1 + q_1 (d_2 + …)), each digit balanced,
 * so that the leading digits of a message shorter than the modulus are exactly 0 and the sum is as precise as a double.
 * Knuth, The Art of Computer Programming 2, section 4.3.2 (Garner).
 */
function compose(ring: Ring, dst: Ptr, plaintext: Plaintext): void {
  const { kernels, n, limbBytes, moduli } = ring
  const { level, scale, stride, kept } = plaintext
  // A decryption's noise is key material; so above and below.
  using residues = ring.limbs(level + 1, { wipe: true })
  using digit = ring.limbs(1, { wipe: true })
  copyLimbs(ring, residues.ptr, plaintext.slab.ptr, level + 1)
  toCoefficients(ring, residues.ptr, level + 1)
  for (let i = 0; i <= level; i++) {
    const at = residues.ptr + i * limbBytes
    // Only here a reduced value must be the canonical one: it is an integer now, not a class.
    kernels.reduce(at, at, n, moduli[i]!.p, moduli[i]!.pinv)
    for (let j = i + 1; j <= level; j++) {
      const { p, pinv } = moduli[j]!
      const { w, wp } = ring.primeInverse(i, j)
      const other = residues.ptr + j * limbBytes
      kernels.reduce(digit.ptr, at, n, p, pinv)
      kernels.subMulScalar(other, other, digit.ptr, n, w, wp, p)
    }
  }
  // From the leading digit down, so that no power of the modulus is ever formed: it may be beyond the range of a double.
  copyLimbs(ring, dst, residues.ptr + level * limbBytes, 1)
  for (let i = level - 1; i >= 0; i--) kernels.combine(dst, dst, moduli[i]!.p, residues.ptr + i * limbBytes, 1, n)
  kernels.combine(dst, dst, 1 / scale, residues.ptr, 0, n)
  if (kept < n) {
    const coefficients = ring.heap.f64(dst, n)
    for (let i = 0; i < n; i++) if (i % stride !== 0 || i >= kept * stride) coefficients[i] = 0
  }
}

/** A real constant at a scale as an exact integer. */
export function scaledConstant(value: number, scale: number): bigint {
  if (!Number.isFinite(value))
    throw new RangeError(
      `"value" expected a finite number, got ${typeof value !== 'number' ? typeName(value) : Number.isNaN(value) ? 'NaN' : 'an infinity'}`,
    )
  const product = Math.round(value * scale)
  if (!Number.isFinite(product))
    throw new GloveboxError('scale-mismatch', '"value" times "scale" is not a finite number')
  return BigInt(product)
}

/**
 * A plaintext of up to N real coefficients, lowest first, multiplied by `scale` and rounded: no embedding. Throws as `encodeSlots` does.
 */
export function encodeCoefficients(
  ring: Ring,
  coefficients: ArrayLike<number>,
  level: number,
  scale: number,
): Plaintext {
  requireLevel(ring, level)
  requireScale(ring, level, scale)
  requireArrayLike('coefficients', 'an array of numbers', coefficients)
  using space = ring.limbs(1)
  fillSlots(ring.heap.f64(space.ptr, ring.n), coefficients, 'coefficients', 'N coefficients')
  return fromCoefficients(ring, space.ptr, level, scale)
}

/** As `encodeCoefficients`, to `level` + 1 limbs at `dst`. `name` is that of the values in errors; level and scale are not checked. */
export function putCoefficients(
  ring: Ring,
  dst: Ptr,
  coefficients: ArrayLike<number>,
  level: number,
  scale: number,
  name: string,
): void {
  using space = ring.limbs(1)
  fillSlots(ring.heap.f64(space.ptr, ring.n), coefficients, name, 'N coefficients')
  transform(ring, dst, space.ptr, roundedLargest(ring, space.ptr, level, scale, name), level, false)
}

/** The real coefficients of a plaintext, message / scale. */
export function decodeCoefficients(ring: Ring, plaintext: Plaintext): Float64Array {
  requireRing(ring, 'plaintext', plaintext, 'plaintext')
  using space = ring.limbs(1, { wipe: true })
  compose(ring, space.ptr, plaintext)
  return ring.heap.f64(space.ptr, ring.n).slice()
}
