import type { Slab } from '../backend/heap.ts'
import { GloveboxError } from '../base/errors.ts'
import type { Kernels, Ptr } from '../kernels/table.ts'
import { combineTo } from '../ring/basis.ts'
import type { Ring } from '../ring/ring.ts'
import { type Extended, newExtended } from './extended.ts'
import { extendedLimbs, type SwitchingKey } from './keys.ts'
import { type SwitchPlan, switchPlan, type Target } from './switch-plan.ts'

/**
 * A polynomial cut into digits of `digitSize` primes, each raised to the extended basis, in NTT form: what all rotations of one
 * ciphertext share. Digit d of limb t is limb t*digits + d, but for the primes of the digit itself, whose limbs are those of the polynomial.
 */
export interface Decomposition extends Disposable {
  readonly ring: Ring
  readonly slab: Slab
  readonly level: number
  readonly digits: number
}

/** What a result of key switching starts from in one limb: w times the limb at add0 and at add1; 0 for none. */
export interface Start {
  readonly add0: Ptr
  readonly add1: Ptr
  readonly w: number
}

const fromZero = (): Start => ({ add0: 0, add1: 0, w: 0 })

/** The coefficients of every digit, ready to be raised: those of one prime as they are, those of more as the basisScale kernel leaves them. */
export interface Split extends Disposable {
  readonly plan: SwitchPlan
  readonly coefficients: Ptr
  readonly quotients: Ptr
}

/** Memory for them: first `splitLimb` of every limb of a polynomial, then `scaleDigits`. */
export function newSplit(ring: Ring, level: number): Split {
  const plan = switchPlan(ring, level)
  const slab = ring.limbs(level + 1 + plan.digits.length)
  const coefficients = slab.ptr
  const quotients = coefficients + (level + 1) * ring.limbBytes
  return { plan, coefficients, quotients, [Symbol.dispose]: () => slab[Symbol.dispose]() }
}

/** Limb i of a polynomial in NTT form, at `src`. */
export function splitLimb(kernels: Kernels, { n, limbBytes, moduli }: Ring, into: Split, i: number, src: Ptr): void {
  const { p, pinv, table } = moduli[i]!
  kernels.nttInverseFrom(into.coefficients + i * limbBytes, src, n, p, pinv, table)
}

export function scaleDigits(ring: Ring, { plan: { digits }, coefficients, quotients }: Split): void {
  const { n, limbBytes } = ring
  if (digits.every(({ basis }) => basis.scale === 0)) return
  ring.parallel(digits.length, (d, kernels) => {
    const { first, basis } = digits[d]!
    const at = coefficients + first * limbBytes
    if (basis.scale === 0) return
    kernels.basisScale(at, limbBytes, quotients + d * limbBytes, at, limbBytes, basis.sources.length, basis.scale, n)
  })
}

function split(ring: Ring, level: number, src: Ptr): Split {
  const pieces = newSplit(ring, level)
  ring.parallel(level + 1, (i, kernels) => splitLimb(kernels, ring, pieces, i, src + i * ring.limbBytes))
  scaleDigits(ring, pieces)
  return pieces
}

/** Task i is that of this limb: the special primes first, which all digits are raised to, so that threads finish together. */
function limbOfTask(task: number, { level, targets }: SwitchPlan): number {
  return (task + level + 1) % targets.length
}

/** Raises every other digit to a target: digit d lands at dst + d limbs, in NTT form. */
function raise(kernels: Kernels, ring: Ring, { plan, coefficients, quotients }: Split, target: Target, dst: Ptr): void {
  const { n, limbBytes } = ring
  const { p, pinv, table } = target.modulus
  plan.digits.forEach(({ first, basis }, d) => {
    if (d === target.digit) return
    const at = dst + d * limbBytes
    const src = coefficients + first * limbBytes
    if (basis.scale === 0) kernels.nttForwardFrom(at, src, n, p, pinv, table)
    else {
      combineTo(kernels, ring, basis, at, src, limbBytes, quotients + d * limbBytes, target.index)
      kernels.nttForward(at, n, p, pinv, table)
    }
  })
}

/** Decomposes the polynomial in NTT form at `src` (level+1 limbs), which must live as long. */
export function decompose(ring: Ring, src: Ptr, level: number): Decomposition {
  const plan = switchPlan(ring, level)
  const digits = plan.digits.length
  using pieces = split(ring, level, src)
  const slab = ring.limbs(digits * plan.targets.length)
  const at = slab.ptr
  ring.parallel(plan.targets.length, (task, kernels) => {
    const t = limbOfTask(task, plan)
    raise(kernels, ring, pieces, plan.targets[t]!, at + t * digits * ring.limbBytes)
  })
  return { ring, slab, level, digits, [Symbol.dispose]: () => slab[Symbol.dispose]() }
}

function requireKeyLevel(key: SwitchingKey, level: number): void {
  if (key.level >= level) return
  throw new GloveboxError(
    'missing-key',
    `the key was made for ciphertexts up to level ${key.level}, this one is at level ${level}: drop its level or make the key for level ${level}`,
  )
}

/** One limb of the inner product of digits at `d`, one limb after the other, with a key. `src` is the polynomial itself. */
function innerProduct(
  kernels: Kernels,
  ring: Ring,
  plan: SwitchPlan,
  t: number,
  key: SwitchingKey,
  keyAt: Ptr,
  d: Ptr,
  src: Ptr,
  dst: Ptr,
  { add0, add1, w }: Start,
): void {
  const { n, limbBytes } = ring
  const { modulus, digit } = plan.targets[t]!
  const keyLimbs = extendedLimbs(ring, key.level)
  const b = keyAt + (t <= plan.level ? t : t + key.level - plan.level) * limbBytes
  kernels.dotKey(
    dst,
    dst + limbBytes,
    d,
    limbBytes,
    src + t * limbBytes,
    digit,
    b,
    b + keyLimbs * limbBytes,
    2 * keyLimbs * limbBytes,
    plan.digits.length,
    add0,
    add1,
    w,
    n,
    modulus.p,
    modulus.pinv,
  )
}

/**
 * Inner product of a decomposition of the polynomial at `src` with a key, over the extended basis. With `coefficients`, the limbs of the
 * special primes are left in coefficients, as the division by P wants them.
 */
export function applyKey(
  decomposition: Decomposition,
  src: Ptr,
  key: SwitchingKey,
  options: { readonly start?: (limb: number) => Start; readonly coefficients?: boolean } = {},
): Extended {
  const { ring, level, digits } = decomposition
  requireKeyLevel(key, level)
  const { start = fromZero, coefficients = false } = options
  const plan = switchPlan(ring, level)
  const [d, keyAt] = [decomposition.slab.ptr, key.slab.ptr]
  const out = newExtended(ring, level)
  const at = out.part(0)
  ring.parallel(plan.targets.length, (t, kernels) => {
    const dst = at + t * out.stride
    innerProduct(kernels, ring, plan, t, key, keyAt, d + t * digits * ring.limbBytes, src, dst, start(t))
    if (coefficients && t > level) toCoefficients(kernels, ring, plan.targets[t]!, dst)
  })
  return out
}

/**
 * Decomposes the polynomial in NTT form at `src` and takes the inner product with a key: target by target, so that digits meet the key while they
 * are in the cache, and the sums take the place of the first two. Options as for `applyKey`; `pieces` where the polynomial is split already, and
 * `finish` is called for every limb in its task, with the place of its two sums, one limb after the other.
 */
export function switchKey(
  ring: Ring,
  src: Ptr,
  level: number,
  key: SwitchingKey,
  options: {
    readonly start?: (limb: number) => Start
    readonly coefficients?: boolean
    readonly pieces?: Split
    readonly finish?: (kernels: Kernels, limb: number, sums: Ptr) => void
  } = {},
): Extended {
  requireKeyLevel(key, level)
  const { start = fromZero, coefficients = false, finish } = options
  const plan = switchPlan(ring, level)
  const keyAt = key.slab.ptr
  using made = options.pieces === undefined ? split(ring, level, src) : undefined
  const pieces = options.pieces ?? made!
  const out = newExtended(ring, level, Math.max(2, plan.digits.length))
  const at = out.part(0)
  ring.parallel(plan.targets.length, (task, kernels) => {
    const t = limbOfTask(task, plan)
    const dst = at + t * out.stride
    raise(kernels, ring, pieces, plan.targets[t]!, dst)
    innerProduct(kernels, ring, plan, t, key, keyAt, dst, src, dst, start(t))
    if (coefficients && t > level) toCoefficients(kernels, ring, plan.targets[t]!, dst)
    finish?.(kernels, t, dst)
  })
  return out
}

function toCoefficients(kernels: Kernels, { n, limbBytes }: Ring, { modulus }: Target, dst: Ptr): void {
  const { p, pinv, table } = modulus
  kernels.nttInverse(dst, n, p, pinv, table)
  kernels.nttInverse(dst + limbBytes, n, p, pinv, table)
}
