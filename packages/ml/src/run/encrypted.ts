import {
  applyLinear,
  type Ciphertext,
  type Ckks,
  createParams,
  type EvaluationKeys,
  encodeLinear,
  GloveboxError,
  type Interrupt,
  type LinearTransform,
  type Plaintext,
} from '@glovebox/he'
import { inputsOf } from '../layout/circuit.ts'
import { repeat } from '../layout/layout.ts'
import { type Program, type ProgramStep, registersOf } from '../program/program.ts'

/** A program with its weights encoded for a context. Dispose it to give the memory back. */
export interface Prepared extends Disposable {
  /** What was prepared. */
  readonly program: Program
  /** The context that its weights live in. */
  readonly ckks: Ckks
  /** By step; undefined for products and sums. */
  readonly weights: readonly (EncodedLinear | undefined)[]
}

interface EncodedLinear {
  readonly transform: LinearTransform
  readonly bias: Plaintext | undefined
}

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

/** Encodes all weights once. The context must have the program's parameters. */
export function prepare(program: Program, ckks: Ckks): Prepared {
  const params = createParams(program.params)
  if (params.digest !== ckks.params.digest) {
    throw new GloveboxError(
      'parameters-mismatch',
      `the program "${program.name}" was compiled for other parameters than those of the context`,
    )
  }
  const registers = registersOf(program, params)
  const weights: (EncodedLinear | undefined)[] = []
  const dispose = (): void => {
    for (const encoded of weights) {
      encoded?.transform[Symbol.dispose]()
      encoded?.bias?.[Symbol.dispose]()
    }
  }
  try {
    for (const step of program.steps) {
      weights.push(step.op === 'linear' ? encodeStep(ckks, step, registers[step.input]!.scale) : undefined)
    }
  } catch (error) {
    dispose()
    throw error
  }
  return { program, ckks, weights, [Symbol.dispose]: dispose }
}

function encodeStep(ckks: Ckks, step: Extract<ProgramStep, { op: 'linear' }>, inputScale: number): EncodedLinear {
  const { diagonals, plan, level, scale, bias } = step
  const { slots } = ckks.params
  const full = new Map(diagonals.offsets.map((offset, k) => [offset, repeat(diagonals.values[k]!, slots)]))
  const transform = encodeLinear(ckks, full, plan, { level, scale })
  return { transform, bias: bias && ckks.encode(repeat(bias, slots), { level, scale: inputScale * scale }) }
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
 * Runs a program on one encrypted sample. The input must be at the program's level and scale; the answer is at level 0, for writeReply with
 * the program's `output.reply`. Throws GloveboxError `missing-key` where a key is not there.
 */
export function runEncrypted(
  prepared: Prepared,
  input: Ciphertext,
  keys: EvaluationKeys,
  options: RunOptions = {},
): Ciphertext {
  const steps = runSteps(prepared, input, keys, options)
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
  input: Ciphertext,
  keys: EvaluationKeys,
  options: RunOptions = {},
): Promise<Ciphertext> {
  const steps = runSteps(prepared, input, keys, options)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}

/** Stops after every step but the last. */
function* runSteps(
  prepared: Prepared,
  input: Ciphertext,
  keys: EvaluationKeys,
  { onStep, signal }: RunOptions,
): Generator<undefined, Ciphertext> {
  const { program, ckks } = prepared
  const { level, scale } = program.input
  if (input.parts !== 2 || input.level !== level || Math.abs(input.scale / scale - 1) > 2 ** -40) {
    throw new GloveboxError(
      'scale-mismatch',
      `"input" expected two parts at level ${level} and scale 2^${Math.log2(scale).toFixed(3)}, ` +
        `got ${input.parts} at level ${input.level} and scale 2^${Math.log2(input.scale).toFixed(3)}`,
    )
  }
  const uses = usesOf(program)
  const registers = new Map<number, Ciphertext>([[0, input]])
  const release = (register: number): void => {
    // The input belongs to the caller.
    if (register > 0) registers.get(register)?.[Symbol.dispose]()
    registers.delete(register)
  }
  try {
    for (const [turn, indices] of (ckks.threads > 1 ? sideBySide(program) : inOrder(program)).entries()) {
      if (turn > 0) yield
      const start = performance.now()
      const { ring } = ckks
      const results = ring.interruptible(signal, () =>
        ring.together(indices.map((index) => () => runStep(prepared, index, registers, keys))),
      )
      const milliseconds = (performance.now() - start) / indices.length
      for (const [k, index] of indices.entries()) registers.set(index + 1, results[k]!)
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
  return program.steps.length === 0 ? ckks.dropLevel(output, 0) : output
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

function runStep(
  { program, ckks, weights }: Prepared,
  index: number,
  registers: ReadonlyMap<number, Ciphertext>,
  keys: EvaluationKeys,
): Ciphertext {
  const step = program.steps[index]!
  const rescale = step.rescale ? [ckks.rescale] : []
  const [a, b] = inputsOf(step).map((register) => {
    const ct = registers.get(register)!
    return ct.level > step.level ? { ct: ckks.dropLevel(ct, step.level), own: true } : { ct, own: false }
  })
  try {
    if (step.op === 'linear') {
      const { transform, bias } = weights[index]!
      const folds = step.diagonals.folds.map((fold) => (ct: Ciphertext): Ciphertext => {
        using turned = ckks.rotate(ct, fold, keys)
        return ckks.add(ct, turned)
      })
      const shift = bias ? [(ct: Ciphertext): Ciphertext => ckks.addPlain(ct, bias)] : []
      return chain(applyLinear(ckks, a!.ct, transform, keys), ...folds, ...shift, ...rescale)
    }
    if (step.op === 'add') return ckks.add(a!.ct, b!.ct)
    const relinearise = (ct: Ciphertext): Ciphertext => ckks.relinearise(ct, keys)
    const product = ckks.multiply(a!.ct, b!.ct)
    return program.relinearise === 'before'
      ? chain(product, relinearise, ...rescale)
      : chain(product, ...rescale, relinearise)
  } finally {
    for (const used of [a, b]) if (used?.own) used.ct[Symbol.dispose]()
  }
}
