import type { Bfv, Ciphertext, EvaluationKeys } from '@glovebox/he'

/** The items of one bin and their polynomials, as a set gives them in order of (bucket, group, bundle, bin). */
export interface Row {
  /** 0 to 2^prefixBits - 1. */
  readonly bucket: number
  /** Of bins that share the ciphertexts of a query; 0 in the method `matrix`. */
  readonly group: number
  /** Bundle, or block in the method `matrix`, from 0. */
  readonly bundle: number
  /** Within the group, from 0. */
  readonly bin: number
  readonly items: number
  /** [polynomial][felt][degree], each below t, the constant first: the matching polynomial, then those of the label. */
  readonly coefficients: Uint32Array
}

/** The polynomials of a bundle of one group and bucket, encoded. */
export interface LoadedBundle extends Disposable {
  readonly bucket: number
  readonly group: number
}

/** One method of evaluation: how bundles are encoded, and what a query makes of them. */
export interface Method<B extends LoadedBundle> {
  /** Rows of one (bucket, group, bundle). */
  load(rows: readonly Row[]): B
  /**
   * Replies for the bundles that are given, all of one bucket, at level 0: for each bundle its polynomials in order, and in the method `matrix` for each of
   * these the pairs of field elements.
   */
  evaluate(query: readonly Ciphertext[], bundles: readonly B[], keys: EvaluationKeys | undefined): Ciphertext[]
}

/** Values that an evaluation makes on its way, given back together. */
export class Scratch implements Disposable {
  readonly #values: Disposable[] = []
  keep<T extends Disposable>(value: T): T {
    this.#values.push(value)
    return value
  }
  /** Gives up what it holds, to be disposed of by another. */
  release(): void {
    this.#values.length = 0
  }
  [Symbol.dispose](): void {
    for (const value of this.#values.splice(0)) value[Symbol.dispose]()
  }
}

export type Scheme = Bfv
