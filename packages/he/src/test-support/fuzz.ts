import { GloveboxError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import { Dice, type Field, minimise, mutateBody, mutateFrame, sealed } from './mutate.ts'

/** A limb that a decoder let in. */
export interface Limb {
  readonly values: Float64Array
  readonly p: number
}

/** What a decoder made of bytes, for the oracle to look at. */
export interface Accepted {
  readonly limbs?: Iterable<Limb>
  /** Throws where anything else about the value may not be. */
  readonly check?: () => void
  readonly dispose?: () => void
}

/** A decoder under fuzz. */
export interface FuzzRow {
  readonly name: string
  /** Good inputs to begin with. */
  readonly golden: readonly Uint8Array[]
  /** `frame`: length and checksum are put right after an edit of the body. `body`: bytes as they come. Or a mutator of one's own. */
  readonly shape: 'frame' | 'body' | ((golden: Uint8Array, dice: Dice, others: readonly Uint8Array[]) => Uint8Array)
  /** Numbers in the body. */
  readonly fields?: readonly Field[]
  readonly decode: (bytes: Uint8Array) => Accepted
  /** Whose memory it takes. */
  readonly ring?: Ring
  /** Bytes of that memory that an input of a length may take at once. */
  readonly mayTake?: (length: number) => number
  /** Refusals beside GloveboxError. TypeError and RangeError are what crashes throw too, so name them by their message. */
  readonly refuses?: (error: unknown) => boolean
  /** Share of the mutations; default 1. */
  readonly weight?: number
}

/** Counts the memory that is taken at once, call by call. */
export function watchHeap(ring: Ring): { readonly peak: () => number; readonly reset: () => void } {
  const heap = ring.heap as { -readonly [K in keyof Ring['heap']]: Ring['heap'][K] }
  const { alloc } = heap
  let peak = heap.used
  heap.alloc = (bytes, options) => {
    const slab = alloc(bytes, options)
    peak = Math.max(peak, ring.heap.used)
    return slab
  }
  return {
    peak: () => peak,
    reset: () => {
      peak = ring.heap.used
    },
  }
}

/** Throws where bytes are neither refused nor read into something sound. Returns whether they were read. */
function examine(row: FuzzRow, bytes: Uint8Array, watch: ReturnType<typeof watchHeap> | undefined): boolean {
  const before = row.ring?.heap.used ?? 0
  watch?.reset()
  let accepted: Accepted | undefined
  try {
    accepted = row.decode(bytes)
  } catch (error) {
    if (!(error instanceof GloveboxError) && !row.refuses?.(error)) throw error
    if (error instanceof GloveboxError && !error.code) throw new Error('an error without a code')
  }
  const taken = (watch?.peak() ?? 0) - before
  if (watch && row.mayTake && taken > row.mayTake(bytes.length))
    throw new Error(`${bytes.length} bytes took ${taken} of memory, at most ${row.mayTake(bytes.length)} expected`)
  if (accepted) {
    for (const { values, p } of accepted.limbs ?? []) {
      for (const x of values)
        if (!(Number.isInteger(x) && Math.abs(x) <= 0.7 * p)) throw new Error(`a residue ${x} modulo ${p} was let in`)
    }
    accepted.check?.()
    accepted.dispose?.()
  }
  const after = row.ring?.heap.used ?? 0
  if (after !== before) throw new Error(`${after - before} bytes of memory are still held`)
  return accepted !== undefined
}

export interface FuzzCount {
  mutations: number
  accepted: number
}

/**
 * Runs about `count` mutations over the rows. A failure is an error that names row, seed and the smallest input found, in hexadecimal.
 * `milliseconds` bounds a batch of a thousand: a decoder that takes seconds for one small input hangs in a server.
 */
export function fuzz(
  rows: readonly FuzzRow[],
  options: { readonly count: number; readonly seed: number; readonly milliseconds?: number },
): ReadonlyMap<string, FuzzCount> {
  const { count, seed, milliseconds = 60_000 } = options
  const total = rows.reduce((sum, { weight = 1 }) => sum + weight, 0)
  const watches = new Map([...new Set(rows.flatMap(({ ring }) => ring ?? []))].map((ring) => [ring, watchHeap(ring)]))
  const counts = new Map<string, FuzzCount>()
  for (const row of rows) {
    const watch = row.ring && watches.get(row.ring)
    const result: FuzzCount = { mutations: 0, accepted: 0 }
    counts.set(row.name, result)
    for (const golden of row.golden)
      if (!examine(row, golden, watch)) throw new Error(`${row.name}: the golden input itself is refused`)
    let batch = performance.now()
    for (let i = Math.ceil((count * (row.weight ?? 1)) / total); i > 0; i--) {
      const of = (seed * 1_000_003 + result.mutations++) >>> 0
      const dice = new Dice(of)
      const golden = dice.pick(row.golden)
      const bytes =
        typeof row.shape === 'function'
          ? row.shape(golden, dice, row.golden)
          : (row.shape === 'frame' ? mutateFrame : mutateBody)(golden, dice, row.fields ?? [], row.golden)
      try {
        if (examine(row, bytes, watch)) result.accepted++
      } catch (error) {
        throw new Error(report(row, golden, bytes, of, error, watch), { cause: error })
      }
      if (result.mutations % 1000 === 0) {
        const took = performance.now() - batch
        if (took > milliseconds) throw new Error(`${row.name}: a thousand inputs up to seed ${of} took ${took} ms`)
        batch = performance.now()
      }
    }
  }
  return counts
}

function report(
  row: FuzzRow,
  golden: Uint8Array,
  bytes: Uint8Array,
  seed: number,
  error: unknown,
  watch: ReturnType<typeof watchHeap> | undefined,
): string {
  const fails = (attempt: Uint8Array): boolean => {
    try {
      examine(row, attempt, watch)
      return false
    } catch {
      return true
    }
  }
  const least =
    row.shape === 'frame' && fails(sealed(bytes.slice()))
      ? minimise(golden, sealed(bytes.slice()), fails, sealed)
      : minimise(golden, bytes, fails)
  const changed = [...least.keys()].filter((i) => least[i] !== golden[i])
  return (
    `${row.name}, seed ${seed}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}; ` +
    `input ${row.golden.indexOf(golden)} of ${golden.length} bytes cut or grown to ${least.length}, bytes changed: ` +
    changed
      .slice(0, 40)
      .map((i) => `${i}=${least[i]!.toString(16).padStart(2, '0')}`)
      .join(' ')
  )
}
