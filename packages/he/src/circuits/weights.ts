import { GloveboxError } from '../base/errors.ts'
import { requireArray, requireContext, requireObject } from '../base/require.ts'
import type { Ring } from '../ring/ring.ts'
import {
  type Ciphertext,
  limbOf,
  newCiphertext,
  requireLevel,
  requireRing,
  requireScale,
  requireWhole,
} from '../rlwe/ciphertext.ts'
import { newWeights, type Weights } from '../rlwe/weights.ts'
import { putCoefficients } from '../schemes/ckks/encoder.ts'
import { requireSameScale } from '../schemes/ckks/same-scale.ts'
import { tracedFunction } from '../schemes/trace.ts'

/** Coefficients of a polynomial, lowest first; null for 0. */
export type WeightRow = readonly (ArrayLike<number> | null)[]

function encode(
  context: { readonly ring: Ring },
  rows: readonly WeightRow[],
  options: { readonly level?: number; readonly scale: number },
): Weights {
  requireContext('context', context)
  const { ring } = context
  requireObject('options', '{ scale, level? }', options)
  const { scale, level = ring.params.maxLevel } = options
  requireLevel(ring, level)
  requireScale(ring, level, scale)
  return newWeights(ring, rows, { level, scale }, (dst, polynomial, name) =>
    putCoefficients(ring, dst, polynomial, level, scale, name),
  )
}

/**
 * Encodes rows of polynomials, all of one length: W_jk = round(scale · rows[j][k]), up to N real coefficients each, at a level (default: the top).
 * Packing into coefficients: with x_i at coefficient i, i < n, the polynomial Σ_i w_i X^(P - i), where X^-e = -X^(N - e), leaves ⟨w, x⟩ at coefficient P
 * of the product; ⌊N/n⌋ such polynomials with P = 0, n, 2n, … may be added to one.
 * @throws RangeError for no rows, rows of different lengths, more than N coefficients, coefficients that are not finite or do not fit the modulus of the
 * level, or a level that there is not; TypeError for operands of other kinds; GloveboxError `scale-mismatch` for a scale that does not fit,
 * `out-of-memory`.
 */
export const encodeWeights: typeof encode = tracedFunction('circuits', 'encodeWeights', encode)

/** Values of a limb that are one task: few enough for many tasks, enough for the calls to cost nothing. */
const segment = 1024

function apply(context: { readonly ring: Ring }, inputs: readonly Ciphertext[], weights: Weights): Ciphertext[] {
  requireContext('context', context)
  const { ring } = context
  requireArray('inputs', 'an array of ciphertexts', inputs)
  requireRing(ring, 'weights', weights)
  if (typeof weights.at !== 'function')
    throw new TypeError('"weights" expected what encodeWeights makes, got another object')
  if (inputs.length !== weights.inputs)
    throw new RangeError(`"inputs" expected ${weights.inputs} ciphertexts, one for each column, got ${inputs.length}`)
  const { level, scale } = requireInputs(ring, inputs, weights.level)
  // A value of BFV or BGV at a lower level is not the same residues without the last: it is switched there.
  if (ring.params.scheme !== 'ckks')
    inputs.forEach((input, k) => {
      if (input.level !== weights.level)
        throw new GloveboxError(
          'level-exhausted',
          `"inputs[${k}]" is at level ${input.level}, the weights are for level ${weights.level}: use switchModulus, or encode for that level`,
        )
    })
  for (const [k, { parts }] of inputs.entries())
    if (parts !== 2) throw new GloveboxError('unsupported', `"inputs[${k}]" has 3 parts: relinearise it first`)
  requireScale(ring, level, scale * weights.scale)
  const out: Ciphertext[] = []
  try {
    for (let j = 0; j < weights.outputs; j++) out.push(newCiphertext(ring, 2, level, scale * weights.scale))
    sumProducts(ring, out, inputs, weights, level)
    return out
  } catch (error) {
    for (const ct of out) ct[Symbol.dispose]()
    throw error
  }
}

function sumProducts(
  ring: Ring,
  out: readonly Ciphertext[],
  inputs: readonly Ciphertext[],
  weights: Weights,
  level: number,
): void {
  const { n, limbBytes, moduli } = ring
  // [dst0, dst1, terms, c0_0, c1_0, w_0, …] for every sum that has terms, limb by limb.
  const list: number[] = []
  const starts: number[] = []
  let sums = 0
  for (let i = 0; i <= level; i++) {
    starts.push(list.length)
    sums = 0
    const parts = inputs.map((input) => [limbOf(input, 0, i), limbOf(input, 1, i)] as const)
    out.forEach((ct, j) => {
      const terms: number[] = []
      parts.forEach((part, k) => {
        const weight = weights.at(j, k)
        if (weight !== undefined) terms.push(...part, weight + i * limbBytes)
      })
      if (terms.length === 0) {
        for (const part of [0, 1]) ring.heap.f64(limbOf(ct, part, i), n).fill(0)
        return
      }
      list.push(limbOf(ct, 0, i), limbOf(ct, 1, i), terms.length / 3)
      for (const pointer of terms) list.push(pointer)
      sums++
    })
  }
  if (sums === 0) return
  using pointers = ring.heap.alloc(4 * list.length)
  ring.heap.u32(pointers.ptr, list.length).set(list)
  const length = Math.min(n, segment)
  const segments = n / length
  const base = pointers.ptr
  ring.parallel((level + 1) * segments, (task, kernels) => {
    const i = Math.floor(task / segments)
    const { p, pinv } = moduli[i]!
    kernels.dotPlains(base + 4 * starts[i]!, sums, 8 * length * (task % segments), length, p, pinv)
  })
}

/** Ciphertexts of this context and of one scale: that scale, and the lowest level among theirs and `level`. */
export function requireInputs(
  ring: Ring,
  inputs: readonly Ciphertext[],
  level: number,
): { readonly level: number; readonly scale: number } {
  inputs.forEach((input, k) => {
    requireRing(ring, `inputs[${k}]`, input, 'ciphertext')
    requireWhole(`inputs[${k}]`, input)
    requireSameScale(inputs[0]!.scale, input.scale)
  })
  return { level: Math.min(level, ...inputs.map((input) => input.level)), scale: inputs[0]!.scale }
}

/**
 * Sums of products of ciphertexts with encoded polynomials: out_j = Σ_k inputs_k · W_jk, one for each row of `weights`, all inputs of two parts and one
 * scale (within 2^-40). The scales multiply, the level is the lowest of all; nothing is rescaled, no key is needed. A row of null alone
 * gives a transparent zero, which no writer accepts. One pass over the inputs for all rows, on all threads; products are reduced in groups of 16.
 *
 * An error of standard deviation s in each coefficient of the inputs (3.24 when fresh) and coefficients w of the weights give one of
 * s·√(Σ_k Σ_i (scale·w_ki)²), and the rounding of the weights one of √(Σ_k Σ_i m_ki² / 12), m the coefficients of the inputs times their scale: both in
 * units of the result's scale.
 * @throws RangeError for another number of inputs; TypeError for operands of other kinds; GloveboxError `scale-mismatch` for inputs of different
 * scales or a product that does not fit the modulus, `level-exhausted` for values of BFV or BGV at another level than the weights, `unsupported` for
 * three parts or a trimmed reply, `parameters-mismatch`, `disposed`, `out-of-memory`.
 */
export const multiplySum: typeof apply = tracedFunction('circuits', 'multiplySum', apply)
