import type { ApproximationReport } from '../passes/approximate.ts'

/** Why the program is as it is; public, for people and for tables. */
export interface Report {
  /** What a reader should know, in sentences. */
  readonly notes: readonly string[]
  /** What activations became, of models that have some. */
  readonly approximation?: ApproximationReport
  /** What was looked at, cheapest first; the first one was taken. */
  readonly alternatives: readonly Alternative[]
  /** What the calibration samples were. */
  readonly calibration: string
  /** Largest |output| over the calibration samples, and their sums; in units of its own where the program's output has `units`. */
  readonly largestOutput: number
  /** Predicted largest error of an output (4 standard deviations, 6 or 8 in a batch) relative to `largestOutput`. */
  readonly relativeError: number
  /** What was asked for, in units of the largest output. */
  readonly targetError: number
}

/** A way to compute the model that the compiler looked at, with its price for the batch size and link that were asked for. */
export interface Alternative {
  /** How samples lie in ciphertexts. */
  readonly packing: 'coefficient' | 'slots' | 'batch'
  /** N. */
  readonly ringDegree: number
  /** How vectors are laid out, for people. */
  readonly layout: string
  /** What one sample takes, in milliseconds: compute on one thread, transport of query and reply, and a thousandth of the keys. Undefined where it cannot be. */
  readonly milliseconds?: number
  /** Of these, compute. */
  readonly computeMilliseconds?: number
  /** Bytes of a query and a reply, divided by the samples in it. */
  readonly bytes?: number
  /** Evaluation keys. */
  readonly keyBytes?: number
  /** Why it is out of the question. */
  readonly reason?: string
}

/** What a step does, and how long it takes. */
export interface StepCost {
  /** Of the step. */
  readonly name: string
  /** Which operation it is. */
  readonly op: 'linear' | 'multiply' | 'add'
  /** At which it begins. */
  readonly level: number
  /** Rotations that share a decomposition. */
  readonly hoistedRotations: number
  /** Rotations, each with its own decomposition. */
  readonly rotations: number
  /** Products of a ciphertext and a plaintext. */
  readonly plainMultiplications: number
  /** Products of ciphertexts, each with its relinearisation. */
  readonly multiplications: number
  /** Divisions by a prime. */
  readonly rescales: number
  /** Estimated for one thread. */
  readonly milliseconds: number
}

/** An estimate of one prediction: times in milliseconds, sizes in bytes. */
export interface Cost {
  /** Step by step. */
  readonly steps: readonly StepCost[]
  /** Server compute for one sample on one thread. */
  readonly milliseconds: number
  /** Memory of keys, weights and working values in the kernels; a Node process adds about 150 MB. */
  readonly memoryBytes: number
  /** One query. */
  readonly uploadBytes: number
  /** One reply. */
  readonly replyBytes: number
  /** The evaluation keys, sent once. */
  readonly keyBytes: number
}
