import type { ProgramOutput } from './program.ts'

/** The numbers that a program computes, of sample after sample, as outputs of the model. */
export function inUnits({ units }: Pick<ProgramOutput, 'units'>, numbers: Float64Array): Float64Array {
  return units ? numbers.map((value, i) => value * units[i % units.length]!) : numbers
}
