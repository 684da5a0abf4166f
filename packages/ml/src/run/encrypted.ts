import {
  applyLinear,
  type Ciphertext,
  type Ckks,
  createParams,
  type EvaluationKeys,
  encodeLinear,
  GloveboxError,
  type LinearTransform,
  type Plaintext,
} from '@glovebox/he'
import { inputsOf } from '../layout/circuit.ts'
import { repeat } from '../layout/layout.ts'
import { type Program, type ProgramStep, registersOf } from '../program/program.ts'

/** A program with its weights encoded for a context. Dispose it to give the memory back. */
export interface Prepared extends Disposable {
  readonly program: Program
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
  readonly index: number
  readonly name: string
  readonly op: ProgramStep['op']
  readonly level: number
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

/**
 * Runs a program on one encrypted sample. The input must be at the program's level and scale; the answer is at level 0, for writeReply with
 * the program's `output.reply`. Throws GloveboxError `missing-key` where a key is not there.
 */
export function runEncrypted(
  prepared: Prepared,
  input: Ciphertext,
  keys: EvaluationKeys,
  onStep?: (timing: StepTiming) => void,
): Ciphertext {
  const { program, ckks } = prepared
  const { level, scale } = program.input
  if (input.parts !== 2 || input.level !== level || Math.abs(input.scale / scale - 1) > 2 ** -40) {
    throw new GloveboxError(
      'scale-mismatch',
      `"input" expected two parts at level ${level} and scale 2^${Math.log2(scale).toFixed(3)}, ` +
        `got ${input.parts} at level ${input.level} and scale 2^${Math.log2(input.scale).toFixed(3)}`,
    )
  }
  const lastUse = lastUses(program)
  const registers = new Map<number, Ciphertext>([[0, input]])
  const release = (register: number): void => {
    // The input belongs to the caller.
    if (register > 0) registers.get(register)?.[Symbol.dispose]()
    registers.delete(register)
  }
  try {
    program.steps.forEach((step, index) => {
      const start = performance.now()
      registers.set(index + 1, runStep(prepared, index, registers, keys))
      for (const register of inputsOf(step)) if (lastUse[register] === index) release(register)
      onStep?.({ index, name: step.name, op: step.op, level: step.level, milliseconds: performance.now() - start })
    })
  } catch (error) {
    for (const register of [...registers.keys()]) release(register)
    throw error
  }
  const output = registers.get(program.steps.length)!
  return program.steps.length === 0 ? ckks.dropLevel(output, 0) : output
}

function lastUses(program: Program): number[] {
  const last: number[] = []
  program.steps.forEach((step, index) => {
    for (const register of inputsOf(step)) last[register] = index
  })
  return last
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
