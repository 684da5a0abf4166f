import type { Answer, ClientPart } from '@glovebox/ml'

/** What a model takes and says, for the compiler: `typesOf` writes it. */
export interface ModelTypes {
  /** What `predict` takes. */
  readonly input: unknown
  /** Class names, or undefined where a model knows none. */
  readonly label: string | undefined
  /** What `scores` has. */
  readonly score: string
}

/**
 * What one prediction says. Decrypted values tell about the secret key: do not hand them back to whoever computed them (SECURITY.md).
 * @template T What the model takes and says.
 */
export interface Prediction<T extends ModelTypes = ModelTypes> {
  /**
   * The class that is most likely. Of a model with several outputs and nothing said about them it is the index of the largest; undefined where a model
   * does not tell classes.
   */
  readonly label: T['label']
  /** The values by name; where the model gives them no names, by index: '0', '1', …. */
  readonly scores: { readonly [name in T['score']]: number }
  /** Whether the scores are probabilities. */
  readonly probabilities: boolean
  /** The values in their order. */
  readonly values: readonly number[]
  /** What each feature adds to the total, of models that say so. */
  readonly contributions?: readonly { readonly name: string; readonly value: number }[]
  /** The raw outputs of the encrypted program, before probabilities and names. */
  readonly outputs: Float64Array
  /** Where time and bytes went, of the request in which this sample was. */
  readonly trace: Trace
}

/** Where time and bytes of one request went: times in milliseconds, sizes in bytes. */
export interface Trace {
  /** Samples in the request. */
  readonly samples: number
  /** Making of keys, 0 where there were some. */
  readonly keygenMs: number
  /** Until the server had the keys. */
  readonly uploadMs: number
  /** Of evaluation keys that went up, 0 where the server had them. */
  readonly keyBytes: number
  /** Preparing and encrypting. */
  readonly encryptMs: number
  /** From the first byte of the query sent to the last of the reply received. */
  readonly roundTripMs: number
  /** What the server says that it waited for a thread. */
  readonly waitMs: number | undefined
  /** What the server says that it read keys and prepared the model for, where they were not in memory. */
  readonly warmMs: number | undefined
  /** What the server says that it computed for. */
  readonly computeMs: number | undefined
  /** Reading the answer. */
  readonly decryptMs: number
  /** Body of the request. */
  readonly uploadBytes: number
  /** Body of the answer. */
  readonly replyBytes: number
  /** How often it was asked: more than 1 where the server was away, or had lost the keys. */
  readonly attempts: number
  /** The first bytes of the request's body, at most 4096, to show what leaves. */
  readonly query: Uint8Array
  /** By which the server knows the evaluation keys. */
  readonly keysDigest: string | undefined
  /** By which the server's log knows the request. */
  readonly requestId: string | undefined
}

/** The prediction of one sample, of its raw output and the answer that the model makes of it. */
export function predictionOf(
  part: Pick<ClientPart, 'output'>,
  { values, names, label, probabilities, contributions }: Answer,
  outputs: Float64Array,
  trace: Trace,
): Prediction {
  const name = names ?? values.map((_, i) => String(i))
  return {
    label: label ?? (indexed(part.output.after, values.length) ? largest(values) : undefined),
    scores: Object.fromEntries(values.map((value, i) => [name[i]!, value])),
    probabilities,
    values,
    ...(contributions && { contributions }),
    outputs,
    trace,
  }
}

/** Whether a model leaves it to its client to see which output is largest: several, with nothing said about them but that they are shares of a whole. */
export function indexed(after: ClientPart['output']['after'], values: number): boolean {
  return values > 1 && after.every((step) => step.op === 'softmax' && step.along === undefined)
}

function largest(values: readonly number[]): string {
  return String(values.reduce((best, value, i) => (value > values[best]! ? i : best), 0))
}
