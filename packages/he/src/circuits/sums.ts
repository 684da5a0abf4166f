import { requireFunction, requirePowerOfTwo } from '../base/require.ts'
import { type Ciphertext, requireRing } from '../rlwe/ciphertext.ts'
import type { EvaluationKeys } from '../rlwe/keys.ts'
import type { Ckks } from '../schemes/ckks/ckks.ts'
import { type Evaluator, type Operand, requireEvaluator } from './evaluator.ts'
import { requireFinite } from './polynomial.ts'
import { newScratch } from './scratch.ts'

/** A context with its keys: an evaluator, or `{ ckks, keys }`. Sums with it change neither levels nor scales. */
export interface KeyedContext {
  /** The context, of CKKS. */
  readonly ckks: Ckks
  /** Galois keys for the rotations that are used: GloveboxError `missing-key` for others. */
  readonly keys: EvaluationKeys
}

function requireCount(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new RangeError(`"${name}" expected an integer from 1 to ${most}, got ${String(value)}`)
}

function requireStride(stride: number): void {
  if (!Number.isInteger(stride) || stride === 0)
    throw new RangeError(`"stride" expected an integer other than 0, got ${String(stride)}`)
}

/**
 * Rotations, in slots, that `sumSlots(…, count, stride)` needs keys for: ⌈log2 count⌉ powers of two times the stride.
 * @throws RangeError for a count that is no integer from 1 to 2^30, and a stride that is no integer other than 0.
 */
export function sumRotations(count: number, stride = 1): number[] {
  requireCount('count', count, 2 ** 30)
  requireStride(stride)
  const steps: number[] = []
  for (let width = 1; width < count; width *= 2) steps.push(width * stride)
  return steps
}

/**
 * out[j] = in[j] + in[j + stride] + … + in[j + (count - 1) stride], around the end: ⌊log2 count⌋ + (ones of count in binary) - 1 rotations, no level. With
 * count = N/2 and stride 1 the sum of all slots is in every slot. With a negative stride it looks to the left: see {@link replicate}. Needs the Galois keys
 * of `sumRotations(count, stride)`.
 * @throws RangeError for a count that is no integer from 1 to N/2, and a stride that is no integer other than 0; GloveboxError `missing-key`, `unsupported`
 * for three parts, `parameters-mismatch` for a value of another context; TypeError for another kind.
 */
export function sumSlots(context: KeyedContext, ct: Ciphertext, count: number, stride = 1): Ciphertext {
  if (context?.ckks?.ring === undefined || context.keys === undefined)
    throw new TypeError('"context" expected an evaluator or { ckks, keys }, got neither')
  const { ckks, keys } = context
  requireRing(ckks.ring, 'ct', ct, 'ciphertext')
  requireCount('count', count, ckks.params.slots)
  requireStride(stride)
  using scratch = newScratch()
  // `block` sums `width` slots; `sum` the slots that the lower bits of count stand for.
  let block = ct
  let sum: Ciphertext | undefined
  for (let width = 1; ; width *= 2) {
    if (count & width)
      sum =
        sum === undefined ? block : scratch.keep(ckks.add(block, scratch.keep(ckks.rotate(sum, width * stride, keys))))
    if (2 * width > count) break
    block = scratch.keep(ckks.add(block, scratch.keep(ckks.rotate(block, width * stride, keys))))
  }
  return sum === ct ? ckks.dropLevel(ct, ct.level) : scratch.release(sum!)
}

/**
 * Rotations, in slots, that `replicate(…, count, stride)` needs keys for: those of `sumRotations(count, -stride)`.
 * @throws RangeError for a count that is no integer from 1 to 2^30, and a stride that is no integer other than 0.
 */
export function replicateRotations(count: number, stride = 1): number[] {
  return sumRotations(count, -stride)
}

/**
 * out[j] = in[j] + in[j - stride] + … + in[j - (count - 1) stride]: with zeros between them, a slot (stride 1), or a block of `stride` slots, is copied
 * `count` times to the right. No level. Needs the Galois keys of `replicateRotations(count, stride)`.
 * @throws RangeError for a count that is no integer from 1 to N/2, and a stride that is no integer other than 0; GloveboxError `missing-key`, `unsupported`
 * for three parts, `parameters-mismatch` for a value of another context; TypeError for another kind.
 */
export function replicate(context: KeyedContext, ct: Ciphertext, count: number, stride = 1): Ciphertext {
  requireStride(stride)
  return sumSlots(context, ct, count, -stride)
}

/**
 * Keeps the slots for which `keep` says so (asked for each from 0 to N/2 - 1), times `factor` (default 1), and clears the others. One level.
 * @throws RangeError for a factor that is not finite or does not fit; GloveboxError `level-exhausted` at level 0, `parameters-mismatch` for a value of
 * another context; TypeError for another kind.
 */
export function mask(evaluator: Evaluator, ct: Ciphertext, keep: (slot: number) => boolean, factor = 1): Ciphertext {
  requireEvaluator(evaluator)
  requireFunction('keep', 'a function of the slot', keep)
  requireFinite('factor', factor)
  const { slots } = evaluator.ckks.params
  return evaluator.multiply(
    ct,
    Float64Array.from({ length: slots }, (_, j) => (keep(j) ? factor : 0)),
  )
}

/**
 * Rotations, in slots, that `sumBlocks`, `average` and `innerProduct` with this block size, 1 to `slots` = N/2, need keys for.
 * @throws RangeError for another size, and slots that are no power of two.
 */
export function blockRotations(slots: number, size: number): number[] {
  requirePowerOfTwo('slots', slots)
  requireCount('size', size, slots)
  return size === slots ? sumRotations(size) : [...sumRotations(size), ...replicateRotations(size)]
}

/**
 * The sum of each block of `size` neighbouring slots, times `factor` (default 1), in every slot of the block; slots behind the last whole block become 0.
 * One level; none where the block is all slots and the factor an integer. Needs the Galois keys of `blockRotations(slots, size)`.
 * @throws RangeError for a size that is no integer from 1 to N/2, and a factor that is not finite; GloveboxError `level-exhausted` at level 0,
 * `missing-key`, `unsupported` for three parts, `parameters-mismatch` for a value of another context; TypeError for another kind.
 */
export function sumBlocks(evaluator: Evaluator, ct: Ciphertext, size: number, factor = 1): Ciphertext {
  requireEvaluator(evaluator)
  const { slots } = evaluator.ckks.params
  requireCount('size', size, slots)
  requireFinite('factor', factor)
  using scratch = newScratch()
  const sums = scratch.keep(sumSlots(evaluator, ct, size))
  if (size === slots) return factor === 1 ? scratch.release(sums) : evaluator.multiply(sums, factor)
  const whole = slots - (slots % size)
  const heads = scratch.keep(mask(evaluator, sums, (j) => j < whole && j % size === 0, factor))
  return replicate(evaluator, heads, size)
}

/**
 * The mean of each block of `size` slots in every slot of it; slots behind the last whole block become 0. One level. Needs the Galois keys of
 * `blockRotations(slots, size)`.
 * @throws RangeError for a size that is no integer from 1 to N/2; GloveboxError `level-exhausted` at level 0, `missing-key`, `unsupported` for three parts,
 * `parameters-mismatch` for a value of another context; TypeError for another kind.
 */
export function average(evaluator: Evaluator, ct: Ciphertext, size: number): Ciphertext {
  requireEvaluator(evaluator)
  requireCount('size', size, evaluator.ckks.params.slots)
  return sumBlocks(evaluator, ct, size, 1 / size)
}

/**
 * Rotations, in slots, that `replicateSlot` needs keys for, `slots` being N/2: the powers of two below.
 * @throws RangeError for slots that are no power of two.
 */
export function replicateSlotRotations(slots: number): number[] {
  requirePowerOfTwo('slots', slots)
  return sumRotations(slots)
}

/**
 * One slot, 0 to N/2 - 1, copied to all. One level. Needs the Galois keys of `replicateSlotRotations(slots)`.
 * @throws RangeError for another slot; GloveboxError `level-exhausted` at level 0, `missing-key`, `unsupported` for three parts, `parameters-mismatch` for
 * a value of another context; TypeError for another kind.
 */
export function replicateSlot(evaluator: Evaluator, ct: Ciphertext, slot: number): Ciphertext {
  requireEvaluator(evaluator)
  const { slots } = evaluator.ckks.params
  if (!Number.isInteger(slot) || slot < 0 || slot >= slots)
    throw new RangeError(`"slot" expected an integer from 0 to ${slots - 1}, got ${String(slot)}`)
  using alone = mask(evaluator, ct, (j) => j === slot)
  return sumSlots(evaluator, alone, slots)
}

/**
 * The inner product of each block of `size` slots of `a` with that of `b` (a ciphertext, a plaintext, numbers), in every slot of the block: the product's
 * level and, unless the block is all slots, one more. Needs the relinearisation key where both are encrypted, and the Galois keys of
 * `blockRotations(slots, size)`.
 * @throws RangeError for a size that is no integer from 1 to N/2, and as `Evaluator.multiply`; GloveboxError `level-exhausted`, `missing-key`,
 * `unsupported`, `scale-mismatch`, `parameters-mismatch` and TypeError as that.
 */
export function innerProduct(evaluator: Evaluator, a: Ciphertext, b: Operand, size: number): Ciphertext {
  requireEvaluator(evaluator)
  requireCount('size', size, evaluator.ckks.params.slots)
  using product = evaluator.multiply(a, b)
  return sumBlocks(evaluator, product, size)
}
