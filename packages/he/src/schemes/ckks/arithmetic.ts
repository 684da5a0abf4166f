import { GloveboxError } from '../../base/errors.ts'
import type { Kernels, Ptr } from '../../kernels/table.ts'
import { copyLimbs, factor } from '../../ring/ring.ts'
import {
  type Ciphertext,
  commonPlaces,
  filled,
  limbOf,
  newCiphertext,
  type Places,
  type Plaintext,
  requireLevel,
  requireScale,
  requireWhole,
  roomBits,
} from '../../rlwe/ciphertext.ts'
import { rescaleLimbs } from '../../rlwe/moddown.ts'
import { scaledConstant } from './encoder.ts'
import { requireSameScale } from './same-scale.ts'

function requireCiphertext(name: string, value: Ciphertext): void {
  if (value.kind !== 'ciphertext')
    throw new TypeError(`"${name}" expected a ciphertext, got a ${(value as { kind: string }).kind}`)
}

function requirePlaintext(name: string, value: Plaintext): void {
  if (value.kind !== 'plaintext')
    throw new TypeError(`"${name}" expected a plaintext, got a ${(value as { kind: string }).kind}`)
}

/** Room for the constant within half the modulus of the level. */
function requireFits(a: Ciphertext, scale: number, constant: bigint): void {
  const bits = Math.log2(Math.abs(Number(constant)))
  const room = roomBits(a.ring, a.level)
  if (bits < room) return
  throw new RangeError(
    `"value" at scale 2^${Math.log2(scale).toFixed(1)} does not fit the ${(room + 1).toFixed(0)} bits of level ${a.level}: ` +
      'use a smaller scale or a higher level',
  )
}

type Binary = 'add' | 'sub'

/** a ± b part by part at the lower level; the longer one's last part is kept or negated. */
function combineCiphertexts(a: Ciphertext, b: Ciphertext, op: Binary): Ciphertext {
  requireCiphertext('a', a)
  requireCiphertext('b', b)
  requireSameScale(a.scale, b.scale)
  const { ring } = a
  const { kernels, n } = ring
  const level = Math.min(a.level, b.level)
  const parts = Math.max(a.parts, b.parts) as 2 | 3
  const sum = newCiphertext(ring, parts, level, a.scale, commonPlaces([a, b]))
  return filled(sum, (out) => {
    for (let part = 0; part < parts; part++) {
      for (let i = 0; i <= level; i++) {
        const { p, pinv } = ring.moduli[i]!
        const dst = limbOf(out, part, i)
        if (part < a.parts && part < b.parts) kernels[op](dst, limbOf(a, part, i), limbOf(b, part, i), n, p, pinv)
        else if (part < a.parts) copyLimbs(ring, dst, limbOf(a, part, i), 1)
        else if (op === 'add') copyLimbs(ring, dst, limbOf(b, part, i), 1)
        else kernels.negate(dst, limbOf(b, part, i), n)
      }
    }
  })
}

export function add(a: Ciphertext, b: Ciphertext): Ciphertext {
  return combineCiphertexts(a, b, 'add')
}

export function subtract(a: Ciphertext, b: Ciphertext): Ciphertext {
  return combineCiphertexts(a, b, 'sub')
}

type LimbMap = (kernels: Kernels, dst: Ptr, src: Ptr, part: number, limb: number, p: number, pinv: number) => void

/** A ciphertext of the same parts with every limb mapped. */
function mapLimbs(
  a: Ciphertext,
  level: number,
  scale: number,
  map: LimbMap,
  more: { seed?: Uint8Array | undefined; places?: Places } = {},
): Ciphertext {
  requireCiphertext('a', a)
  const { ring } = a
  const { seed, places = a } = more
  const { stride, kept } = places
  return filled(newCiphertext(ring, a.parts, level, scale, { stride, kept, ...(seed && { seed }) }), (out) => {
    for (let part = 0; part < a.parts; part++) {
      for (let i = 0; i <= level; i++) {
        const { p, pinv } = ring.moduli[i]!
        map(ring.kernels, limbOf(out, part, i), limbOf(a, part, i), part, i, p, pinv)
      }
    }
  })
}

export function negate(a: Ciphertext): Ciphertext {
  return mapLimbs(a, a.level, a.scale, (kernels, dst, src) => kernels.negate(dst, src, a.ring.n))
}

function combinePlain(a: Ciphertext, b: Plaintext, op: Binary): Ciphertext {
  requirePlaintext('b', b)
  requireSameScale(a.scale, b.scale)
  const level = Math.min(a.level, b.level)
  // Part 1 is left as it is, so a seed stays true.
  return mapLimbs(
    a,
    level,
    a.scale,
    (kernels, dst, src, part, limb, p, pinv) => {
      if (part === 0) kernels[op](dst, src, b.slab.ptr + limb * b.ring.limbBytes, a.ring.n, p, pinv)
      else copyLimbs(a.ring, dst, src, 1)
    },
    { seed: a.seed, places: commonPlaces([a, b]) },
  )
}

export function addPlain(a: Ciphertext, b: Plaintext): Ciphertext {
  return combinePlain(a, b, 'add')
}

export function subtractPlain(a: Ciphertext, b: Plaintext): Ciphertext {
  return combinePlain(a, b, 'sub')
}

/** The same constant in all slots is the constant polynomial, whose NTT is that constant everywhere. */
export function addConstant(a: Ciphertext, value: number): Ciphertext {
  const constant = scaledConstant(value, a.scale)
  requireFits(a, a.scale, constant)
  return mapLimbs(
    a,
    a.level,
    a.scale,
    (kernels, dst, src, part, _limb, p, pinv) => {
      if (part === 0) kernels.addScalar(dst, src, a.ring.n, factor(constant, p).w, p, pinv)
      else copyLimbs(a.ring, dst, src, 1)
    },
    { seed: a.seed },
  )
}

export function multiplyPlain(a: Ciphertext, b: Plaintext): Ciphertext {
  requirePlaintext('b', b)
  requireWhole('a', a)
  requireWhole('b', b)
  const level = Math.min(a.level, b.level)
  const scale = a.scale * b.scale
  requireScale(a.ring, level, scale)
  return mapLimbs(a, level, scale, (kernels, dst, src, _part, limb, p, pinv) =>
    kernels.mul(dst, src, b.slab.ptr + limb * b.ring.limbBytes, a.ring.n, p, pinv),
  )
}

export function multiplyConstant(a: Ciphertext, value: number, scale: number): Ciphertext {
  if (!(Number.isFinite(scale) && scale > 0))
    throw new RangeError(`"scale" expected a positive finite number, got ${scale}`)
  const constant = scaledConstant(value, scale)
  requireFits(a, scale, constant)
  requireScale(a.ring, a.level, a.scale * scale)
  return mapLimbs(a, a.level, a.scale * scale, (kernels, dst, src, _part, _limb, p) => {
    const { w, wp } = factor(constant, p)
    kernels.mulScalar(dst, src, a.ring.n, w, wp, p)
  })
}

/** (a_0, a_1) ⊗ (b_0, b_1) = (a_0 b_0, a_0 b_1 + a_1 b_0, a_1 b_1). */
export function multiply(a: Ciphertext, b: Ciphertext): Ciphertext {
  requireCiphertext('a', a)
  requireCiphertext('b', b)
  for (const [name, ct] of [
    ['a', a],
    ['b', b],
  ] as const) {
    requireWhole(name, ct)
    if (ct.parts !== 2)
      throw new GloveboxError('unsupported', `"${name}" has ${ct.parts} parts: relinearise it before multiplying again`)
  }
  const { ring } = a
  const level = Math.min(a.level, b.level)
  const scale = a.scale * b.scale
  requireScale(ring, level, scale)
  return filled(newCiphertext(ring, 3, level, scale), (out) => {
    for (let i = 0; i <= level; i++) {
      const { p, pinv } = ring.moduli[i]!
      ring.kernels.tensor(
        limbOf(out, 0, i),
        limbOf(out, 1, i),
        limbOf(out, 2, i),
        limbOf(a, 0, i),
        limbOf(a, 1, i),
        limbOf(b, 0, i),
        limbOf(b, 1, i),
        ring.n,
        p,
        pinv,
      )
    }
  })
}

export function rescale(a: Ciphertext): Ciphertext {
  requireCiphertext('a', a)
  if (a.level === 0) {
    throw new GloveboxError(
      'level-exhausted',
      'the ciphertext is at level 0, no prime is left to divide by: start at a higher level (more primes in "modulusBits") or rescale less often',
    )
  }
  const { ring, stride, kept } = a
  const scale = a.scale / ring.moduli[a.level]!.p
  if (scale < 1) {
    throw new GloveboxError(
      'scale-mismatch',
      `the scale is 2^${Math.log2(a.scale).toFixed(1)}, and the prime to divide by has ${Math.log2(ring.moduli[a.level]!.p).toFixed(1)} bits: ` +
        'nothing of the message would be left; multiply first, or drop the level instead',
    )
  }
  return filled(newCiphertext(ring, a.parts, a.level - 1, scale, { stride, kept }), (out) => {
    const parts = Array.from({ length: a.parts }, (_, r) => ({ dst: limbOf(out, r, 0), src: limbOf(a, r, 0) }))
    rescaleLimbs(ring, parts, a.level)
  })
}

export function dropLevel(a: Ciphertext, level: number): Ciphertext {
  requireLevel(a.ring, level)
  if (level > a.level) {
    throw new GloveboxError(
      'level-exhausted',
      `the ciphertext is at level ${a.level}; it cannot be raised to level ${level}`,
    )
  }
  requireScale(a.ring, level, a.scale)
  return mapLimbs(a, level, a.scale, (_kernels, dst, src) => copyLimbs(a.ring, dst, src, 1), { seed: a.seed })
}
