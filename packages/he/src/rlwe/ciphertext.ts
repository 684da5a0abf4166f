import type { Slab } from '../backend/heap.ts'
import { GloveboxError } from '../base/errors.ts'
import { scaleText, showAs, shown } from '../base/shown.ts'
import type { Ptr } from '../kernels/table.ts'
import { describeMismatch } from '../params/params.ts'
import type { Ring } from '../ring/ring.ts'

/**
 * An encoded message in NTT form: level+1 limbs of N residues. Values are immutable; `using` gives the memory back, and whoever uses them afterwards
 * gets GloveboxError `disposed`.
 */
export interface Plaintext extends Disposable {
  /** Tells values apart at run time. */
  readonly kind: 'plaintext'
  /** The ring of its context. */
  readonly ring: Ring
  /** Its memory: level+1 limbs, limb i modulo q_i. */
  readonly slab: Slab
  /** ℓ, from 0 to `params.maxLevel`: the modulus is q_0 … q_ℓ. */
  readonly level: number
  /** CKKS: what the message was multiplied by before rounding, from 1 to half the modulus of the level. BFV: 1. BGV: 1, or what was decrypted had. */
  readonly scale: number
  /** Only every stride-th coefficient carries the message, from 1 to N - 1; 1, where all do, but for what came from a trimmed reply. */
  readonly stride: number
  /** How many coefficients do: 0, stride, …, (kept - 1)·stride, at most ⌈N/stride⌉; N but for what came from a trimmed reply. */
  readonly kept: number
}

/**
 * Two or three polynomials in NTT form, one after the other, level+1 limbs of N residues each: c_0 + c_1 s (+ c_2 s^2) = message + noise. Immutable;
 * `using` gives the memory back, and whoever uses it afterwards gets GloveboxError `disposed`. Ring-LWE: Lyubashevsky, Peikert, Regev 2010
 * (eprint 2012/230).
 */
export interface Ciphertext extends Disposable {
  /** Tells values apart at run time. */
  readonly kind: 'ciphertext'
  /** The ring of its context. */
  readonly ring: Ring
  /** Its memory: `parts` polynomials of level+1 limbs, limb i modulo q_i. */
  readonly slab: Slab
  /** Polynomials: 2, or 3 after a product until it is relinearised. */
  readonly parts: 2 | 3
  /** ℓ, from 0 to `params.maxLevel`: the modulus is q_0 … q_ℓ. */
  readonly level: number
  /** CKKS: what the message was multiplied by, from 1 to half the modulus of the level. BFV: 1. BGV: a factor modulo t, 1 to t - 1. */
  readonly scale: number
  /** The public seed of 32 bytes that c_1 was expanded from (ChaCha20, RFC 8439), while c_1 is still that: it is sent in place of c_1. */
  readonly seed: Uint8Array | undefined
  /** Only every stride-th coefficient carries the message, from 1 to N - 1; 1, where all do, but for what came from a trimmed reply. */
  readonly stride: number
  /** How many coefficients do: 0, stride, …, (kept - 1)·stride, at most ⌈N/stride⌉; N but for what came from a trimmed reply. */
  readonly kept: number
}

/** Which coefficients carry the message: 0, stride, …, (kept - 1) stride. */
export interface Places {
  readonly stride: number
  readonly kept: number
}

/** Those that do in all of several values: what a sum still has. */
export function commonPlaces(values: readonly Places[]): Places {
  return values.reduce((a, b) => {
    const last = Math.min((a.kept - 1) * a.stride, (b.kept - 1) * b.stride)
    const stride = (a.stride / greatestDivisor(a.stride, b.stride)) * b.stride
    return stride > last ? { stride: 1, kept: 1 } : { stride, kept: Math.floor(last / stride) + 1 }
  })
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

const showPlaintext = showAs<Plaintext>('Plaintext', ({ level, scale, ring }) => ({
  level,
  scale: scaleText(scale),
  ringDegree: ring.n,
}))
const showCiphertext = showAs<Ciphertext>('Ciphertext', ({ level, scale, parts, ring, seed }) => ({
  level,
  scale: scaleText(scale),
  parts,
  ringDegree: ring.n,
  seeded: seed !== undefined,
}))

/**
 * With `special`, it has the limbs of the special primes behind: a factor of extended ciphertexts. With `wipe`, it holds the noise of a decryption
 * beside its message.
 */
export function newPlaintext(
  ring: Ring,
  level: number,
  scale: number,
  {
    stride = 1,
    kept = Math.ceil(ring.n / stride),
    special = false,
    wipe = false,
  }: Partial<Places> & { special?: boolean; wipe?: boolean } = {},
): Plaintext {
  const slab = ring.limbs(level + 1 + (special ? ring.params.special.length : 0), { wipe })
  return {
    kind: 'plaintext',
    ring,
    slab,
    level,
    scale,
    stride,
    kept,
    [shown]: showPlaintext,
    [Symbol.dispose]: () => slab[Symbol.dispose](),
  }
}

export function newCiphertext(
  ring: Ring,
  parts: 2 | 3,
  level: number,
  scale: number,
  more: { seed?: Uint8Array } & Partial<Places> = {},
): Ciphertext {
  const slab = ring.limbs(parts * (level + 1))
  const { stride = 1, kept = Math.ceil(ring.n / stride) } = more
  return {
    kind: 'ciphertext',
    ring,
    slab,
    parts,
    level,
    scale,
    seed: more.seed,
    stride,
    kept,
    [shown]: showCiphertext,
    [Symbol.dispose]: () => slab[Symbol.dispose](),
  }
}

/** Fills a new value; when that fails half-way (an operand was disposed of), its memory is given back. */
export function filled<T extends Disposable>(out: T, fill: (out: T) => void): T {
  try {
    fill(out)
    return out
  } catch (error) {
    out[Symbol.dispose]()
    throw error
  }
}

/** The same value again, in memory of its own. */
export function copyCiphertext(ct: Ciphertext): Ciphertext {
  const { ring, stride, kept, seed } = ct
  const src = ct.slab.ptr
  const out = newCiphertext(ring, ct.parts, ct.level, ct.scale, { stride, kept, ...(seed && { seed }) })
  ring.heap.u8(out.slab.ptr, out.slab.bytes).set(ring.heap.u8(src, out.slab.bytes))
  return out
}

/** Whether every coefficient carries the message. */
export function isWhole({ stride, kept, ring }: Places & { readonly ring: Ring }): boolean {
  return stride === 1 && kept === ring.n
}

/**
 * Refuses what was read from a trimmed reply, or decrypted from it: the coefficients that were left out are noise of any size, and a product
 * would spread it over the message.
 */
export function requireWhole(name: string, value: Places & { readonly ring: Ring }): void {
  if (isWhole(value)) return
  throw new GloveboxError(
    'unsupported',
    `"${name}" was read from a trimmed reply: it can be decrypted, but not multiplied`,
  )
}

/** Offset of limb i of part j. */
export function limbOf(ct: Ciphertext, part: number, limb: number): Ptr {
  return ct.slab.ptr + (part * (ct.level + 1) + limb) * ct.ring.limbBytes
}

/**
 * Refuses an operand of another kind, where one is asked for, or of another ring: two contexts never share memory, and other
 * parameters have other primes.
 */
export function requireRing(
  ring: Ring,
  name: string,
  value: { readonly ring: Ring; readonly kind?: string },
  kind?: string,
): void {
  if (value === null || typeof value !== 'object' || value.ring === undefined) {
    throw new TypeError(
      `"${name}" expected a plaintext, ciphertext or key of this context, got ${value === null ? 'null' : typeof value}`,
    )
  }
  if (kind !== undefined && value.kind !== kind)
    throw new TypeError(`"${name}" expected a ${kind}, got a ${value.kind}`)
  if (value.ring === ring) return
  if (value.ring.params.digest === ring.params.digest) {
    throw new GloveboxError(
      'parameters-mismatch',
      `"${name}" belongs to another context with the same parameters: write it to bytes there and read it here`,
    )
  }
  throw new GloveboxError(
    'parameters-mismatch',
    `"${name}" has other parameters: ${describeMismatch(ring.params, value.ring.params)}`,
  )
}

/** Levels run from 0 to the parameters' maximum. */
export function requireLevel(ring: Ring, level: number): void {
  if (!Number.isInteger(level) || level < 0 || level > ring.params.maxLevel) {
    throw new RangeError(`"level" expected an integer from 0 to ${ring.params.maxLevel}, got ${level}`)
  }
}

/** log2 of half the modulus of a level: what a centred coefficient stays below. */
export function roomBits(ring: Ring, level: number): number {
  let bits = -1
  for (let i = 0; i <= level; i++) bits += Math.log2(ring.moduli[i]!.p)
  return bits
}

/** Scales are at least 1, where a message is whole numbers, finite, and leave it room within the modulus of the level. */
export function requireScale(ring: Ring, level: number, scale: number): void {
  if (!(Number.isFinite(scale) && scale >= 1))
    throw new RangeError(`"scale" expected a finite number from 1, got ${scale}`)
  const room = roomBits(ring, level)
  if (Math.log2(scale) > room) {
    throw new GloveboxError(
      'scale-mismatch',
      `a scale of 2^${Math.log2(scale).toFixed(1)} does not fit the ${(room + 1).toFixed(1)} bits of the modulus at level ${level}: rescale first, or use smaller scales`,
    )
  }
}
