import { GloveboxError } from '../base/errors.ts'
import { requireArray, requireObject, typeName } from '../base/require.ts'
import { scaleText, showAs, shown } from '../base/shown.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, type Plaintext, requireRing } from '../rlwe/ciphertext.ts'
import type { EvaluationKeys, PublicKey } from '../rlwe/keys.ts'
import type { Ckks } from '../schemes/ckks/ckks.ts'
import type { Slots } from '../schemes/ckks/encoder.ts'
import { sameScale } from '../schemes/ckks/same-scale.ts'
import { bring, relabelled, type ScaleLadder, scaleLadder } from '../schemes/ckks/scales.ts'
import { requireKeys } from './double-hoisting.ts'
import { newScratch, type Scratch } from './scratch.ts'

/**
 * What a ciphertext is added to or multiplied by: another one, a plaintext of the evaluator's `encode`, a vector of up to N/2 slots (the rest is 0), one
 * finite number for all slots.
 */
export type Operand = Ciphertext | Plaintext | Slots | number

/** What an evaluator is made for. */
export interface EvaluatorOptions {
  /** The scale of fresh ciphertexts, finite and from 1, near the size of the primes: 2 ** 40 for primes of 40 bits. */
  readonly scale: number
  /** The level that has this scale, 0 to `params.maxLevel`; default: the top. See {@link scaleLadder}. */
  readonly level?: number
  /** Default: none, for circuits without products and rotations, which throw GloveboxError `missing-key` then. */
  readonly keys?: EvaluationKeys
}

/**
 * Arithmetic on encrypted vectors that looks after levels, scales and relinearisation itself.
 *
 * From operands on the ladder, every ciphertext that it returns has two parts and the scale that the ladder has for its level, so any two can be added. A
 * product takes one level, and the relinearisation key if both are encrypted; a product with an integer takes none. Operands may be at different levels:
 * the higher one is brought down to the scale of the lower (Kim, Papadimitriou, Polyakov 2020, eprint 2020/1118, section 4). Results are new values and
 * hold memory of the context: `using` gives it back.
 */
export interface Evaluator {
  /** The ring of the context; values of another one are GloveboxError `parameters-mismatch`. */
  readonly ring: Ring
  /** The context, for everything that is not automatic. */
  readonly ckks: Ckks
  /** The evaluation keys that products and rotations use: those of the options, or none. */
  readonly keys: EvaluationKeys
  /** The scale of each level, 0 to `params.maxLevel`. */
  readonly ladder: ScaleLadder
  /**
   * Up to N/2 values at the scale of a level, 0 to `params.maxLevel` (default: the top): for encryption, or for sums and products with ciphertexts of this
   * level or a higher one.
   * @throws RangeError for what is no level, more values, and values that are not finite or do not fit the modulus; TypeError for what is no array.
   */
  encode(values: Slots, level?: number): Plaintext
  /**
   * Encodes and encrypts under a public key.
   * @throws RangeError and TypeError as `encode`; GloveboxError `parameters-mismatch` for a key of another context.
   */
  encrypt(key: PublicKey, values: Slots, level?: number): Ciphertext

  /**
   * a + b. Ciphertexts at different levels meet at the lower one; a plaintext lies at that level or lower; numbers and vectors are taken at the scale of a.
   * @throws GloveboxError `level-exhausted` where scales differ and no level is left to change one, `scale-mismatch` for a plaintext at a higher level or
   * off the ladder and where the levels between do not suffice to change a scale, `parameters-mismatch` for an operand of another context; RangeError for
   * numbers that are not finite or do not fit; TypeError for another kind.
   */
  add(a: Ciphertext, b: Operand): Ciphertext
  /**
   * a - b, under the rules of `add`.
   * @throws RangeError, TypeError and GloveboxError `level-exhausted`, `scale-mismatch`, `parameters-mismatch` as `add`.
   */
  subtract(a: Ciphertext, b: Operand): Ciphertext
  /** -a, at the same level. @throws GloveboxError `parameters-mismatch` for a ciphertext of another context; TypeError for another kind. */
  negate(a: Ciphertext): Ciphertext
  /**
   * Slot-wise, one level lower than the lower of them, unless `b` is an integer.
   * @throws GloveboxError `level-exhausted` at level 0 (at 1 off the ladder), `missing-key` without relinearisation key, `unsupported` for three parts
   * times a ciphertext and for a value of a trimmed reply; `scale-mismatch`, `parameters-mismatch`, RangeError and TypeError as `add`.
   */
  multiply(a: Ciphertext, b: Operand): Ciphertext
  /**
   * One level lower.
   * @throws GloveboxError `level-exhausted` at level 0 (at 1 off the ladder), `missing-key`, `unsupported` for three parts, `scale-mismatch`,
   * `parameters-mismatch` and TypeError as `multiply`.
   */
  square(a: Ciphertext): Ciphertext
  /**
   * The sum of a[i] * b[i], relinearised and rescaled once: one level lower than the lowest of them. As many of each, at least one.
   * @throws RangeError for other numbers of them; GloveboxError `level-exhausted`, `missing-key`, `unsupported`, `parameters-mismatch` and TypeError as
   * `multiply`.
   */
  dot(a: readonly Ciphertext[], b: readonly Ciphertext[]): Ciphertext
  /**
   * Slots to the left by `steps`, any integer, modulo N/2: out[j] = in[j + steps]. No level.
   * @throws GloveboxError `missing-key` without the Galois key of the rotation, `unsupported` for three parts, `parameters-mismatch` for a value of another
   * context; TypeError for another kind, and for steps that are no integer.
   */
  rotate(a: Ciphertext, steps: number): Ciphertext
  /**
   * Complex conjugates of the slots. No level.
   * @throws GloveboxError `missing-key` without the Galois key of conjugation, `unsupported` for three parts, `parameters-mismatch` for a value of another
   * context; TypeError for another kind.
   */
  conjugate(a: Ciphertext): Ciphertext

  /**
   * At a level from 0 to its own, on the ladder; the value stays. A copy where it is there already.
   * @throws RangeError for what is no level; GloveboxError `level-exhausted` for a higher one, `scale-mismatch` where the levels between do not suffice to
   * change the scale, `parameters-mismatch` for a value of another context; TypeError for another kind.
   */
  bring(a: Ciphertext, level: number): Ciphertext
  /**
   * Copies of both at the highest level that both can have, on the ladder.
   * @throws GloveboxError `level-exhausted` off the ladder at level 0, `scale-mismatch` as `bring`, `parameters-mismatch` for a value of another context;
   * TypeError for another kind.
   */
  align(a: Ciphertext, b: Ciphertext): readonly [Ciphertext, Ciphertext]
}

/** Refuses what circuits are sometimes given instead: the context itself. */
export function requireEvaluator(evaluator: Evaluator): void {
  if (evaluator !== null && typeof evaluator === 'object' && typeof evaluator.ladder?.at === 'function') return
  throw new TypeError(
    `"evaluator" expected what createEvaluator makes, got ${evaluator === null ? 'null' : typeof evaluator === 'object' ? 'another object' : typeof evaluator}`,
  )
}

const showEvaluator = showAs<Evaluator>('Evaluator', ({ ladder, keys, ckks }) => ({
  scale: scaleText(ladder.at(ckks.params.maxLevel)),
  maxLevel: ckks.params.maxLevel,
  relinearisation: keys.relinearisation !== undefined,
  galois: keys.galois.size,
}))

const noKeys: EvaluationKeys = { relinearisation: undefined, galois: new Map() }

function kindOf(operand: Operand): 'ciphertext' | 'plaintext' | 'number' | 'slots' {
  if (typeof operand === 'number') return 'number'
  if (operand === null || typeof operand !== 'object')
    throw new TypeError(
      `"b" expected a ciphertext, a plaintext, a number or an array of numbers, got ${typeName(operand)}`,
    )
  if (!('kind' in operand)) return 'slots'
  if (operand.kind === 'ciphertext' || operand.kind === 'plaintext') return operand.kind
  throw new TypeError(
    `"b" expected a ciphertext, a plaintext, a number or an array of numbers, got a ${String((operand as { readonly kind: unknown }).kind)}`,
  )
}

/**
 * An evaluator on a context of CKKS, which stays the caller's to dispose of. With `ckks.encode` and the same scale, what others encrypt at the top level
 * lies on its ladder.
 * @throws TypeError for a context of another scheme, or keys that are none; RangeError where `scale` or `level` is out of range; GloveboxError
 * `scale-mismatch` where the scale does not suit the primes, as {@link scaleLadder}.
 */
export function createEvaluator(ckks: Ckks, options: EvaluatorOptions): Evaluator {
  requireObject('ckks', 'a context of CKKS', ckks)
  if (ckks.params?.scheme !== 'ckks')
    throw new TypeError(
      `"ckks" expected a context of CKKS, got ${ckks.params ? `one of ${ckks.params.scheme}` : 'another object'}`,
    )
  requireObject('options', '{ scale, level?, keys? }', options)
  const { scale, level: anchor, keys = noKeys } = options
  requireKeys(keys)
  const { ring, params } = ckks
  const ladder = scaleLadder(params, scale, anchor === undefined ? {} : { level: anchor })

  function own(name: string, ct: Ciphertext): void {
    requireRing(ring, name, ct, 'ciphertext')
  }
  /** The highest level at which a ciphertext can lie on the ladder. */
  function reach(ct: Ciphertext): number {
    if (ladder.holds(ct)) return ct.level
    if (ct.level > 0) return ct.level - 1
    throw new GloveboxError(
      'level-exhausted',
      `a scale of 2^${Math.log2(ct.scale).toFixed(6)} is not the 2^${Math.log2(ladder.at(0)).toFixed(6)} of level 0, and no level is left to change it: ` +
        "encode with the evaluator's encode, or at a higher level",
    )
  }
  /** A ciphertext on the ladder; itself if it is there. */
  function placed(scratch: Scratch, ct: Ciphertext, level: number): Ciphertext {
    const there = ct.level === level && ladder.holds(ct)
    return there ? ct : scratch.keep(bring(ckks, ct, level, ladder.at(level)))
  }
  function requireProductLevel(level: number): void {
    if (level > 0) return
    throw new GloveboxError(
      'level-exhausted',
      'a product needs a level to be rescaled by, and its operands are at level 0: start at a higher level (more primes in "modulusBits")',
    )
  }
  /** On the ladder below, from a product that is there but for what doubles round. */
  function lowered(product: Ciphertext): Ciphertext {
    return relabelled(ckks.rescale(product), ladder.at(product.level - 1))
  }
  function finished(product: Ciphertext): Ciphertext {
    using linear = ckks.relinearise(product, keys)
    return lowered(linear)
  }
  /** The level at which a plaintext is taken: its own, where it must have the scale that the product or sum is to get. */
  function plainLevel(a: Ciphertext, b: Plaintext): number {
    requireRing(ring, 'b', b, 'plaintext')
    if (b.level <= reach(a) && ladder.holds(b)) return b.level
    throw new GloveboxError(
      'scale-mismatch',
      `"b" is a plaintext of level ${b.level} and scale 2^${Math.log2(b.scale).toFixed(6)}; a ciphertext of level ${a.level} expects one from the evaluator's encode at level ${reach(a)} or lower`,
    )
  }

  function sum(a: Ciphertext, b: Operand, op: 'add' | 'subtract'): Ciphertext {
    own('a', a)
    using scratch = newScratch()
    switch (kindOf(b)) {
      case 'number':
        return ckks.addConstant(a, op === 'add' ? (b as number) : -(b as number))
      case 'slots': {
        const plain = scratch.keep(ckks.encode(b as Slots, { level: a.level, scale: a.scale }))
        return ckks[`${op}Plain`](a, plain)
      }
      case 'plaintext': {
        const plain = b as Plaintext
        return ckks[`${op}Plain`](placed(scratch, a, plainLevel(a, plain)), plain)
      }
      case 'ciphertext': {
        const other = b as Ciphertext
        own('b', other)
        if (a.level === other.level && sameScale(a.scale, other.scale)) return ckks[op](a, other)
        const level = Math.min(reach(a), reach(other))
        return ckks[op](placed(scratch, a, level), placed(scratch, other, level))
      }
    }
  }

  /** Where a factor takes `a` from its level and scale to the ladder one level below: the scale of the factor. */
  function factorScale(a: Ciphertext): number {
    return (ladder.at(a.level - 1) * params.primes[a.level]!) / a.scale
  }

  function product(a: Ciphertext, b: Operand): Ciphertext {
    own('a', a)
    using scratch = newScratch()
    switch (kindOf(b)) {
      case 'number': {
        if (Number.isInteger(b)) return ckks.multiplyConstant(a, b as number, 1)
        const from = placed(scratch, a, reach(a))
        requireProductLevel(from.level)
        return lowered(scratch.keep(ckks.multiplyConstant(from, b as number, factorScale(from))))
      }
      case 'slots': {
        const from = placed(scratch, a, reach(a))
        requireProductLevel(from.level)
        const plain = scratch.keep(ckks.encode(b as Slots, { level: from.level, scale: factorScale(from) }))
        return lowered(scratch.keep(ckks.multiplyPlain(from, plain)))
      }
      case 'plaintext': {
        const plain = b as Plaintext
        const level = plainLevel(a, plain)
        requireProductLevel(level)
        return lowered(scratch.keep(ckks.multiplyPlain(placed(scratch, a, level), plain)))
      }
      case 'ciphertext': {
        const other = b as Ciphertext
        own('b', other)
        const level = Math.min(reach(a), reach(other))
        requireProductLevel(level)
        const x = placed(scratch, a, level)
        const y = other === a ? x : placed(scratch, other, level)
        return finished(scratch.keep(ckks.multiply(x, y)))
      }
    }
  }

  function dot(a: readonly Ciphertext[], b: readonly Ciphertext[]): Ciphertext {
    requireArray('a', 'an array of ciphertexts', a)
    requireArray('b', 'an array of ciphertexts', b)
    if (a.length === 0 || a.length !== b.length)
      throw new RangeError(
        `"a" and "b" expected as many ciphertexts each, at least one, got ${a.length} and ${b.length}`,
      )
    a.forEach((ct, i) => own(`a[${i}]`, ct))
    b.forEach((ct, i) => own(`b[${i}]`, ct))
    const level = Math.min(...a.map(reach), ...b.map(reach))
    requireProductLevel(level)
    let total: Ciphertext | undefined
    try {
      for (const [i, left] of a.entries()) {
        using scratch = newScratch()
        const term = ckks.multiply(placed(scratch, left, level), placed(scratch, b[i]!, level))
        if (total === undefined) total = term
        else {
          scratch.keep(term)
          const before: Ciphertext = scratch.keep(total)
          total = ckks.add(before, term)
        }
      }
      return finished(total!)
    } finally {
      total?.[Symbol.dispose]()
    }
  }

  const evaluator: Evaluator & { readonly [shown]: unknown } = {
    ring,
    ckks,
    keys,
    ladder,
    [shown]: showEvaluator,
    encode: (values, level = params.maxLevel) => ckks.encode(values, { level, scale: ladder.at(level) }),
    encrypt(key, values, level = params.maxLevel) {
      using plain = ckks.encode(values, { level, scale: ladder.at(level) })
      return ckks.encrypt(key, plain)
    },
    add: (a, b) => sum(a, b, 'add'),
    subtract: (a, b) => sum(a, b, 'subtract'),
    negate: (a) => ckks.negate(a),
    multiply: product,
    square: (a) => product(a, a),
    dot,
    rotate: (a, steps) => ckks.rotate(a, steps, keys),
    conjugate: (a) => ckks.conjugate(a, keys),
    bring(a, level) {
      own('a', a)
      return bring(ckks, a, level, ladder.at(level))
    },
    align(a, b) {
      own('a', a)
      own('b', b)
      const level = Math.min(reach(a), reach(b))
      const x = bring(ckks, a, level, ladder.at(level))
      try {
        return [x, bring(ckks, b, level, ladder.at(level))]
      } catch (error) {
        x[Symbol.dispose]()
        throw error
      }
    },
  }
  return evaluator
}
