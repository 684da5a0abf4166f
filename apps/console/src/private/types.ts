import type { Sample } from '@glovebox/client'

// What the page knows of a model and of predictions. No key is part of it.

export type Stage = 'download' | 'keys' | 'upload' | 'encrypt' | 'infer' | 'decrypt'

export interface Progress {
  readonly stage: Stage
  readonly done: number
  readonly total: number
}

/** A column of the rows that a model takes. */
export interface ColumnInfo {
  readonly name: string
  readonly values?: readonly string[]
  readonly text?: boolean
}

/** What the public part of a model says, for people. */
export interface ModelInfo {
  readonly name: string
  readonly digest: string
  readonly packing: string
  /** BFV is exact: errors come of rounding to integers before. */
  readonly scheme: 'ckks' | 'bfv' | 'bgv'
  readonly ringDegree: number
  readonly modulusBits: number
  readonly security: string
  readonly inputShape: readonly number[]
  readonly outputShape: readonly number[]
  readonly columns?: readonly ColumnInfo[]
  readonly takesText: boolean
  /** How many numbers are encrypted. */
  readonly inputSize: number
  readonly calibrated: { readonly low: number; readonly high: number }
  readonly first: readonly string[]
  readonly last: readonly string[]
  readonly keyBytes: number
  readonly keyCount: number
  readonly expectedMs: number
  readonly relativeError: number
}

/** What a prediction says, after the steps of the client. */
export interface AnswerInfo {
  readonly values: readonly number[]
  readonly probabilities: boolean
  readonly names?: readonly string[]
  readonly label?: string
  readonly contributions?: readonly { readonly name: string; readonly value: number }[]
}

/** What was sent and where the time went. */
export interface Trace {
  readonly keygenMs?: number
  readonly uploadMs?: number
  readonly encryptMs: number
  readonly roundTripMs: number
  readonly computeMs?: number
  readonly waitMs?: number
  /** In which the server prepared the model and read the keys. */
  readonly warmMs?: number
  readonly decryptMs: number
  readonly uploadBytes: number
  readonly replyBytes: number
  /** Sent for this prediction; 0 where the server had them. */
  readonly keyBytes: number
  readonly keysDigest?: string
  readonly requestId?: string
  /** The first bytes of the body as they were sent. */
  readonly query: Uint8Array
}

export interface Prediction {
  readonly answer: AnswerInfo
  readonly output: readonly number[]
  readonly trace: Trace
}

/** Keys that this browser holds for a model. */
export interface KeyState {
  /** Of the evaluation keys, where the model needs some. */
  readonly digest?: string
  readonly created: number
}

export interface PredictOptions {
  readonly pixels?: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

export interface PrivateModel {
  readonly info: ModelInfo
  predict(sample: Sample, options: PredictOptions): Promise<Prediction>
  keys(): Promise<KeyState | undefined>
  forgetKeys(): Promise<void>
  close(): void
}
