import { replyBytes } from '@glovebox/he'
import { inputsOf } from '../layout/circuit.ts'
import { keysNeeded, type Program, partsOf, relinearisationLevel, tilesOf } from '../program/program.ts'
import type { Cost, StepCost } from '../program/report.ts'

/** What all else is made of, on one thread, in nanoseconds but for `request`; `glovebox calibrate` measures it. Times are linear in these numbers. */
export interface CostTable {
  /** One transform of N points, divided by N·log2(N). */
  readonly transform: number
  /** One pass of point-wise arithmetic over N residues, divided by N. */
  readonly pass: number
  /** One multiply-accumulate of a residue with a key or a diagonal, which come from memory, divided by N. */
  readonly accumulate: number
  /** One product of both parts of a ciphertext with a polynomial of weights, limb by limb, divided by N. */
  readonly weight: number
  /** One multiply-accumulate of a residue with a number, divided by N. */
  readonly multiplyAdd: number
  /** One limb of a seeded ciphertext read from the wire, its share of the checksum with it, divided by N. */
  readonly read: number
  /** One coefficient of a reply, masked and written to the wire, its share of the checksum with it. */
  readonly write: number
  /** One run, whatever it computes: microseconds. */
  readonly request: number
}

/**
 * The first three are fitted to the measured steps of models/digits on a Xeon, and are not the kernels' own times; the others are those of `glovebox calibrate` on a shared AMD
 * EPYC (Zen 4), rounded over several runs, which differ by a third. Node 24, one thread. Estimates are good to a factor of about 1.5 where nothing was calibrated.
 */
export const defaultCostTable: CostTable = {
  transform: 0.16,
  pass: 1.35,
  accumulate: 1.2,
  weight: 2.4,
  multiplyAdd: 0.12,
  read: 20,
  write: 30,
  request: 120,
}

/** What a price depends on. */
export type Priced = Pick<Program, 'packing' | 'encoding' | 'params' | 'steps' | 'relinearise'> & {
  readonly input: Pick<Program['input'], 'level' | 'layout'>
  readonly output: Pick<Program['output'], 'reply' | 'layout'>
}

/** Counts operations, time and bytes of one run of a program without running it; a run takes `samplesPerRun` samples. */
export function costOf(program: Priced, table: CostTable = defaultCostTable): Cost {
  const { ringDegree: n, modulusBits, specialBits, digitSize = Math.max(1, specialBits.length) } = program.params
  const special = specialBits.length
  const transform = (table.transform * n * Math.log2(n)) / 1e6
  const pass = (table.pass * n) / 1e6
  const accumulate = (table.accumulate * n) / 1e6
  const weight = (table.weight * n) / 1e6
  const multiplyAdd = (table.multiplyAdd * n) / 1e6
  const read = (table.read * n) / 1e6
  const write = (table.write * (n + program.output.reply.count)) / 1e6
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

  const tiles = tilesOf(program)
  const parts = partsOf(program)
  const steps = program.steps.map((step, i): StepCost => {
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
    if (step.op === 'linear' && step.map.kind !== 'rotations') {
      const { map } = step
      const products =
        map.kind === 'scalars' ? map.matrix.value.length : tiles[step.input]! * Math.ceil(map.matrix.rows / map.perTile)
      const each = limbs * (map.kind === 'scalars' ? parts[step.input]! * multiplyAdd : weight)
      const relinearise = parts[step.input] === 3 ? decompose(level) + switchKey(level) : 0
      const milliseconds = products * each + tiles[i + 1]! * (relinearise + (step.rescale ? rescale(2, level) : 0))
      return { ...none, plainMultiplications: products, milliseconds }
    }
    if (step.op === 'linear' && step.map.kind === 'rotations') {
      const { plan, diagonals } = step.map
      const hoistedRotations = plan.babies.filter((steps) => steps !== 0).length
      const giants = plan.giants.filter((steps) => steps !== 0).length
      const { targets, blocks } = diagonals
      const rotations = giants * blocks.length + diagonals.folds.length * targets
      const plainMultiplications = blocks.reduce((sum, { offsets }) => sum + offsets.length, 0)
      // Double hoisting: everything over QP until both parts are divided by P once; a giant divides the part that it decomposes.
      const { length: folds } = diagonals.folds
      const hoisted = hoistedRotations + giants > 0
      const milliseconds =
        blocks.length *
          ((hoistedRotations > 0 ? decompose(level) : 0) +
            (hoistedRotations + giants) * innerProduct(level) +
            giants * (modDown(level) + decompose(level) + 2 * extended(level) * pass) +
            (hoisted ? 2 * modDown(level) : 0)) +
        targets * folds * (decompose(level) + switchKey(level) + 2 * limbs * pass) +
        2 * plainMultiplications * (hoisted ? extended(level) : limbs) * accumulate +
        (step.rescale ? targets * rescale(2, level) : 0)
      return {
        ...none,
        hoistedRotations: hoistedRotations * blocks.length,
        rotations,
        plainMultiplications,
        milliseconds,
      }
    }
    const count = tiles[i + 1]!
    if (op === 'add') return { ...none, milliseconds: count * 2 * limbs * pass }
    const waits = parts[i + 1] === 3
    const at = relinearisationLevel(program, step)
    const each =
      5 * limbs * pass +
      (waits ? 0 : decompose(at) + switchKey(at)) +
      (step.rescale ? rescale(waits || program.relinearise === 'after' ? 3 : 2, level) : 0)
    return { ...none, multiplications: count, milliseconds: count * each }
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
  // An encryption of zero at level 0, that replies are masked with: with the keys, or with the query where there are none.
  const maskBytes = 32 + wire(modulusBits.slice(0, 1))
  const keyMemory = levels.reduce((sum, level) => sum + 2 * digits(level) * extended(level) * limbBytes, 0)
  const weights = program.steps.reduce((sum, step, i) => {
    if (step.op !== 'linear') return sum
    const bias = tiles[i + 1]! * (step.level + 1)
    if (step.map.kind === 'scalars') return sum + 16 * step.map.matrix.value.length + bias * limbBytes
    const { rows } = step.map.kind === 'polynomials' ? step.map.matrix : { rows: 0 }
    const products =
      step.map.kind === 'polynomials'
        ? tiles[step.input]! * Math.ceil(rows / step.map.perTile) * (step.level + 1)
        : step.map.diagonals.blocks.reduce((all, { offsets }) => all + offsets.length, 0) * extended(step.level)
    return sum + (products + bias) * limbBytes
  }, 0)
  const working = program.steps.reduce((most, step, i) => {
    const held =
      step.op === 'linear' && step.map.kind === 'rotations'
        ? step.map.plan.babies.length + step.map.plan.giants.length + 3
        : 4
    const vectors = tiles[i + 1]! + Math.max(...inputsOf(step).map((input) => tiles[input]!))
    return Math.max(
      most,
      (2 * held + digits(step.level) + 3) * extended(step.level) * limbBytes +
        2 * vectors * (step.level + 1) * limbBytes,
    )
  }, 0)
  const { input, output } = program
  const ownMask = levels.length === 0
  const limbsRead = input.layout.tiles * (input.level + 1) + (ownMask ? 1 : 0)
  const uploadBytes =
    frameBytes + input.layout.tiles * (32 + wire(modulusBits.slice(0, input.level + 1))) + (ownMask ? maskBytes : 0)
  const answerBytes = frameBytes + output.layout.tiles * replyBytes(n, output.reply)
  const handling = table.request / 1e3 + limbsRead * read + output.layout.tiles * write
  return {
    steps,
    milliseconds: steps.reduce((sum, step) => sum + step.milliseconds, handling),
    memoryBytes: weights + keyMemory + working,
    uploadBytes,
    replyBytes: answerBytes,
    keyBytes: levels.length > 0 ? frameBytes + keyBytes + maskBytes : 0,
  }
}

/** Header and checksum around everything on the wire, and a few fields. */
const frameBytes = 72
