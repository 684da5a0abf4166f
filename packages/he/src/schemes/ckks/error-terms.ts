/** Terms kept apart at most; beyond, those of one source are added up linearly. */
const mostTerms = 2 ** 17

/**
 * A bound on the noise in every slot: a linear part, and terms that are independent of each other unless they come from one source through
 * one rotation. Values of one polynomial at different roots of unity are uncorrelated, so rotations of one source by different steps are
 * added in quadrature and by the same steps linearly; conjugates count as the same.
 *
 * A term has the key source * (slots + 1) + rotation; the rotation `slots` stands for any.
 */
export class ErrorTerms {
  readonly #slots: number
  readonly #terms: ReadonlyMap<number, number>
  readonly #linear: number
  #bound: number | undefined

  constructor(slots: number, linear: number, terms: ReadonlyMap<number, number> = new Map()) {
    this.#slots = slots
    this.#linear = linear
    this.#terms = terms
  }

  /** The noise of one source that is below `bound`. */
  static of(slots: number, source: number, bound: number): ErrorTerms {
    return new ErrorTerms(slots, 0, new Map([[source * (slots + 1), bound]]))
  }

  /** What no slot's noise exceeds, at the failure probability of the sources. */
  get bound(): number {
    this.#bound ??= this.#evaluate()
    return this.#bound
  }

  #evaluate(): number {
    const width = this.#slots + 1
    const collapsed = new Map<number, number>()
    for (const key of this.#terms.keys()) if (key % width === this.#slots) collapsed.set(Math.floor(key / width), 0)
    let squares = 0
    for (const [key, term] of this.#terms) {
      const together = collapsed.size > 0 ? collapsed.get(Math.floor(key / width)) : undefined
      if (together === undefined) squares += term * term
      else collapsed.set(Math.floor(key / width), together + term)
    }
    for (const term of collapsed.values()) squares += term * term
    return this.#linear + Math.sqrt(squares)
  }

  /** Of a sum or difference. */
  plus(other: ErrorTerms): ErrorTerms {
    const terms = new Map(this.#terms)
    for (const [key, term] of other.#terms) terms.set(key, (terms.get(key) ?? 0) + term)
    return new ErrorTerms(this.#slots, this.#linear + other.#linear, this.#bounded(terms))
  }

  plusLinear(bound: number): ErrorTerms {
    return new ErrorTerms(this.#slots, this.#linear + bound, this.#terms)
  }

  /** Of a product with something up to `factor` in every slot. */
  times(factor: number): ErrorTerms {
    if (factor === 0) return new ErrorTerms(this.#slots, 0)
    const terms = new Map<number, number>()
    for (const [key, term] of this.#terms) terms.set(key, term * factor)
    return new ErrorTerms(this.#slots, this.#linear * factor, terms)
  }

  /** 0 <= steps < slots. */
  rotated(steps: number): ErrorTerms {
    const width = this.#slots + 1
    const terms = new Map<number, number>()
    for (const [key, term] of this.#terms) {
      const rotation = key % width
      terms.set(rotation === this.#slots ? key : key - rotation + ((rotation + steps) % this.#slots), term)
    }
    return new ErrorTerms(this.#slots, this.#linear, terms)
  }

  #bounded(terms: Map<number, number>): Map<number, number> {
    if (terms.size <= mostTerms) return terms
    const width = this.#slots + 1
    const sums = new Map<number, number>()
    for (const [key, term] of terms) {
      const any = key - (key % width) + this.#slots
      sums.set(any, (sums.get(any) ?? 0) + term)
    }
    return sums
  }
}
