import { requireArray, requireContext, requireObject, typeName } from '../base/require.ts'
import type { Ptr } from '../kernels/table.ts'
import { factor, type Ring } from '../ring/ring.ts'
import { type Ciphertext, limbOf, newCiphertext, requireLevel, requireScale, roomBits } from '../rlwe/ciphertext.ts'
import { tracedFunction } from '../schemes/trace.ts'
import {
  type CombinationPlan,
  type CombinationRow,
  digitBits,
  integerRows,
  planCombinations,
} from './combination-plan.ts'
import { requireInputs } from './weights.ts'

/** How the weights of {@link linearCombinations} are taken. */
export interface CombinationOptions {
  /** What weights are multiplied by before they are rounded to integers: 1 or more. */
  readonly scale: number
  /** Of the results, from 0; default and highest: the lowest level of the inputs. */
  readonly level?: number
}

/** Multiply-adds of one task: a few milliseconds at most. */
const taskTerms = 2 ** 23
/** Bytes of the strips that a task sums up at a time: they stay in the second-level cache, and mostly in the first. */
const tileBytes = 65536

function combinations(
  context: { readonly ring: Ring },
  inputs: readonly Ciphertext[],
  rows: readonly CombinationRow[],
  options: CombinationOptions,
): Ciphertext[] {
  requireContext('context', context)
  const { ring } = context
  requireArray('inputs', 'an array of ciphertexts', inputs)
  requireArray('rows', 'an array of rows', rows)
  requireObject('options', '{ scale, level? }', options)
  if (inputs.length === 0) throw new RangeError('"inputs" expected at least one ciphertext, got none')
  if (rows.length === 0) throw new RangeError('"rows" expected at least one, got none')
  const top = requireInputs(ring, inputs, ring.params.maxLevel)
  const level = options.level ?? top.level
  requireLevel(ring, level)
  if (level > top.level)
    throw new RangeError(`"level" expected at most ${top.level}, the lowest of the inputs, got ${level}`)
  const { parts } = inputs[0]!
  inputs.forEach((input, k) => {
    if (input.parts !== parts)
      throw new RangeError(`"inputs[${k}]" expected ${parts} parts as the first one has, got ${input.parts}`)
  })
  if (!(Number.isFinite(options.scale) && options.scale >= 1))
    throw new RangeError(
      `"scale" expected a finite number from 1, got ${typeof options.scale === 'number' ? options.scale : typeName(options.scale)}`,
    )
  const scale = top.scale * options.scale
  requireScale(ring, level, scale)
  const plans = planCombinations(integerRows(rows, inputs.length, options.scale, 2 ** roomBits(ring, level)))
  const out: Ciphertext[] = []
  try {
    for (let j = 0; j < rows.length; j++) out.push(newCiphertext(ring, parts, level, scale))
    horner(ring, inputs, out, plans)
    return out
  } catch (error) {
    for (const ct of out) ct[Symbol.dispose]()
    throw error
  }
}

/** out = Σ_d 2^(22 d) plan_d(inputs), from the leading digit down. */
function horner(
  ring: Ring,
  inputs: readonly Ciphertext[],
  out: readonly Ciphertext[],
  plans: readonly CombinationPlan[],
): void {
  const { parts, level } = out[0]!
  const starts = out.map((ct) => limbOf(ct, 0, 0))
  sumUp(ring, inputs, starts, parts, level, plans.at(-1)!)
  if (plans.length === 1) return
  const limbs = parts * (level + 1)
  using digits = ring.limbs(out.length * limbs)
  const digitStarts = out.map((_, j) => digits.ptr + j * limbs * ring.limbBytes)
  for (const plan of plans.slice(0, -1).reverse()) {
    sumUp(ring, inputs, digitStarts, parts, level, plan)
    ring.parallel(out.length * limbs, (task, kernels) => {
      const [j, limb] = [Math.floor(task / limbs), task % limbs]
      const { p, pinv } = ring.moduli[limb % (level + 1)]!
      const { w, wp } = factor(1n << BigInt(digitBits), p)
      const dst = starts[j]! + limb * ring.limbBytes
      kernels.mulScalar(dst, dst, ring.n, w, wp, p)
      kernels.add(dst, dst, digitStarts[j]! + limb * ring.limbBytes, ring.n, p, pinv)
    })
  }
}

/** The sums of a plan; sum j goes to the limbs from starts[j]. */
function sumUp(
  ring: Ring,
  inputs: readonly Ciphertext[],
  starts: readonly Ptr[],
  parts: number,
  level: number,
  plan: CombinationPlan,
): void {
  const { heap, n, limbBytes, moduli } = ring
  const [limbs, count] = [parts * (level + 1), inputs.length]
  // Sources, then results, limb by limb.
  const table = new Uint32Array(limbs * (count + starts.length))
  for (let limb = 0, at = 0; limb < limbs; limb++) {
    for (const input of inputs) table[at++] = limbOf(input, Math.floor(limb / (level + 1)), limb % (level + 1))
    for (const start of starts) table[at++] = start + limb * limbBytes
  }
  const length = Math.min(Math.max(powerBelow(taskTerms / (4 * plan.terms + 1)), 64), Math.max(n / 4, 16))
  const strip = Math.min(Math.max(powerBelow(tileBytes / (8 * count)), 8), length)
  const tile = 8 * count * strip
  // The signal of an interruption is asked before every group.
  const group = 4 * ring.threads
  using pointers = heap.alloc(table.byteLength)
  using steps = heap.alloc(plan.bytes.byteLength)
  using tiles = heap.alloc(group * tile)
  const [sources, blocks, scratch] = [pointers.ptr, steps.ptr, tiles.ptr]
  heap.u32(sources, table.length).set(table)
  heap.u8(blocks, plan.bytes.byteLength).set(new Uint8Array(plan.bytes))
  const segments = n / length
  const tasks = limbs * segments
  for (let first = 0; first < tasks; first += group) {
    ring.parallel(Math.min(group, tasks - first), (i, kernels) => {
      const limb = Math.floor((first + i) / segments)
      const from = 8 * length * ((first + i) % segments)
      const { p, pinv } = moduli[limb % (level + 1)]!
      const list = sources + 4 * limb * (count + starts.length)
      kernels.weightedSums(
        list + 4 * count,
        list,
        count,
        blocks,
        plan.blocks,
        scratch + i * tile,
        strip,
        from,
        length,
        p,
        pinv,
        plan.most,
      )
    })
  }
}

/** The largest power of two that is not above x. */
function powerBelow(x: number): number {
  return 2 ** Math.floor(Math.log2(x))
}

/**
 * Real matrix times a vector of ciphertexts: out_j = Σ_k round(scale · w_jk) · inputs_k, one for each row. Numbers act alike on slots and on coefficients,
 * so that every sample of a batch is served at once, and no key is needed. Inputs have one scale (within 2^-40) and as many parts, 2 or 3: of products that
 * were not relinearised, the sums are relinearised afterwards, once each. The scales multiply; nothing is rescaled. A row of zeros gives a
 * transparent zero, which no writer accepts.
 *
 * Weights up to 2^22 after scaling are summed exactly in doubles, several hundred terms between two reductions for primes of 40 bits and weights of 8:
 * 0.1 ns a term and coefficient; larger ones take as many passes as they have digits of 22 bits. Rows with the same places of zeros share the work of four.
 *
 * An error of standard deviation s_k in each coefficient of inputs_k gives one of √(Σ_k (scale·w_jk·s_k)²), and the rounding of weights changes the
 * result by Σ_k δ_k·m_k, |δ_k| ≤ 1/2, m_k the message of inputs_k times its scale: in units of the result's scale.
 * @throws RangeError for no inputs or rows, rows of another length, indices out of range or repeated, weights that are not finite or do not fit the
 * modulus, inputs of different parts, a level above theirs, a scale below 1; TypeError for operands of other kinds; GloveboxError `scale-mismatch`
 * for inputs of different scales or a result that does not fit the modulus, `unsupported` for a trimmed reply, `parameters-mismatch`, `disposed`,
 * `out-of-memory`.
 */
export const linearCombinations: typeof combinations = tracedFunction('circuits', 'linearCombinations', combinations)
