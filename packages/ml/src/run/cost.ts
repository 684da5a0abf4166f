import { keysNeeded, type Program, relinearisationLevel } from '../program/program.ts'
import type { Cost, StepCost } from '../program/report.ts'

/** Nanoseconds of the kernels that all else is made of, on one thread. */
export interface CostTable {
  /** One transform of N points, divided by N·log2(N). */
  readonly transform: number
  /** One pass of point-wise arithmetic over N residues, divided by N. */
  readonly pass: number
  /** One multiply-accumulate of a residue with a key or a weight, which come from memory, divided by N. */
  readonly accumulate: number
}

/**
 * Fitted by least squares to the measured steps of models/digits at 8192 points with five and six primes and at 16384 with six
 * (Node 24, one thread of a Xeon with AVX-512); it repeats them within 6 % rms. The three are not the kernels' own times.
 */
export const defaultCostTable: CostTable = { transform: 0.16, pass: 1.35, accumulate: 1.2 }

/** What a price depends on. */
export type Priced = Pick<Program, 'params' | 'steps' | 'relinearise'> & {
  readonly input: Pick<Program['input'], 'level'>
  readonly output: Pick<Program['output'], 'reply'>
}

/** Counts operations, time and bytes of a program without running it. */
export function costOf(program: Priced, table: CostTable = defaultCostTable): Cost {
  const { ringDegree: n, modulusBits, specialBits, digitSize = Math.max(1, specialBits.length) } = program.params
  const special = specialBits.length
  const transform = (table.transform * n * Math.log2(n)) / 1e6
  const pass = (table.pass * n) / 1e6
  const accumulate = (table.accumulate * n) / 1e6
  const digits = (level: number): number => Math.ceil((level + 1) / digitSize)
  const extended = (level: number): number => level + 1 + special
  // To coefficients, then every digit to all other primes.
  const decompose = (level: number): number =>
    (level + 1) * transform + (digits(level) * extended(level) - (level + 1)) * (transform + digitSize * pass)
  const modDown = (level: number): number => (special + level + 1) * transform + (level + 1) * (special + 1) * pass
  const switchKey = (level: number): number =>
    2 * digits(level) * extended(level) * accumulate + 2 * modDown(level) + 3 * (level + 1) * pass
  // Over QP, with the automorphism behind it.
  const innerProduct = (level: number): number => 2 * extended(level) * (digits(level) * accumulate + pass)
  const rescale = (parts: number, level: number): number => parts * ((level + 1) * transform + 2 * level * pass)

  const steps = program.steps.map((step): StepCost => {
    const { name, op, level } = step
    const limbs = level + 1
    const none = {
      name,
      op,
      level,
      hoistedRotations: 0,
      rotations: 0,
      plainMultiplications: 0,
      multiplications: 0,
      rescales: step.rescale ? 1 : 0,
    }
    if (step.op === 'linear') {
      const { plan, diagonals } = step
      const hoistedRotations = plan.babies.filter((steps) => steps !== 0).length
      const giants = plan.giants.filter((steps) => steps !== 0).length
      const rotations = giants + diagonals.folds.length
      const plainMultiplications = diagonals.offsets.length
      // Double hoisting: everything over QP until both parts are divided by P once; a giant divides the part that it decomposes.
      const { length: folds } = diagonals.folds
      const hoisted = hoistedRotations + giants > 0
      const milliseconds =
        (hoistedRotations > 0 ? decompose(level) : 0) +
        (hoistedRotations + giants) * innerProduct(level) +
        giants * (modDown(level) + decompose(level) + 2 * extended(level) * pass) +
        folds * (decompose(level) + switchKey(level) + 2 * limbs * pass) +
        2 * plainMultiplications * (hoisted ? extended(level) : limbs) * accumulate +
        (hoisted ? 2 * modDown(level) : 0) +
        (step.rescale ? rescale(2, level) : 0)
      return { ...none, hoistedRotations, rotations, plainMultiplications, milliseconds }
    }
    if (op === 'add') return { ...none, milliseconds: 2 * limbs * pass }
    const parts = program.relinearise === 'after' ? 3 : 2
    const at = relinearisationLevel(program, step)
    const milliseconds = 5 * limbs * pass + decompose(at) + switchKey(at) + (step.rescale ? rescale(parts, level) : 0)
    return { ...none, multiplications: 1, milliseconds }
  })

  const limbBytes = 8 * n
  const wire = (bits: readonly number[]): number => bits.reduce((sum, b) => sum + Math.ceil((n * b) / 8), 0)
  const keys = keysNeeded(program)
  const levels = [
    ...keys.rotations.map(({ level }) => level),
    ...(keys.relinearisation === undefined ? [] : [keys.relinearisation]),
  ]
  const keyBytes = levels.reduce(
    (sum, level) => sum + 33 + digits(level) * wire([...modulusBits.slice(0, level + 1), ...specialBits]),
    0,
  )
  const keyMemory = levels.reduce((sum, level) => sum + 2 * digits(level) * extended(level) * limbBytes, 0)
  const weights = program.steps.reduce(
    (sum, step) =>
      sum +
      (step.op === 'linear' ? (step.diagonals.offsets.length * extended(step.level) + step.level + 1) * limbBytes : 0),
    0,
  )
  const working = program.steps.reduce((most, step) => {
    const held = step.op === 'linear' ? step.plan.babies.length + step.plan.giants.length + 3 : 4
    return Math.max(most, (2 * held + digits(step.level) + 3) * extended(step.level) * limbBytes)
  }, 0)
  const { bits, stride } = program.output.reply
  return {
    steps,
    milliseconds: steps.reduce((sum, step) => sum + step.milliseconds, 0),
    memoryBytes: weights + keyMemory + working,
    uploadBytes: frameBytes + 32 + wire(modulusBits.slice(0, program.input.level + 1)),
    replyBytes: frameBytes + 13 + Math.ceil(((n / stride) * bits) / 8) + Math.ceil((n * bits) / 8),
    keyBytes: frameBytes + keyBytes,
  }
}

/** Header and checksum around everything on the wire, and a few fields. */
const frameBytes = 72
