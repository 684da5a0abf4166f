import type { Slab } from '../../backend/heap.ts'
import { invMod } from '../../base/numbers.ts'
import type { Ptr } from '../../kernels/table.ts'
import { conversion } from '../../ring/conversion.ts'
import { factor } from '../../ring/ring.ts'
import { type Plaintext, requireRing } from '../../rlwe/ciphertext.ts'
import type { IntegerForm } from './form.ts'

/**
 * A polynomial modulo t. As a `Plaintext` it is [g m]_t / t at its level, which is what an encryption and a sum need; as a factor it is m itself.
 * Both are made from the coefficients when they are first asked for, and kept.
 */
export interface Message extends Plaintext {
  /** One limb, balanced modulo t. */
  readonly coefficients: Slab
  /** [g m]_t / t in NTT form, level+1 limbs, for the g of this level and scale. Valid until it is asked for another one. */
  embedded(level: number, scale: number): Ptr
  /** m in NTT form modulo q_0 … q_ℓ. Valid until it is asked for a higher level. */
  lifted(level: number): Ptr
}

/** A message around coefficients that `fill` writes, |x| <= t; they are balanced afterwards. */
export function newMessage(form: IntegerForm, level: number, fill: (coefficients: Ptr) => void): Message {
  const { ring, plain } = form
  const coefficients = ring.limbs(1)
  try {
    fill(coefficients.ptr)
    ring.kernels.reduce(coefficients.ptr, coefficients.ptr, ring.n, plain.t, plain.tinv)
  } catch (error) {
    coefficients[Symbol.dispose]()
    throw error
  }
  const scale = 1
  // What an operation makes here stays when it is interrupted: the message was there before it.
  /** By level. */
  const embedded = new Map<number, { readonly scale: number; readonly slab: Slab }>()
  let lifted: { readonly level: number; readonly slab: Slab } | undefined
  const embeddedAt = (l: number, s: number): Slab => {
    const known = embedded.get(l)
    if (known?.scale === s) return known.slab
    const slab = embed(form, coefficients.ptr, l, s)
    known?.slab[Symbol.dispose]()
    embedded.set(l, { scale: s, slab })
    return slab
  }
  return {
    kind: 'plaintext',
    ring,
    level,
    scale,
    stride: 1,
    kept: ring.n,
    coefficients,
    get slab() {
      return embeddedAt(level, scale)
    },
    embedded: (l, s) => embeddedAt(l, s).ptr,
    lifted: (l) => {
      if (lifted === undefined || lifted.level < l) {
        const slab = lift(form, coefficients.ptr, l)
        lifted?.slab[Symbol.dispose]()
        lifted = { level: l, slab }
      }
      return lifted.slab.ptr
    },
    [Symbol.dispose]() {
      coefficients[Symbol.dispose]()
      lifted?.slab[Symbol.dispose]()
      for (const { slab } of embedded.values()) slab[Symbol.dispose]()
    },
  }
}

/** The message times a constant modulo t. */
export function scaledMessage(form: IntegerForm, { coefficients, level }: Message, constant: bigint): Message {
  const { t } = form.plain
  const { w, wp } = factor(constant, t)
  return newMessage(form, level, (dst) => form.ring.kernels.mulScalar(dst, coefficients.ptr, form.ring.n, w, wp, t))
}

/** m modulo each prime in NTT form, from balanced coefficients modulo t. */
function lift({ ring, plain: { t } }: IntegerForm, src: Ptr, level: number): Slab {
  const slab = ring.limbs(level + 1, { lasting: true })
  const { n, limbBytes, moduli } = ring
  const dst = slab.ptr
  ring.parallel(level + 1, (i, kernels) => {
    const { p, pinv, table } = moduli[i]!
    const limb = dst + i * limbBytes
    if (t > p) kernels.reduce(limb, src, n, p, pinv)
    else kernels.copy(limb, src, n)
    kernels.nttForward(limb, n, p, pinv, table)
  })
  return slab
}

/** [g m]_t / t modulo each prime, in NTT form. For BFV, g = -Q, that is nearest(Q m / t) = (Q m - [Q m]_t) / t, as Q is 0 modulo its primes. */
function embed(
  { ring, plain: { t, tinv }, factor: factorOf }: IntegerForm,
  src: Ptr,
  level: number,
  scale: number,
): Slab {
  const { n, limbBytes, moduli } = ring
  using remainder = ring.limbs(1)
  const rest = remainder.ptr
  const slab = ring.limbs(level + 1, { lasting: true })
  const dst = slab.ptr
  const g = factor(factorOf(level, scale), t)
  ring.kernels.mulScalar(rest, src, n, g.w, g.wp, t)
  ring.kernels.reduce(rest, rest, n, t, tinv)
  const factors = moduli.slice(0, level + 1).map(({ p }) => factor(invMod(BigInt(t), BigInt(p)), p))
  ring.parallel(level + 1, (i, kernels) => {
    const { p, pinv, table } = moduli[i]!
    const { w, wp } = factors[i]!
    const limb = dst + i * limbBytes
    if (t > p) kernels.reduce(limb, rest, n, p, pinv)
    kernels.mulScalar(limb, t > p ? limb : rest, n, w, wp, p)
    kernels.nttForward(limb, n, p, pinv, table)
  })
  return slab
}

/** [t x]_Q / g modulo t of what decryption left: m, where |t e + [g m]_t| is below Q / 2. For BFV that is nearest(t x / Q). */
export function extract(form: IntegerForm, phase: Plaintext): Message {
  const { level, stride, kept } = phase
  const { ring, plain } = form
  const { t, tinv } = plain
  const inverse = invMod(form.factor(level, phase.scale), BigInt(t))
  const { n, limbBytes, moduli, params } = ring
  const { scale, combine } = conversion(ring, params.primes.slice(0, level + 1), [t], BigInt(t), () => inverse)
  // The noise of the decryption is in it.
  using space = ring.limbs(level + 2, { wipe: true })
  const x = space.ptr
  const v = x + (level + 1) * limbBytes
  const src = phase.slab.ptr
  ring.parallel(level + 1, (i, kernels) => {
    const { p, pinv, table } = moduli[i]!
    kernels.copy(x + i * limbBytes, src + i * limbBytes, n)
    kernels.nttInverse(x + i * limbBytes, n, p, pinv, table)
  })
  ring.kernels.basisScale(x, limbBytes, v, x, limbBytes, level + 1, scale, n)
  return newMessage(form, level, (dst) => {
    ring.kernels.basisCombine(dst, x, limbBytes, v, level + 1, combine[0]!, n, t, tinv)
    if (kept === n) return
    const values = ring.heap.f64(dst, n)
    for (let i = 0; i < n; i++) if (i % stride !== 0 || i >= kept * stride) values[i] = 0
  })
}

function isMessage(plaintext: Plaintext): plaintext is Message {
  return 'coefficients' in plaintext
}

/** What the rest of the scheme takes for a plaintext: a message, or what decryption left of one, which is rounded to it. */
export function withMessage<T>(form: IntegerForm, name: string, plaintext: Plaintext, use: (message: Message) => T): T {
  requireRing(form.ring, name, plaintext, 'plaintext')
  if (isMessage(plaintext)) return use(plaintext)
  using message = extract(form, plaintext)
  return use(message)
}

export function withMessages<T>(
  form: IntegerForm,
  name: string,
  plaintexts: readonly Plaintext[],
  use: (messages: readonly Message[]) => T,
): T {
  const made: Message[] = []
  try {
    const messages = plaintexts.map((plaintext, i) => {
      requireRing(form.ring, `${name}[${i}]`, plaintext, 'plaintext')
      if (isMessage(plaintext)) return plaintext
      const message = extract(form, plaintext)
      made.push(message)
      return message
    })
    return use(messages)
  } finally {
    for (const message of made) message[Symbol.dispose]()
  }
}
