import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { copyCiphertext } from '../../rlwe/ciphertext.ts'

/** A product in two parts: multiplied and relinearised. */
export type Product = (a: Ciphertext, b: Ciphertext) => Ciphertext

/** The product of all, by halves: depth ⌈log2(count)⌉. */
export function multiplyMany(factors: readonly Ciphertext[], product: Product): Ciphertext {
  if (factors.length === 1) return copyCiphertext(factors[0]!)
  if (factors.length === 2) return product(factors[0]!, factors[1]!)
  const half = Math.ceil(factors.length / 2)
  using left = multiplyMany(factors.slice(0, half), product)
  if (factors.length === 3) return product(left, factors[2]!)
  using right = multiplyMany(factors.slice(half), product)
  return product(left, right)
}

/** Powers of one ciphertext, each made once, x^e at depth ⌈log2 e⌉: x^e = x^(2^j) x^(e - 2^j) with the largest 2^j below e. */
export class Powers implements Disposable {
  readonly #made = new Map<number, Ciphertext>()
  readonly #base: Ciphertext
  readonly #product: Product

  constructor(base: Ciphertext, product: Product) {
    this.#base = base
    this.#product = product
  }

  /** Owned by this object. */
  get(exponent: number): Ciphertext {
    if (exponent === 1) return this.#base
    let power = this.#made.get(exponent)
    if (power === undefined) {
      const largest = 2 ** (Math.ceil(Math.log2(exponent)) - 1)
      power = this.#product(this.get(largest), this.get(exponent - largest))
      this.#made.set(exponent, power)
    }
    return power
  }

  /** Hands over to the caller; a copy where it is the base itself. */
  take(exponent: number): Ciphertext {
    if (exponent === 1) return copyCiphertext(this.#base)
    const power = this.get(exponent)
    this.#made.delete(exponent)
    return power
  }

  [Symbol.dispose](): void {
    for (const power of this.#made.values()) power[Symbol.dispose]()
  }
}

/** a^exponent. */
export function exponentiate(a: Ciphertext, exponent: number, product: Product): Ciphertext {
  if (!Number.isInteger(exponent) || exponent < 1 || exponent > 2 ** 31) {
    throw new RangeError(`"exponent" expected an integer from 1 to 2^31, got ${exponent}`)
  }
  using powers = new Powers(a, product)
  return powers.take(exponent)
}
