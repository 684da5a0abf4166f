import type { Params, ParamsLiteral } from '@glovebox/he'
import { GloveboxError, planRotations } from '@glovebox/he'
import type { AddStep, CircuitStep, LinearStep, MultiplyStep } from '../layout/circuit.ts'
import { inputsOf } from '../layout/circuit.ts'
import type { Layout } from '../layout/layout.ts'
import type { Report } from './report.ts'

/** When a step runs: its inputs are dropped to `level`; with `rescale` its result is one level lower. */
export interface Timing {
  readonly level: number
  readonly rescale: boolean
}

/** `scale`: what the weights are multiplied by before they are rounded. */
export type ProgramStep =
  | (LinearStep & Timing & { readonly scale: number })
  | (MultiplyStep & Timing)
  | (AddStep & Timing)

/** A step with its timing; `scale` is that of the weights, ignored for other steps. */
export function timed(step: CircuitStep, timing: Timing, scale: number): ProgramStep {
  return step.op === 'linear' ? { ...step, ...timing, scale } : { ...step, ...timing }
}

/** How pictures of bytes become inputs: byte · scale + offset. */
export interface PixelScaling {
  /** What a pixel, 0 to 255, is multiplied by. */
  readonly scale: number
  /** What is added then. */
  readonly offset: number
}

/** What the client does before encryption: put element `layout.elements[s mod period]` into slot s, encode at scale and level. */
export interface ProgramInput {
  /** As the model's file has it. */
  readonly name: string
  /** Of one sample, without the batch. */
  readonly shape: readonly number[]
  /** Which value lies in which slot. */
  readonly layout: Layout
  /** Of the ciphertexts that a client sends. */
  readonly level: number
  /** Of the ciphertexts that a client sends. */
  readonly scale: number
  /** Largest |element| that is taken at all; values may wrap around their modulus beyond it, and surely are not promised outside `calibrated`. */
  readonly largest: number
  /** The least and the largest element of the samples that the program was calibrated on. */
  readonly calibrated: { readonly low: number; readonly high: number }
  /** How pixels become values, for samples that are pictures. */
  readonly pixels: PixelScaling
}

/** How the client reads a reply, and how the server trims it. */
export interface ProgramOutput {
  /** As the model's file has it. */
  readonly name: string
  /** Of one sample, without the batch. */
  readonly shape: readonly number[]
  /** Which value lies in which slot. */
  readonly layout: Layout
  /** Of the ciphertext that is sent back. */
  readonly scale: number
  /** How it is trimmed. */
  readonly reply: { readonly bits: number; readonly stride: number }
}

/** An encrypted computation in full. Register 0 is the input, step i writes register i + 1, the last is the output. */
export interface Program {
  /** Of the model. */
  readonly name: string
  /** Of everything encrypted. */
  readonly params: ParamsLiteral
  /** What comes in. */
  readonly input: ProgramInput
  /** In the order in which they run. */
  readonly steps: readonly ProgramStep[]
  /** Whether products are relinearised before they are rescaled (less noise) or after (less work). */
  readonly relinearise: 'before' | 'after'
  /** What goes out. */
  readonly output: ProgramOutput
  /** What the compiler promises, and why. */
  readonly report: Report
}

/** The evaluation keys that a program needs, each with the highest level that it is used at. */
export interface KeysNeeded {
  /** Steps to the left, each with the highest level at which it is used. */
  readonly rotations: readonly { readonly steps: number; readonly level: number }[]
  /** Left out where nothing is multiplied. */
  readonly relinearisation?: number
}

/** Level and scale of every register, by walking the program. Throws GloveboxError `malformed` where it cannot run. */
export function registersOf(program: Program, params: Params): { level: number; scale: number }[] {
  const { input, steps } = program
  const registers = [{ level: input.level, scale: input.scale }]
  const fail = (step: string, problem: string): GloveboxError =>
    new GloveboxError('malformed', `step "${step}" of the program ${problem}`)
  for (const step of steps) {
    const [first, second] = inputsOf(step)
    const a = registers[first!]
    const b = second === undefined ? a : registers[second]
    const level = step.level - (step.rescale ? 1 : 0)
    if (!a || !b) throw fail(step.name, 'reads a register that is not written yet')
    if (level < 0 || a.level < step.level || b.level < step.level) {
      throw fail(step.name, `runs at level ${step.level}, its inputs are at ${a.level} and ${b.level}`)
    }
    const divisor = step.rescale ? params.primes[step.level]! : 1
    if (step.op === 'add' && Math.abs(a.scale / b.scale - 1) > 2 ** -45)
      throw fail(step.name, 'adds values of different scales')
    const factor = step.op === 'linear' ? step.scale : step.op === 'multiply' ? b.scale : 1
    const scale = (a.scale * factor) / divisor
    if (!(scale > 0 && scale < Infinity)) throw fail(step.name, `makes scale ${scale}`)
    registers.push({ level, scale })
  }
  const last = registers.at(-1)!
  if (last.level !== 0) throw new GloveboxError('malformed', `the program ends at level ${last.level}, expected 0`)
  if (Math.abs(last.scale / program.output.scale - 1) > 2 ** -45) {
    throw new GloveboxError(
      'malformed',
      `the program ends at scale ${last.scale}, its output says ${program.output.scale}`,
    )
  }
  return registers
}

/** The level that a product is relinearised at. */
export function relinearisationLevel(program: Pick<Program, 'relinearise'>, step: Timing): number {
  return step.level - (step.rescale && program.relinearise === 'after' ? 1 : 0)
}

/** The keys that a program uses, each at the highest level that it is used at. */
export function keysNeeded(program: Pick<Program, 'relinearise' | 'steps'>): KeysNeeded {
  const rotations = new Map<number, number>()
  let relinearisation = -1
  for (const step of program.steps) {
    if (step.op === 'multiply') relinearisation = Math.max(relinearisation, relinearisationLevel(program, step))
    if (step.op !== 'linear') continue
    for (const steps of [...planRotations(step.plan), ...step.diagonals.folds]) {
      if (steps !== 0) rotations.set(steps, Math.max(step.level, rotations.get(steps) ?? 0))
    }
  }
  return {
    rotations: [...rotations].sort(([a], [b]) => a - b).map(([steps, level]) => ({ steps, level })),
    ...(relinearisation >= 0 && { relinearisation }),
  }
}
