import type { Ptr } from '../kernels/table.ts'
import { combineTo } from '../ring/basis.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, limbOf, newCiphertext } from './ciphertext.ts'
import type { Extended } from './extended.ts'
import { switchPlan } from './switch-plan.ts'

/** One extended polynomial to be divided by P: limb t of the source is at `src + t*stride`, limb i of the result at `dst + i*limbBytes`. */
export interface Division {
  readonly src: Ptr
  readonly stride: number
  readonly dst: Ptr
}

export interface DivideOptions {
  /** The limbs of the special primes are already in coefficients. */
  readonly transformed?: boolean
  /** Table of an automorphism that the results go through, see `Ring.automorphism`. */
  readonly automorphism?: Ptr
}

/** Divides extended polynomials by P and rounds. The sources are used up; a result may not lie in a source. */
export function divideByP(ring: Ring, level: number, parts: readonly Division[], options: DivideOptions = {}): void {
  const { n, limbBytes, params, moduli } = ring
  const k = params.special.length
  const { special } = switchPlan(ring, level)
  const { automorphism } = options
  const first = (part: Division): Ptr => part.src + (level + 1) * part.stride
  if (options.transformed !== true) {
    ring.parallel(parts.length * k, (task, kernels) => {
      const part = parts[Math.floor(task / k)]!
      const { p, pinv, table } = moduli[params.primes.length + (task % k)]!
      kernels.nttInverse(first(part) + (task % k) * part.stride, n, p, pinv, table)
    })
  }
  using quotients = k > 1 ? ring.limbs(parts.length) : undefined
  const v = quotients?.ptr ?? 0
  if (k > 1) {
    ring.parallel(parts.length, (r, kernels) => {
      const part = parts[r]!
      kernels.basisScale(first(part), part.stride, v + r * limbBytes, first(part), part.stride, k, special.scale, n)
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
    if (k > 1) combineTo(kernels, ring, special, dst, first(part), part.stride, v + r * limbBytes, i)
    const src = k > 1 ? dst : first(part)
    if (automorphism === undefined) kernels.nttForwardSubMul(dst, a, dst, src, n, w, wp, p, pinv, table)
    else {
      kernels.nttForwardSubMul(a, a, dst, src, n, w, wp, p, pinv, table)
      kernels.permute(dst, a, automorphism, n)
    }
  })
}

/** Divides both parts of an extended pair by P into a new ciphertext, see `divideByP`. */
export function divideExtended(
  value: Extended,
  scale: number,
  options: DivideOptions & { readonly stride?: number } = {},
): Ciphertext {
  const { ring, level } = value
  const out = newCiphertext(ring, 2, level, scale, { stride: options.stride ?? 1 })
  try {
    const parts = ([0, 1] as const).map((r) => ({ src: value.part(r), stride: value.stride, dst: limbOf(out, r, 0) }))
    divideByP(ring, level, parts, options)
  } catch (error) {
    out[Symbol.dispose]()
    throw error
  }
  return out
}

/** Divides by the last prime of the level and rounds: `level` limbs to `dst`, which may be `src`. */
export function rescaleLimbs(ring: Ring, dst: Ptr, src: Ptr, level: number): void {
  const { limbBytes, kernels, n, moduli } = ring
  using last = ring.limbs(1)
  // The limbs of a separate result serve as scratch.
  using scratch = dst === src ? ring.limbs(level) : undefined
  const x = scratch?.ptr ?? dst
  const { p, pinv, table } = moduli[level]!
  kernels.nttInverseFrom(last.ptr, src + level * limbBytes, n, p, pinv, table)
  const coefficients = last.ptr
  ring.parallel(level, (i, on) => {
    const { p, pinv, table } = moduli[i]!
    const { w, wp } = ring.primeInverse(level, i)
    const at = i * limbBytes
    on.nttForwardSubMul(dst + at, src + at, x + at, coefficients, n, w, wp, p, pinv, table)
  })
}
