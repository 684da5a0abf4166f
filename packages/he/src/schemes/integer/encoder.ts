import { GloveboxError } from '../../base/errors.ts'
import { bitReverse } from '../../base/numbers.ts'
import type { Ring } from '../../ring/ring.ts'
import { type Plaintext, requireLevel } from '../../rlwe/ciphertext.ts'
import type { IntegerForm } from './form.ts'
import { type Message, newMessage, withMessage } from './message.ts'
import type { PlainModulus } from './plain-modulus.ts'

/** Integers from -t/2 to t-1: an array of numbers, a typed array, or an array of bigint. */
export type Integers = ArrayLike<number> | ArrayLike<bigint>

/**
 * The place in bit-reversed NTT order of each slot of the 2 × N/2 matrix: slot (0, j) is the value at psi^(3^j), slot (1, j) the one at psi^(-3^j), as
 * in SEAL's BatchEncoder.
 */
export function slotOrder(n: number): Uint32Array {
  const bits = Math.log2(n)
  const order = new Uint32Array(n)
  for (let j = 0, power = 1; j < n / 2; j++, power = (power * 3) % (2 * n)) {
    order[j] = bitReverse((power - 1) / 2, bits)
    order[n / 2 + j] = bitReverse((2 * n - power - 1) / 2, bits)
  }
  return order
}

/** Writes integers from -t/2 to t-1 in the order given, balanced, and zeros behind them. */
export function fill(target: Float64Array, values: Integers, name: string, t: number, order?: Uint32Array): void {
  const count = values?.length
  if (typeof values !== 'object' || !Number.isInteger(count) || count < 0)
    throw new TypeError(
      `"${name}" expected an array of integers, got ${values === null ? 'null' : typeof values === 'object' ? `length ${count}` : typeof values}`,
    )
  if (count > target.length)
    throw new RangeError(`"${name}" expected at most ${target.length} values (N), got ${count}`)
  const low = -Math.floor(t / 2)
  const half = t / 2
  target.fill(0)
  for (let i = 0; i < count; i++) {
    const given = values[i]!
    const value = typeof given === 'bigint' ? Number(given) : given
    if (!Number.isInteger(value) || value < low || value >= t) {
      // The value itself is a plaintext, which no message may hold.
      throw new RangeError(
        `"${name}[${i}]" expected an integer from ${low} to ${t - 1} (modulo t = ${t}), got ${Number.isInteger(value) ? 'one out of this range' : typeof given === 'number' ? 'a number that is none' : typeof given}`,
      )
    }
    target[order === undefined ? i : order[i]!] = value > half ? value - t : value
  }
}

/** How integers are read. */
export interface IntegerDecodeOptions {
  /** true: from -t/2 to (t-1)/2; false (default): from 0 to t-1. */
  readonly signed?: boolean
}

/** Balanced residues as integers in the range asked for. */
function read(
  source: Float64Array,
  t: number,
  { signed = false }: IntegerDecodeOptions,
  order?: Uint32Array,
): Float64Array {
  const out = new Float64Array(source.length)
  // t/2, where t is even, is -t/2 among signed numbers.
  const least = signed ? -t / 2 : 0
  const most = signed ? t / 2 : t
  for (let i = 0; i < out.length; i++) {
    const value = source[order === undefined ? i : order[i]!]!
    out[i] = (value < least ? value + t : value >= most ? value - t : value) || 0
  }
  return out
}

export function encodeCoefficients(form: IntegerForm, values: Integers, level: number): Message {
  const { ring, plain } = form
  requireLevel(ring, level)
  return newMessage(form, level, (dst) => fill(ring.heap.f64(dst, ring.n), values, 'coefficients', plain.t))
}

export function decodeCoefficients(
  form: IntegerForm,
  plaintext: Plaintext,
  options: IntegerDecodeOptions,
): Float64Array {
  const { ring, plain } = form
  return withMessage(form, 'plaintext', plaintext, ({ coefficients }) =>
    read(ring.heap.f64(coefficients.ptr, ring.n), plain.t, options),
  )
}

/** The table of the transform modulo t, or an error that says which t has one. */
export function slotTable(ring: Ring, { t, table }: PlainModulus): number {
  if (table !== undefined) return table
  throw new GloveboxError(
    'unsupported',
    `"plaintextModulus" is ${t}, which has no slots: batching needs a prime that is 1 modulo ${2 * ring.n}, as plaintextModulus(bits, ringDegree) finds; or use encodeCoefficients`,
  )
}

/** Slots to coefficients: an inverse transform modulo t. */
export function encodeSlots(form: IntegerForm, order: Uint32Array, values: Integers, level: number): Message {
  const { ring, plain } = form
  requireLevel(ring, level)
  const table = slotTable(ring, plain)
  return newMessage(form, level, (dst) => {
    fill(ring.heap.f64(dst, ring.n), values, 'values', plain.t, order)
    ring.kernels.nttInverse(dst, ring.n, plain.t, plain.tinv, table)
  })
}

export function decodeSlots(
  form: IntegerForm,
  order: Uint32Array,
  plaintext: Plaintext,
  options: IntegerDecodeOptions,
): Float64Array {
  const { ring, plain } = form
  const table = slotTable(ring, plain)
  return withMessage(form, 'plaintext', plaintext, ({ coefficients }) => {
    const { kernels, n } = ring
    using space = ring.limbs(1)
    kernels.copy(space.ptr, coefficients.ptr, n)
    kernels.nttForward(space.ptr, n, plain.t, plain.tinv, table)
    kernels.reduce(space.ptr, space.ptr, n, plain.t, plain.tinv)
    return read(ring.heap.f64(space.ptr, n), plain.t, options, order)
  })
}
