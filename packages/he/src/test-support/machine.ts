import type { Backend } from '../backend/backend.ts'
import type { Params, ParamsLiteral } from '../params/params.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import {
  doubleBound,
  encodingBound,
  keySwitchBound,
  publicBound,
  roundingBound,
  symmetricBound,
} from '../rlwe/error-bound.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey, type GaloisRequest } from '../rlwe/keygen.ts'
import type { EvaluationKeys, PublicKey } from '../rlwe/keys.ts'
import type { SecretKey } from '../rlwe/secret-key.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { type Ckks, openCkks } from '../schemes/ckks/ckks.ts'

/** Complex numbers, one a slot. */
export interface Values {
  readonly re: Float64Array
  readonly im: Float64Array
}

/** A ciphertext beside what it should decrypt to, and how far off it may be in each slot. */
export interface Tracked extends Values {
  readonly ct: Ciphertext
  readonly error: number
}

export function magnitude({ re, im }: Values): number {
  let most = 0
  for (let i = 0; i < re.length; i++) most = Math.max(most, re[i]! ** 2 + im[i]! ** 2)
  return Math.sqrt(most)
}

/** Largest distance between two vectors of complex numbers. */
export function distance(a: Values, b: Values): number {
  return magnitude({ re: a.re.map((x, i) => x - b.re[i]!), im: a.im.map((x, i) => x - b.im[i]!) })
}

function zip(
  a: Values,
  b: Values,
  f: (ar: number, ai: number, br: number, bi: number) => readonly [number, number],
): Values {
  const re = new Float64Array(a.re.length)
  const im = new Float64Array(a.re.length)
  for (let i = 0; i < re.length; i++) [re[i], im[i]] = f(a.re[i]!, a.im[i]!, b.re[i]!, b.im[i]!) as [number, number]
  return { re, im }
}

export function sum(a: Values, b: Values): Values {
  return zip(a, b, (ar, ai, br, bi) => [ar + br, ai + bi])
}
export function difference(a: Values, b: Values): Values {
  return zip(a, b, (ar, ai, br, bi) => [ar - br, ai - bi])
}
export function product(a: Values, b: Values): Values {
  return zip(a, b, (ar, ai, br, bi) => [ar * br - ai * bi, ar * bi + ai * br])
}
export function map(a: Values, f: (re: number, im: number) => readonly [number, number]): Values {
  return zip(a, a, (re, im) => f(re, im))
}
/** out[j] = in[j + steps]. */
export function rotated({ re, im }: Values, steps: number): Values {
  const from = (j: number) => (((j + steps) % re.length) + re.length) % re.length
  return { re: re.map((_, j) => re[from(j)]!), im: im.map((_, j) => im[from(j)]!) }
}

/** Real values, filled up with zeros. */
export function values(slots: number, re: ArrayLike<number>, im: ArrayLike<number> = []): Values {
  const all = { re: new Float64Array(slots), im: new Float64Array(slots) }
  all.re.set(Array.from(re))
  all.im.set(Array.from(im))
  return all
}

/** Bits between a message of this size, scaled, and half the modulus of a level; not to be used up. */
export function room(params: Params, level: number, scale: number, most: number): number {
  const modulus = params.primes.slice(0, level + 1).reduce((bits, p) => bits + Math.log2(p), 0)
  return modulus - 1 - Math.log2(scale) - Math.log2(Math.max(most, 2 ** -20))
}

/**
 * Computes on ciphertexts and on plain numbers at once, and keeps the bound on the error that the theory promises.
 */
export class Machine {
  readonly ckks: Ckks
  readonly secret: SecretKey
  readonly publicKey: PublicKey
  readonly keys: EvaluationKeys
  readonly scale: number
  readonly n: number
  readonly slots: number
  readonly top: number
  readonly #made: Ciphertext[] = []

  constructor(
    backend: Backend['name'],
    literal: ParamsLiteral,
    scale: number,
    galois: readonly GaloisRequest[] = [],
    threads = 1,
  ) {
    this.ckks = openCkks(literal, { backend, threads })
    this.secret = createSecretKey(this.ckks)
    this.publicKey = createPublicKey(this.ckks, this.secret)
    const switching = literal.specialBits.length > 0
    this.keys = {
      relinearisation: switching ? createRelinearisationKey(this.ckks, this.secret) : undefined,
      galois: switching ? createGaloisKeys(this.ckks, this.secret, galois) : new Map(),
    }
    this.scale = scale
    this.n = this.ckks.params.ringDegree
    this.slots = this.ckks.params.slots
    this.top = this.ckks.params.maxLevel
  }

  room(level: number, scale: number, most: number): number {
    return room(this.ckks.params, level, scale, most)
  }

  /** Gives back the memory of all ciphertexts made so far; keys stay. */
  release(): void {
    for (const ct of this.#made.splice(0)) ct[Symbol.dispose]()
  }

  #keep<T extends Tracked>(tracked: T): T {
    this.#made.push(tracked.ct)
    return tracked
  }

  encrypt(
    v: Values,
    how: 'symmetric' | 'public' = 'symmetric',
    level: number = this.top,
    scale: number = this.scale,
  ): Tracked {
    const plaintext = this.ckks.encode(v, { level, scale })
    const ct =
      how === 'public'
        ? this.ckks.encrypt(this.publicKey, plaintext)
        : encryptSymmetric(this.ckks, this.secret, plaintext)
    plaintext[Symbol.dispose]()
    const fresh = how === 'public' ? publicBound(this.n) : symmetricBound(this.n)
    return this.#keep({ ...v, ct, error: (encodingBound(this.n) + fresh) / scale + doubleBound(magnitude(v)) })
  }

  decrypt(ct: Ciphertext): Values {
    using plaintext = decrypt(this.ckks, this.secret, ct)
    return this.ckks.decodeComplex(plaintext)
  }

  /** The error of a ciphertext, measured. */
  measure(a: Tracked): number {
    return distance(this.decrypt(a.ct), a)
  }

  add(a: Tracked, b: Tracked): Tracked {
    return this.#keep({ ct: this.ckks.add(a.ct, b.ct), ...sum(a, b), error: a.error + b.error })
  }
  subtract(a: Tracked, b: Tracked): Tracked {
    return this.#keep({ ct: this.ckks.subtract(a.ct, b.ct), ...difference(a, b), error: a.error + b.error })
  }
  negate(a: Tracked): Tracked {
    return this.#keep({ ct: this.ckks.negate(a.ct), ...map(a, (re, im) => [-re, -im]), error: a.error })
  }

  addPlain(a: Tracked, v: Values): Tracked {
    using plaintext = this.ckks.encode(v, { level: a.ct.level, scale: a.ct.scale })
    const error = a.error + encodingBound(this.n) / a.ct.scale + doubleBound(magnitude(v))
    return this.#keep({ ct: this.ckks.addPlain(a.ct, plaintext), ...sum(a, v), error })
  }
  subtractPlain(a: Tracked, v: Values): Tracked {
    using plaintext = this.ckks.encode(v, { level: a.ct.level, scale: a.ct.scale })
    const error = a.error + encodingBound(this.n) / a.ct.scale + doubleBound(magnitude(v))
    return this.#keep({ ct: this.ckks.subtractPlain(a.ct, plaintext), ...difference(a, v), error })
  }
  addConstant(a: Tracked, value: number): Tracked {
    return this.#keep({
      ct: this.ckks.addConstant(a.ct, value),
      ...map(a, (re, im) => [re + value, im]),
      error: a.error + 0.5 / a.ct.scale,
    })
  }
  multiplyPlain(a: Tracked, v: Values, scale: number = this.scale): Tracked {
    using plaintext = this.ckks.encode(v, { level: a.ct.level, scale })
    const encoding = encodingBound(this.n) / scale + doubleBound(magnitude(v))
    const error = a.error * (magnitude(v) + encoding) + magnitude(a) * encoding
    return this.#keep({ ct: this.ckks.multiplyPlain(a.ct, plaintext), ...product(a, v), error })
  }
  multiplyConstant(a: Tracked, value: number, scale: number = this.scale): Tracked {
    const error = a.error * Math.abs(value) + (magnitude(a) * 0.5) / scale
    return this.#keep({
      ct: this.ckks.multiplyConstant(a.ct, value, scale),
      ...map(a, (re, im) => [re * value, im * value]),
      error,
    })
  }
  multiply(a: Tracked, b: Tracked): Tracked {
    const error = magnitude(a) * b.error + magnitude(b) * a.error + a.error * b.error
    return this.#keep({ ct: this.ckks.multiply(a.ct, b.ct), ...product(a, b), error })
  }
  square(a: Tracked): Tracked {
    return this.#keep({
      ct: this.ckks.square(a.ct),
      ...product(a, a),
      error: 2 * magnitude(a) * a.error + a.error ** 2,
    })
  }
  relinearise(a: Tracked, keys: EvaluationKeys = this.keys): Tracked {
    const error = a.error + keySwitchBound(this.ckks.params, a.ct.level) / a.ct.scale
    return this.#keep({ ...a, ct: this.ckks.relinearise(a.ct, keys), error })
  }
  rescale(a: Tracked): Tracked {
    const ct = this.ckks.rescale(a.ct)
    return this.#keep({ ...a, ct, error: a.error + roundingBound(this.n, a.ct.parts) / ct.scale })
  }
  dropLevel(a: Tracked, level: number): Tracked {
    return this.#keep({ ...a, ct: this.ckks.dropLevel(a.ct, level) })
  }
  rotate(a: Tracked, steps: number, keys: EvaluationKeys = this.keys): Tracked {
    const error = a.error + keySwitchBound(this.ckks.params, a.ct.level) / a.ct.scale
    return this.#keep({ ct: this.ckks.rotate(a.ct, steps, keys), ...rotated(a, steps), error })
  }
  conjugate(a: Tracked): Tracked {
    const error = a.error + keySwitchBound(this.ckks.params, a.ct.level) / a.ct.scale
    return this.#keep({ ct: this.ckks.conjugate(a.ct, this.keys), ...map(a, (re, im) => [re, -im]), error })
  }
}
