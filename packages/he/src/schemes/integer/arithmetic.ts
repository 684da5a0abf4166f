import { GloveboxError } from '../../base/errors.ts'
import { centred, invMod, mod } from '../../base/numbers.ts'
import type { Kernels, Ptr } from '../../kernels/table.ts'
import { factor } from '../../ring/ring.ts'
import { type Ciphertext, commonPlaces, filled, limbOf, newCiphertext, requireWhole } from '../../rlwe/ciphertext.ts'
import { ratio } from './correction.ts'
import type { IntegerForm } from './form.ts'
import type { Message } from './message.ts'
import { atCommonLevel } from './modulus-switch.ts'

type Binary = 'add' | 'sub'

/** a ± b part by part; the longer one's last part is kept or negated. */
function combine(form: IntegerForm, a: Ciphertext, b: Ciphertext, op: Binary): Ciphertext {
  return atCommonLevel(form, a, b, (first, second) =>
    atCommonScale(form, first, second, (x, y) => combineAlike(x, y, op)),
  )
}

function combineAlike(x: Ciphertext, y: Ciphertext, op: Binary): Ciphertext {
  const { ring, level } = x
  const { kernels, n } = ring
  const parts = Math.max(x.parts, y.parts) as 2 | 3
  const sum = newCiphertext(ring, parts, level, x.scale, commonPlaces([x, y]))
  return filled(sum, (out) => {
    for (let part = 0; part < parts; part++) {
      for (let i = 0; i <= level; i++) {
        const { p, pinv } = ring.moduli[i]!
        const dst = limbOf(out, part, i)
        if (part < x.parts && part < y.parts) kernels[op](dst, limbOf(x, part, i), limbOf(y, part, i), n, p, pinv)
        else if (part < x.parts) kernels.copy(dst, limbOf(x, part, i), n)
        else if (op === 'add') kernels.copy(dst, limbOf(y, part, i), n)
        else kernels.negate(dst, limbOf(y, part, i), n)
      }
    }
  })
}

export function add(form: IntegerForm, a: Ciphertext, b: Ciphertext): Ciphertext {
  return combine(form, a, b, 'add')
}

export function subtract(form: IntegerForm, a: Ciphertext, b: Ciphertext): Ciphertext {
  return combine(form, a, b, 'sub')
}

/** Brings two scales together, by small integers on both sides. The scales of BFV are always 1. */
function atCommonScale<T>(
  form: IntegerForm,
  a: Ciphertext,
  b: Ciphertext,
  use: (a: Ciphertext, b: Ciphertext) => T,
): T {
  if (a.scale === b.scale) return use(a, b)
  const [u, v] = ratio(b.scale, a.scale, form.plain.t)
  const scale = Number(mod(BigInt(a.scale) * u, BigInt(form.plain.t)))
  using x = multiplyConstant(a, u)
  using y = multiplyConstant(b, v)
  return use({ ...x, scale }, { ...y, scale })
}

type LimbMap = (kernels: Kernels, dst: Ptr, src: Ptr, part: number, limb: number, p: number, pinv: number) => void

/** A ciphertext of the same parts with every limb mapped; the seed is kept where part 1 is. */
function mapLimbs(a: Ciphertext, map: LimbMap, keepsSeed = false): Ciphertext {
  const { ring, level, parts, stride, kept, seed } = a
  return filled(
    newCiphertext(ring, parts, level, a.scale, { stride, kept, ...(keepsSeed && seed && { seed }) }),
    (out) => {
      for (let part = 0; part < parts; part++) {
        for (let i = 0; i <= level; i++) {
          const { p, pinv } = ring.moduli[i]!
          map(ring.kernels, limbOf(out, part, i), limbOf(a, part, i), part, i, p, pinv)
        }
      }
    },
  )
}

export function negate(a: Ciphertext): Ciphertext {
  return mapLimbs(a, (kernels, dst, src) => kernels.negate(dst, src, a.ring.n))
}

function combinePlain(a: Ciphertext, b: Message, op: Binary): Ciphertext {
  const { n, limbBytes } = a.ring
  const embedded = b.embedded(a.level, a.scale)
  return mapLimbs(
    a,
    (kernels, dst, src, part, limb, p, pinv) => {
      if (part === 0) kernels[op](dst, src, embedded + limb * limbBytes, n, p, pinv)
      else kernels.copy(dst, src, n)
    },
    true,
  )
}

export function addPlain(a: Ciphertext, b: Message): Ciphertext {
  return combinePlain(a, b, 'add')
}

export function subtractPlain(a: Ciphertext, b: Message): Ciphertext {
  return combinePlain(a, b, 'sub')
}

export function multiplyPlain(a: Ciphertext, b: Message): Ciphertext {
  requireWhole('a', a)
  const { n, limbBytes } = a.ring
  const lifted = b.lifted(a.level)
  return mapLimbs(a, (kernels, dst, src, _part, limb, p, pinv) =>
    kernels.mul(dst, src, lifted + limb * limbBytes, n, p, pinv),
  )
}

/** One integer in all slots is the constant polynomial. */
export function multiplyConstant(a: Ciphertext, value: bigint): Ciphertext {
  return mapLimbs(a, (kernels, dst, src, _part, _limb, p) => {
    const { w, wp } = factor(value, p)
    kernels.mulScalar(dst, src, a.ring.n, w, wp, p)
  })
}

/** One integer, balanced modulo t, to all slots: [g m]_t / t, whose NTT form is itself everywhere. */
export function addConstant(form: IntegerForm, a: Ciphertext, value: bigint): Ciphertext {
  const t = BigInt(form.plain.t)
  const embedded = centred(form.factor(a.level, a.scale) * value, t)
  return mapLimbs(
    a,
    (kernels, dst, src, part, _limb, p, pinv) => {
      if (part === 0) kernels.addScalar(dst, src, a.ring.n, factor(embedded * invMod(t, BigInt(p)), p).w, p, pinv)
      else kernels.copy(dst, src, a.ring.n)
    },
    true,
  )
}

/** Two parts, all coefficients. */
export function requireFactor(name: string, a: Ciphertext): void {
  requireWhole(name, a)
  if (a.parts !== 2)
    throw new GloveboxError('unsupported', `"${name}" has ${a.parts} parts: relinearise it before multiplying again`)
}
