import { type Ciphertext, type EvaluationKeys, GloveboxError, multiplySum, type Weights } from '@glovebox/he'
import type { SetParams } from '../params/set-params.ts'
import { type LoadedBundle, type Method, type Row, type Scheme, Scratch } from './loaded.ts'

/** Weights of each pair of field elements: rows are (polynomial, giant step), columns baby steps. */
export interface MatrixBlock extends LoadedBundle {
  readonly pairs: readonly Weights[]
}

/**
 * One item against all bins at once. The query holds, once, the powers 1, x, …, x^(D-1) of each field element x of an item in a row of N/2 slots, repeated
 * N/(2D) times; bin j is slot j, and its polynomial is row j of a matrix, whose product with the vector of powers the diagonal method of Halevi and
 * Shoup 2014 (eprint 2014/106, section 4.3) gives: out[j] = sum_d M[j][(j + d) mod D] v[j + d]. Baby steps rotate by 1, one after the other, giant
 * steps follow Horner's rule, so that two Galois keys are enough.
 */
export function matrixMethod(scheme: Scheme, params: SetParams): Method<MatrixBlock> {
  const { feltsPerItem: felts, n: slots, pairs, polynomials } = params
  const { degree, babySteps } = params.matrix!
  const giants = degree / babySteps
  const half = slots / 2

  /** Slots of the weights for diagonal g * babySteps + b, turned back by what the giant steps turn forward. */
  const diagonal = (rows: readonly Row[], polynomial: number, pair: number, g: number, b: number): Float64Array => {
    const out = new Float64Array(slots)
    const turn = g * babySteps
    const d = turn + b
    for (let side = 0; side < 2 && 2 * pair + side < felts; side++) {
      const offset = (polynomial * felts + 2 * pair + side) * degree
      for (const { bin, coefficients } of rows)
        out[side * half + ((bin + turn) % half)] = coefficients[offset + ((bin + d) % degree)]!
    }
    return out
  }

  return {
    load(rows) {
      const { bucket, group } = rows[0]!
      const made: Weights[] = []
      try {
        for (let pair = 0; pair < pairs; pair++) {
          made.push(
            scheme.encodeWeights(
              Array.from({ length: polynomials * giants }, (_, row) =>
                Array.from({ length: babySteps }, (_, b) =>
                  diagonal(rows, Math.floor(row / giants), pair, row % giants, b),
                ),
              ),
            ),
          )
        }
      } catch (error) {
        for (const weights of made) weights[Symbol.dispose]()
        throw error
      }
      return {
        bucket,
        group,
        pairs: made,
        [Symbol.dispose]: () => {
          for (const weights of made) weights[Symbol.dispose]()
        },
      }
    },

    evaluate(query, blocks, keys) {
      const galois = requireKeys(keys, 'rotations')
      using scratch = new Scratch()
      // All pairs side by side: a chain of rotations has nothing to share out.
      const babies: Ciphertext[][] = query.map((ciphertext) => [ciphertext])
      for (let b = 1; b < babySteps; b++) {
        const turned = scheme.together(babies.map((list) => () => scheme.rotateRows(list[b - 1]!, 1, galois)))
        turned.forEach((ciphertext, pair) => {
          babies[pair]!.push(scratch.keep(ciphertext))
        })
      }
      const out: Ciphertext[] = []
      try {
        for (const block of blocks) {
          using inner = new Scratch()
          const sums = block.pairs.map((weights, pair) =>
            multiplySum(scheme, babies[pair]!, weights).map((ct) => inner.keep(ct)),
          )
          // (polynomial, pair) in the order of the reply.
          let totals = Array.from(
            { length: polynomials * pairs },
            (_, i) => sums[i % pairs]![Math.floor(i / pairs) * giants + giants - 1]!,
          )
          for (let g = giants - 2; g >= 0; g--) {
            const turned = scheme.together(totals.map((total) => () => scheme.rotateRows(total, babySteps, galois)))
            for (const ciphertext of turned) inner.keep(ciphertext)
            totals = turned.map((ciphertext, i) =>
              inner.keep(scheme.add(ciphertext, sums[i % pairs]![Math.floor(i / pairs) * giants + g]!)),
            )
          }
          for (const total of totals) out.push(scheme.switchModulus(total, 0))
        }
        return out
      } catch (error) {
        for (const ciphertext of out) ciphertext[Symbol.dispose]()
        throw error
      }
    },
  }
}

/** The keys, which a query has to bring. */
export function requireKeys(keys: EvaluationKeys | undefined, what: string): EvaluationKeys {
  if (keys === undefined)
    throw new GloveboxError(
      'missing-key',
      `queries of this set need keys for ${what}: upload them first, as keysOf of the set says`,
    )
  return keys
}
