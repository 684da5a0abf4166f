import type { Params, ParamsLiteral } from '@glovebox/he'
import { GloveboxError, planRotations } from '@glovebox/he'
import type { AddStep, CircuitStep, Encoding, LinearStep, MultiplyStep, Packing } from '../layout/circuit.ts'
import { inputsOf } from '../layout/circuit.ts'
import type { Layout } from '../layout/layout.ts'
import type { LinearMap } from '../layout/linear-map.ts'
import type { InputStep, OutputStep } from '../model/steps.ts'
import type { Report } from './report.ts'

/** When a step runs: its inputs are dropped to `level`; with `rescale` its result is one level lower, in CKKS divided by the prime that goes. */
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

/** What the client does before encryption: prepare a sample, put its elements where the layout says, encode at scale and level. */
export interface ProgramInput {
  /** As the model's file has it. */
  readonly name: string
  /** Of one sample, without the batch. */
  readonly shape: readonly number[]
  /** What comes first, in the clear. */
  readonly before: readonly InputStep[]
  /** Which value lies where. */
  readonly layout: Layout
  /** Of the ciphertexts that a client sends. */
  readonly level: number
  /** Of the numbers that a client sends. */
  readonly scale: number
  /** Largest |element| that is taken at all; values may wrap around their modulus beyond it, and surely are not promised outside `calibrated`. */
  readonly largest: number
  /** The least and the largest element of the samples that the program was calibrated on. */
  readonly calibrated: { readonly low: number; readonly high: number }
  /** How pixels become values, for samples that are pictures. */
  readonly pixels: PixelScaling
  /** Samples that the server may add up encrypted, to compute on their sum. 1 where left out. */
  readonly summands?: number
  /** Of programs in BFV: what is taken, so that no result leaves the integers modulo t. */
  readonly integers?: IntegerInput
}

/** Inputs of a program in BFV, which are sent as integers: element · scale, rounded. */
export interface IntegerInput {
  /** The least element that is taken; of a sum, the least sum. */
  readonly low: number
  /** The largest element that is taken; of a sum, the largest sum. */
  readonly high: number
  /** Whether elements must be multiples of 1 / scale, as those that the program was calibrated on are; others are rounded to them. */
  readonly multiples: boolean
}

/** How replies are trimmed: of c_0 the coefficients 0, stride, …, (count - 1) · stride are sent, each of `bits` bits. */
export interface ReplyForm {
  /** 2 to 40. */
  readonly bits: number
  /** 1 to N - 1. */
  readonly stride: number
  /** 1 to N / stride. */
  readonly count: number
}

/** How the client reads a reply, and how the server trims it. */
export interface ProgramOutput {
  /** As the model's file has it. */
  readonly name: string
  /** Of one sample, without the batch. */
  readonly shape: readonly number[]
  /** Which value lies where. */
  readonly layout: Layout
  /** Of the ciphertexts that are sent back. */
  readonly scale: number
  /** How they are trimmed. */
  readonly reply: ReplyForm
  /** What the client does with the numbers, in the clear. */
  readonly after: readonly OutputStep[]
  /** What comes back is output i divided by units[i], which the client multiplies it by. 1 where left out. */
  readonly units?: readonly number[]
}

/** An encrypted computation in full. Register 0 is the input, step i writes register i + 1, the last is the output. */
export interface Program {
  /** Of the model. */
  readonly name: string
  /** How samples lie in ciphertexts. */
  readonly packing: Packing
  /** Whether numbers are coefficients or slots. */
  readonly encoding: Encoding
  /** Of everything encrypted. */
  readonly params: ParamsLiteral
  /** What comes in. */
  readonly input: ProgramInput
  /** In the order in which they run. */
  readonly steps: readonly ProgramStep[]
  /**
   * Whether products are relinearised before they are rescaled (less noise), after (less work), or, in a batch, only when ciphertexts times numbers have been
   * added up, of which there are fewer.
   */
  readonly relinearise: 'before' | 'after' | 'sums'
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

/** Whether a program computes with evaluation keys at all. */
export function needsKeys({ rotations, relinearisation }: KeysNeeded): boolean {
  return rotations.length > 0 || relinearisation !== undefined
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
    // Integers stay what they are when the modulus is switched.
    const divisor = step.rescale && params.scheme === 'ckks' ? params.primes[step.level]! : 1
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

/** Samples that one run of a program takes: as many as a ciphertext has places for in a batch, else one. */
export function samplesPerRun({ packing, encoding, params }: Pick<Program, 'packing' | 'encoding' | 'params'>): number {
  if (packing !== 'batch') return 1
  return encoding === 'slots' ? params.ringDegree / 2 : params.ringDegree
}

/** Ciphertexts of every register. */
export function tilesOf({
  input,
  steps,
}: {
  readonly input: { readonly layout: Layout }
  readonly steps: Program['steps']
}): number[] {
  const tiles = [input.layout.tiles]
  for (const step of steps) {
    if (step.op !== 'linear') tiles.push(tiles[step.inputs[0]]!)
    else tiles.push(targetsOf(step.map))
  }
  return tiles
}

/** Ciphertexts of the result of a map. */
export function targetsOf(map: LinearMap): number {
  if (map.kind === 'rotations') return map.diagonals.targets
  return map.kind === 'scalars' ? map.matrix.rows : Math.ceil(map.matrix.rows / map.perTile)
}

/** Parts of the ciphertexts of every register: 3 where products wait for the sums that read them to be relinearised. */
export function partsOf({ relinearise, steps }: Pick<Program, 'relinearise' | 'steps'>): (2 | 3)[] {
  const waits = (register: number): boolean => {
    const readers = steps.filter((step) => inputsOf(step).includes(register))
    return readers.length > 0 && readers.every((step) => step.op === 'linear' && step.map.kind === 'scalars')
  }
  const sums = steps.map((step, i) => relinearise === 'sums' && step.op === 'multiply' && waits(i + 1))
  return [2, ...sums.map((three) => (three ? 3 : 2))]
}

/** The level that a product is relinearised at. */
export function relinearisationLevel(program: Pick<Program, 'relinearise'>, step: Timing): number {
  return step.level - (step.rescale && program.relinearise === 'after' ? 1 : 0)
}

/** The keys that a program uses, each at the highest level that it is used at. */
export function keysNeeded(program: Pick<Program, 'relinearise' | 'steps'>): KeysNeeded {
  const rotations = new Map<number, number>()
  let relinearisation = -1
  const parts = partsOf(program)
  for (const [i, step] of program.steps.entries()) {
    const sums = step.op === 'linear' && parts[step.input] === 3
    if (sums || (step.op === 'multiply' && parts[i + 1] === 2))
      relinearisation = Math.max(relinearisation, relinearisationLevel(program, step))
    if (step.op !== 'linear') continue
    if (step.map.kind !== 'rotations') continue
    for (const steps of [...planRotations(step.map.plan), ...step.map.diagonals.folds]) {
      if (steps !== 0) rotations.set(steps, Math.max(step.level, rotations.get(steps) ?? 0))
    }
  }
  return {
    rotations: [...rotations].sort(([a], [b]) => a - b).map(([steps, level]) => ({ steps, level })),
    ...(relinearisation >= 0 && { relinearisation }),
  }
}
