/** Why the program is as it is; public, for people and for tables. */
export interface Report {
  readonly notes: readonly string[]
  /** What the calibration samples were. */
  readonly calibration: string
  /** Largest |output| over the calibration samples. */
  readonly largestOutput: number
  /** Predicted largest error of an output (4 standard deviations) relative to `largestOutput`. */
  readonly relativeError: number
  readonly targetError: number
}

/** What a step does, and how long it takes. */
export interface StepCost {
  readonly name: string
  readonly op: 'linear' | 'multiply' | 'add'
  readonly level: number
  readonly hoistedRotations: number
  readonly rotations: number
  readonly plainMultiplications: number
  readonly multiplications: number
  readonly rescales: number
  readonly milliseconds: number
}

export interface Cost {
  readonly steps: readonly StepCost[]
  /** Server compute for one sample on one thread. */
  readonly milliseconds: number
  /** Memory of keys, weights and working values in the kernels; a Node process adds about 150 MB. */
  readonly memoryBytes: number
  readonly uploadBytes: number
  readonly replyBytes: number
  readonly keyBytes: number
}
