import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'
import type { Watch } from '../ring/watch.ts'
import { type Ciphertext, limbOf, type Plaintext } from '../rlwe/ciphertext.ts'
import type { Extended } from '../rlwe/extended.ts'
import { switchPlan } from '../rlwe/switch-plan.ts'

/** One product of a weighted sum: weights, over QP where the plan has rotations, times baby `baby` of input `input`. */
export interface Term {
  readonly input: number
  readonly baby: number
  readonly weights: Plaintext
}

/** Where the limbs of a pair of polynomials are: limb t at c0 + t*stride and at c1 + t*stride. */
export interface Source {
  readonly c0: Ptr
  readonly c1: Ptr
  readonly stride: number
}

export function sourceOf(value: Extended): Source {
  return { c0: value.part(0), c1: value.part(1), stride: value.stride }
}

export function sourceOfCiphertext(ct: Ciphertext): Source {
  return { c0: limbOf(ct, 0, 0), c1: limbOf(ct, 1, 0), stride: ct.ring.limbBytes }
}

/**
 * A list of terms, flat. The weights of a large matrix drive everything else out of the caches each time: a walk over the objects of a thousand terms takes
 * as long as a few rotations, and no thread can help.
 */
interface FlatTerms {
  readonly inputs: Uint32Array
  readonly babies: Uint32Array
  /** Limb 0 of the weights. */
  readonly weights: Uint32Array
  readonly watch: Watch
}

const flats = new WeakMap<readonly Term[], FlatTerms>()

function flatten(ring: Ring, terms: readonly Term[]): FlatTerms {
  const known = flats.get(terms)
  if (known?.watch.intact) return known
  const flat = {
    inputs: Uint32Array.from(terms, (term) => term.input),
    babies: Uint32Array.from(terms, (term) => term.baby),
    weights: Uint32Array.from(terms, (term) => term.weights.slab.ptr),
    watch: ring.watch(terms.map((term) => term.weights.slab)),
  }
  flats.set(terms, flat)
  return flat
}

/** The babies of an input that these terms have weights for. */
export function babiesUsed(ring: Ring, lists: Iterable<readonly Term[]>, input: number): Set<number> {
  const used = new Set<number>()
  for (const list of lists) {
    const { inputs, babies } = flatten(ring, list)
    for (let i = 0; i < inputs.length; i++) if (inputs[i] === input) used.add(babies[i]!)
  }
  return used
}

/** `dst` = the sum over all terms of weights times source. */
export interface WeightedSum {
  readonly dst: Source
  readonly terms: readonly (readonly Term[])[]
}

/** Every sum of weights times sources, in `limbs` limbs. Baby b of input i is source i*babies + b. */
export function weigh(
  ring: Ring,
  level: number,
  sources: readonly (Source | undefined)[],
  babies: number,
  sums: readonly WeightedSum[],
  limbs: number,
): void {
  const { n, limbBytes, heap } = ring
  if (sums.length === 0) return
  const { targets } = switchPlan(ring, level)
  const flat = sums.map(({ dst, terms }) => {
    const parts = terms.map((list) => flatten(ring, list))
    return { dst, parts, count: parts.reduce((count, { weights }) => count + weights.length, 0) }
  })
  const words = 3 * flat.reduce((all, { count }) => all + 1 + count, 0)
  using lists = heap.alloc(4 * words * limbs)
  const at = lists.ptr
  const list = heap.u32(at, words * limbs)
  /** From one limb to the next. */
  const steps = new Uint32Array(words)
  let next = 0
  const put = ({ c0, c1, stride }: Source, third: number, step: number): void => {
    list[next] = c0
    list[next + 1] = c1
    list[next + 2] = third
    steps[next] = stride
    steps[next + 1] = stride
    steps[next + 2] = step
    next += 3
  }
  for (const { dst, parts, count } of flat) {
    put(dst, count, 0)
    for (const part of parts) {
      for (let i = 0; i < part.weights.length; i++)
        put(sources[part.inputs[i]! * babies + part.babies[i]!]!, part.weights[i]!, limbBytes)
    }
  }
  for (let limb = 1, i = words; limb < limbs; limb++)
    for (let j = 0; j < words; j++, i++) list[i] = list[i - words]! + steps[j]!
  // Few limbs are many weights: quarters of them keep threads busy.
  const quarter = Math.max(n / 4, 16)
  const parts = n / quarter
  ring.parallel(limbs * parts, (task, kernels) => {
    const limb = Math.floor(task / parts)
    const { p, pinv } = targets[limb]!.modulus
    kernels.dotPlains(at + 4 * words * limb, sums.length, 8 * quarter * (task % parts), quarter, p, pinv)
  })
}
