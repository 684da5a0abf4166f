import {
  applyLinear,
  type Ciphertext,
  createScope,
  type EvaluationKeys,
  GloveboxError,
  type Interrupt,
  linearCombinations,
  multiplySum,
} from '@glovebox/he'
import { inputsOf } from '../layout/circuit.ts'
import { type Program, type ProgramStep, partsOf } from '../program/program.ts'
import type { EncodedLinear, Prepared } from './prepare.ts'
import { requireCkks, type SchemeContext } from './scheme.ts'

/** Time of one step of one run. */
export interface StepTiming {
  /** Place of the step in the program. */
  readonly index: number
  /** Of the step. */
  readonly name: string
  /** Which operation it is. */
  readonly op: ProgramStep['op']
  /** At which it began. */
  readonly level: number
  /** Measured; products that were computed side by side share theirs. */
  readonly milliseconds: number
}

/** How to run a program. */
export interface RunOptions {
  /** Hears of every step when it is done. */
  readonly onStep?: ((timing: StepTiming) => void) | undefined
  /**
   * Asked before every step and, within long ones, every few milliseconds. What it throws (the reason of an AbortSignal) is thrown, and all
   * memory of the run is given back.
   */
  readonly signal?: Interrupt | undefined
}

/**
 * Runs a program on the ciphertexts of one sample, or of one batch. They must be at the program's level and scale; the answer is at level 0, for writeReply
 * with the program's `output.reply`; both have as many ciphertexts as their layouts have tiles.
 * @throws GloveboxError `missing-key` where a key is not there, `scale-mismatch` for another level or scale; RangeError for another number of ciphertexts.
 */
export function runEncrypted(
  prepared: Prepared,
  input: readonly Ciphertext[],
  keys: EvaluationKeys,
  options: RunOptions = {},
): Ciphertext[] {
  const steps = runAll(prepared, input, keys, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/**
 * The same, coming back to the event loop after every step, so that an AbortSignal, a timer or another request is heard meanwhile. The context may be
 * used by others in between; the input, the keys and the prepared program must stay.
 */
export async function runEncryptedAsync(
  prepared: Prepared,
  input: readonly Ciphertext[],
  keys: EvaluationKeys,
  options: RunOptions = {},
): Promise<Ciphertext[]> {
  const steps = runAll(prepared, input, keys, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}

const never: Interrupt = { throwIfAborted: () => undefined }

/** Stops after every step but the last. */
function* runAll(
  prepared: Prepared,
  input: readonly Ciphertext[],
  keys: EvaluationKeys,
  { onStep, signal }: RunOptions,
): Generator<undefined, Ciphertext[]> {
  const { program, scheme } = prepared
  const { context } = scheme
  requireInput(prepared, input)
  const uses = usesOf(program)
  const registers = new Map<number, readonly Ciphertext[]>([[0, input]])
  const run: Run = { prepared, keys, registers, parts: partsOf(program) }
  const release = (register: number): void => {
    // The input belongs to the caller.
    if (register > 0) for (const ct of registers.get(register) ?? []) ct[Symbol.dispose]()
    registers.delete(register)
  }
  try {
    for (const [turn, indices] of (context.threads > 1 ? sideBySide(program) : inOrder(program)).entries()) {
      if (turn > 0) yield
      const start = performance.now()
      const { ring } = context
      // With a signal even where the caller has none: memory comes back whatever is thrown.
      ring.interruptible(signal ?? never, () => {
        for (const [index, result] of runSteps(run, indices)) registers.set(index + 1, result)
      })
      const milliseconds = (performance.now() - start) / indices.length
      for (const index of indices) {
        const step = program.steps[index]!
        for (const register of inputsOf(step)) if (--uses[register]! === 0) release(register)
        onStep?.({ index, name: step.name, op: step.op, level: step.level, milliseconds })
      }
    }
  } catch (error) {
    for (const register of [...registers.keys()]) release(register)
    throw error
  }
  const output = registers.get(program.steps.length)!
  return program.steps.length === 0 ? output.map((ct) => scheme.dropLevel(ct, 0)) : [...output]
}

function requireInput({ program, scheme }: Prepared, input: readonly Ciphertext[]): void {
  const { level, layout } = program.input
  const scale = scheme.borne(program.input.scale)
  if (!Array.isArray(input) || input.length !== layout.tiles) {
    const got = Array.isArray(input) ? input.length : typeof input
    throw new RangeError(`"input" expected an array of ${layout.tiles} ciphertexts, got ${got}`)
  }
  for (const ct of input) {
    if (ct.parts === 2 && ct.level === level && Math.abs(ct.scale / scale - 1) <= 2 ** -40) continue
    throw new GloveboxError(
      'scale-mismatch',
      `"input" expected two parts at level ${level} and scale 2^${Math.log2(scale).toFixed(3)}, ` +
        `got ${ct.parts} at level ${ct.level} and scale 2^${Math.log2(ct.scale).toFixed(3)}`,
    )
  }
}

/** Steps by number, one after the other. */
function inOrder({ steps }: Program): number[][] {
  return steps.map((_, index) => [index])
}

/**
 * Steps by their distance from the input, so that products which do not wait for each other come side by side. Two of them, each one task, are 1.87
 * times as fast on two threads as on one; one after the other, each in parallel within, 1.46 times. Linear steps have enough to do within, and look
 * at memory: two are 1.84 times as fast one after the other, 1.12 times side by side (set A of bench/threads.ts).
 */
function sideBySide({ steps }: Program): number[][] {
  const depths = [0]
  for (const step of steps) depths.push(1 + Math.max(...inputsOf(step).map((register) => depths[register]!)))
  const groups: number[][] = []
  for (let depth = 1; depth <= Math.max(...depths); depth++) {
    const indices = [...steps.keys()].filter((index) => depths[index + 1] === depth)
    const products = indices.filter((index) => steps[index]!.op === 'multiply')
    for (const index of indices) if (!products.includes(index)) groups.push([index])
    if (products.length > 0) groups.push(products)
  }
  return groups
}

/** How often each register is read. */
function usesOf({ steps }: Program): number[] {
  const uses = new Array<number>(steps.length + 1).fill(0)
  for (const step of steps) for (const register of inputsOf(step)) uses[register]!++
  return uses
}

/** Each result replaces the one before it, whose memory is given back. */
function chain(first: Ciphertext, ...next: readonly ((ct: Ciphertext) => Ciphertext)[]): Ciphertext {
  return next.reduce((before, step) => {
    using used = before
    return step(used)
  }, first)
}

interface Run {
  readonly prepared: Prepared
  readonly keys: EvaluationKeys
  readonly registers: ReadonlyMap<number, readonly Ciphertext[]>
  readonly parts: readonly number[]
}
type Linear = Extract<ProgramStep, { op: 'linear' }>
type Elementwise = Exclude<ProgramStep, { op: 'linear' }>

/** Operations that are recorded together at most, which bounds the memory of the record. */
const mostTogether = 64

/** One linear step, or products and sums that do not wait for each other. */
function runSteps(run: Run, indices: readonly number[]): [number, readonly Ciphertext[]][] {
  const { steps } = run.prepared.program
  const [only] = indices.map((index) => steps[index]!)
  if (indices.length === 1 && only!.op === 'linear') return [[indices[0]!, runLinear(run, only as Linear, indices[0]!)]]
  const operations = indices.map((index) => elementwise(run, steps[index] as Elementwise, index))
  const { ring } = run.prepared.scheme.context
  const results: Ciphertext[] = []
  const all = operations.flat()
  for (let at = 0; at < all.length; at += mostTogether) {
    const some = all.slice(at, at + mostTogether)
    results.push(...(some.length > 1 ? ring.together(some) : some.map((operation) => operation())))
  }
  return indices.map((index, k) => [index, results.splice(0, operations[k]!.length)])
}

/** A product or a sum, ciphertext by ciphertext. */
function elementwise(
  { prepared, keys, registers, parts }: Run,
  step: Elementwise,
  index: number,
): (() => Ciphertext)[] {
  const { program, scheme } = prepared
  const [a, b] = step.inputs.map((register) => registers.get(register)!) as [Ciphertext[], Ciphertext[]]
  return a.map((first, tile) => () => {
    using used = createScope()
    const at = (ct: Ciphertext): Ciphertext => (ct.level > step.level ? used.use(scheme.dropLevel(ct, step.level)) : ct)
    const [x, y] = [at(first), at(b[tile]!)]
    if (step.op === 'add') return scheme.context.add(x, y)
    const ckks = requireCkks(scheme.context)
    const relinearise = (ct: Ciphertext): Ciphertext => ckks.relinearise(ct, keys)
    const rescale = step.rescale ? [ckks.rescale] : []
    const waits = parts[index + 1] === 3
    const after = waits ? [] : [relinearise]
    const product = x === y ? ckks.square(x) : ckks.multiply(x, y)
    return program.relinearise === 'after' ? chain(product, ...rescale, ...after) : chain(product, ...after, ...rescale)
  })
}

function runLinear(run: Run, step: Linear, index: number): Ciphertext[] {
  const { scheme, weights } = run.prepared
  using used = createScope()
  const inputs = run.registers
    .get(step.input)!
    .map((ct) => (ct.level > step.level ? used.use(scheme.dropLevel(ct, step.level)) : ct))
  const encoded = weights[index]!
  const sums = apply(run, step, encoded, inputs)
  return sums.map((sum, tile) => {
    const bias = encoded.bias[tile]
    return chain(
      sum,
      ...(sum.parts === 3 ? [(ct: Ciphertext) => scheme.context.relinearise(ct, run.keys)] : []),
      ...(bias ? [(ct: Ciphertext) => scheme.context.addPlain(ct, bias)] : []),
      ...(step.rescale ? [scheme.rescale] : []),
    )
  })
}

function apply(
  { prepared: { scheme }, keys }: Run,
  step: Linear,
  encoded: EncodedLinear,
  inputs: Ciphertext[],
): Ciphertext[] {
  if (encoded.kind === 'polynomials') return multiplySum(scheme.context, inputs, encoded.weights)
  if (encoded.kind === 'scalars')
    return linearCombinations(scheme.context, inputs, encoded.rows, { scale: encoded.scale })
  if (step.map.kind !== 'rotations') throw new Error('internal error: weights of another packing')
  const ckks = requireCkks(scheme.context)
  const { blocks, targets, folds } = step.map.diagonals
  const sums: (Ciphertext | undefined)[] = new Array(targets).fill(undefined)
  blocks.forEach(({ from, to }, k) => {
    const part = applyLinear(ckks, inputs[from]!, encoded.transforms[k]!, keys)
    const sum = sums[to]
    sums[to] = sum ? chain(sum, (ct) => addAndDrop(ckks, ct, part)) : part
  })
  return sums.map((sum) =>
    chain(
      sum!,
      ...folds.map(
        (fold) =>
          (ct: Ciphertext): Ciphertext =>
            addAndDrop(ckks, ct, ckks.rotate(ct, fold, keys)),
      ),
    ),
  )
}

/** The sum; what was added is given back. */
function addAndDrop(ckks: SchemeContext, ct: Ciphertext, other: Ciphertext): Ciphertext {
  using added = other
  return ckks.add(ct, added)
}
