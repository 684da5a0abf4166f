import type { Kernels, Ptr } from '../kernels/table.ts'
import { combineTo } from '../ring/basis.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, limbOf, newCiphertext, type Places } from './ciphertext.ts'
import type { Extended } from './extended.ts'
import { switchPlan } from './switch-plan.ts'

/** One extended polynomial to be divided by P: limb t of the source is at `src + t*stride`, limb i of the result at `dst + i*limbBytes`. */
export interface Division {
  readonly src: Ptr
  readonly stride: number
  readonly dst: Ptr
  /** Room for the coefficients of the special primes, one limb after the other; where it is left out they take the place of the values. */
  readonly special?: Ptr
}

export interface DivideOptions {
  /** The limbs of the special primes are already in coefficients. */
  readonly transformed?: boolean
  /** Table of an automorphism that the results go through, see `Ring.automorphism`. */
  readonly automorphism?: Ptr
  /** Called for every limb of every result in its task, with its place. */
  readonly finish?: (kernels: Kernels, limb: number, at: Ptr) => void
}

/**
 * Divides extended polynomials by P and rounds. The sources are used up, but for one with room for the special primes and no automorphism; a
 * result may not lie in a source.
 */
export function divideByP(ring: Ring, level: number, parts: readonly Division[], options: DivideOptions = {}): void {
  const { n, limbBytes, params, moduli } = ring
  const k = params.special.length
  const { special } = switchPlan(ring, level)
  const { automorphism, finish } = options
  const values = (part: Division): Ptr => part.src + (level + 1) * part.stride
  const first = (part: Division): Ptr => part.special ?? values(part)
  const step = (part: Division): number => (part.special === undefined ? part.stride : limbBytes)
  if (options.transformed !== true) {
    ring.parallel(parts.length * k, (task, kernels) => {
      const part = parts[Math.floor(task / k)]!
      const limb = task % k
      const { p, pinv, table } = moduli[params.primes.length + limb]!
      const at = first(part) + limb * step(part)
      if (part.special === undefined) kernels.nttInverse(at, n, p, pinv, table)
      else kernels.nttInverseFrom(at, values(part) + limb * part.stride, n, p, pinv, table)
    })
  }
  using quotients = k > 1 ? ring.limbs(parts.length) : undefined
  const v = quotients?.ptr ?? 0
  if (k > 1) {
    ring.parallel(parts.length, (r, kernels) => {
      const part = parts[r]!
      kernels.basisScale(first(part), step(part), v + r * limbBytes, first(part), step(part), k, special.scale, n)
    })
  }
  ring.parallel(parts.length * (level + 1), (task, kernels) => {
    const r = task % parts.length
    const i = Math.floor(task / parts.length)
    const part = parts[r]!
    const a = part.src + i * part.stride
    const dst = part.dst + i * limbBytes
    const { p, pinv, table } = moduli[i]!
    const { w, wp } = ring.specialInverse(i)
    if (k > 1) combineTo(kernels, ring, special, dst, first(part), step(part), v + r * limbBytes, i)
    const src = k > 1 ? dst : first(part)
    if (automorphism === undefined) kernels.nttForwardSubMul(dst, a, dst, src, n, w, wp, p, pinv, table)
    else {
      kernels.nttForwardSubMul(a, a, dst, src, n, w, wp, p, pinv, table)
      kernels.permute(dst, a, automorphism, n)
    }
    finish?.(kernels, i, dst)
  })
}

/** Divides both parts of an extended pair by P into a new ciphertext, see `divideByP`. */
export function divideExtended(
  value: Extended,
  scale: number,
  options: DivideOptions & Partial<Places> = {},
): Ciphertext {
  const { ring, level } = value
  const out = newCiphertext(ring, 2, level, scale, options)
  try {
    const parts = ([0, 1] as const).map((r) => ({ src: value.part(r), stride: value.stride, dst: limbOf(out, r, 0) }))
    divideByP(ring, level, parts, options)
  } catch (error) {
    out[Symbol.dispose]()
    throw error
  }
  return out
}

/** Divides polynomials by the last prime of the level and rounds: `level` limbs to every `dst`, which may be its `src`. */
export function rescaleLimbs(
  ring: Ring,
  parts: readonly { readonly dst: Ptr; readonly src: Ptr }[],
  level: number,
): void {
  const { limbBytes, n, moduli } = ring
  using last = ring.limbs(parts.length)
  // The limbs of a separate result serve as scratch.
  using scratch = parts.some(({ dst, src }) => dst === src) ? ring.limbs(parts.length * level) : undefined
  const coefficients = last.ptr
  const x = scratch?.ptr
  ring.parallel(parts.length, (r, kernels) => {
    const { p, pinv, table } = moduli[level]!
    kernels.nttInverseFrom(coefficients + r * limbBytes, parts[r]!.src + level * limbBytes, n, p, pinv, table)
  })
  ring.parallel(parts.length * level, (task, kernels) => {
    const r = task % parts.length
    const i = Math.floor(task / parts.length)
    const { p, pinv, table } = moduli[i]!
    const { w, wp } = ring.primeInverse(level, i)
    const { dst, src } = parts[r]!
    const at = i * limbBytes
    const own = x === undefined ? dst + at : x + task * limbBytes
    kernels.nttForwardSubMul(dst + at, src + at, own, coefficients + r * limbBytes, n, w, wp, p, pinv, table)
  })
}
