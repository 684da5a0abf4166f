import type { RemoteModel, Sample } from '@glovebox/client'
import type { Answer, CompileOptions, Model } from '@glovebox/ml'

/** Where the inputs of a demo come from. */
export type Provenance = 'real' | 'resampled' | 'synthetic'

/** One of the things that private AI can do, as `glovebox demo` shows it. */
export interface Demo {
  readonly name: string
  /** For the list of demos. */
  readonly summary: string
  /** What is asked, in a sentence. */
  readonly question: string
  /** What was reported for the same task before, with its year. */
  readonly before: string
  /** Samples where none are asked for, and the most that there are without `--data`. */
  readonly samples: { readonly usual: number; readonly most: number }
  /** The name of a demo that people are shown after this one. */
  readonly also?: string
  load(options: LoadOptions): Promise<Task>
  /** What `--json` prints besides and before the result. */
  readonly json?: (run: DemoRun) => object
}

export interface LoadOptions {
  readonly samples: number
  /** A folder with the real data sets; undefined: what comes with npm packages, or synthetic inputs. */
  readonly data: string | undefined
}

/** A model, inputs for it, and what is known about them. */
export interface Task {
  readonly model: Model
  /** Calibration samples, batch size and what else compilation has to know. */
  readonly compile: CompileOptions
  /** As a client has them, before anything is prepared. */
  readonly inputs: readonly Sample[]
  readonly provenance: Provenance
  /** What the inputs are, in a sentence. */
  readonly source: string
  /** Samples of one request; all of a batch. */
  readonly together: number
  /** Inputs that the server adds up encrypted, to answer for their sum: their outputs come behind those of the inputs. */
  readonly sums?: readonly (readonly number[])[]
  readonly metric: Metric
  /** The outputs of the model by a second implementation, which shares no code with the compiler. */
  reference(): readonly ArrayLike<number>[]
  /** A picture or a chart of what came back, for a terminal of so many columns. Files go to `out`. */
  picture(outcome: Outcome, columns: number, out: string): string | Promise<string>
}

/** How good answers are, from the outputs of the model; undefined where the truth is not known, as for synthetic inputs. */
export interface Metric {
  /** Accuracy, AUC, r, RMSE … */
  readonly name: string
  readonly score: (outputs: readonly ArrayLike<number>[]) => number | undefined
}

/** What came back for the inputs, in their order. */
export interface Outcome {
  /** Decrypted. */
  readonly outputs: readonly Float64Array[]
  readonly answers: readonly Answer[]
  /** By the model in the clear. */
  readonly clear: readonly Float64Array[]
}

/** What a demo shows. */
export interface DemoRun {
  readonly task: Task
  readonly model: RemoteModel
  readonly outcome: Outcome
  readonly result: DemoResult
  /** From the first byte of a query sent to the last of its reply received; the median. */
  readonly roundTripMs: number
  /** The first bytes of ciphertext that the server got. */
  readonly seen: Uint8Array
}

/** What `glovebox demo NAME --json` prints. */
export interface DemoResult {
  readonly name: string
  readonly samples: number
  readonly metric: string
  /** Scores of the model in the clear, of its encrypted program, and of a second implementation; null where the truth is not known. */
  readonly clear: number | null
  readonly encrypted: number | null
  readonly reference: number | null
  /** Largest difference between an encrypted and a clear output, relative to the largest output. */
  readonly maxError: number
  /** Compute of the server: the median of a request, and by sample. */
  readonly serverMs: number
  readonly serverMsPerSample: number
  /** All samples by the time that they took together, with as many requests at a time as the server has threads. */
  readonly samplesPerSecond: number
  readonly keygenMs: number
  /** Bodies of a request and its answer. */
  readonly uploadBytes: number
  readonly replyBytes: number
  /** Evaluation keys, uploaded once; 0 where there are none. */
  readonly keyBytes: number
  readonly packing: string
  readonly ringDegree: number
  readonly logQP: number
  readonly threads: number
  readonly data: Provenance
  /** What the compiler expected of a run on one thread, with the costs of this machine where `glovebox calibrate` has measured them. */
  readonly estimateMs: number
}
