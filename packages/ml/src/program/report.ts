/** Why the program is as it is; public, for people and for tables. */
export interface Report {
  /** What a reader should know, in sentences. */
  readonly notes: readonly string[]
  /** What the calibration samples were. */
  readonly calibration: string
  /** Largest |output| over the calibration samples. */
  readonly largestOutput: number
  /** Predicted largest error of an output (4 standard deviations) relative to `largestOutput`. */
  readonly relativeError: number
  /** What was asked for, in units of the largest output. */
  readonly targetError: number
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
