import {
  type Ciphertext,
  decodeEvaluationKeys,
  type EvaluationKeys,
  GloveboxError,
  openBfv,
  rotationElement,
} from '@glovebox/he'
import { createField, reduce } from '../field/field.ts'
import type { SetParams } from '../params/set-params.ts'
import { decodeQuery, encodeReply, type ReadOptions } from '../wire/query.ts'
import type { LoadedBundle, Method, Row } from './loaded.ts'
import { matrixMethod } from './matrix.ts'
import { powersMethod } from './powers.ts'

/** Keys of one receiver, decoded. */
export type ReceiverKeys = EvaluationKeys & Disposable

/** A set in memory, ready for queries. Not for two queries at once. */
export interface Evaluator extends Disposable {
  readonly params: SetParams
  /** Bytes of the kernels' memory, of which the polynomials of the set are most. */
  readonly memory: { readonly used: number; readonly peak: number; readonly reserved: number }
  readonly threads: number
  threadsStarted(): Promise<number>
  /**
   * What a receiver uploads once: its Galois keys or relinearisation key.
   * @throws GloveboxError `malformed`, `too-large` above `maxBytes`, `parameters-mismatch`, `missing-key` where one that queries need is not among them.
   */
  decodeKeys(bytes: Uint8Array, maxBytes: number): ReceiverKeys
  /**
   * The reply to a query, both as bytes.
   * @throws GloveboxError as `decodeQuery`; `missing-key` without keys where the set needs them.
   */
  answer(
    query: Uint8Array,
    keys: EvaluationKeys | undefined,
    options: ReadOptions & { readonly epoch: number },
  ): Uint8Array
}

/** Takes rows in order of (bucket, group, bundle, bin), one bundle at a time in memory before it is encoded. */
export function openEvaluator(
  params: SetParams,
  rows: Iterable<Row>,
  options: { readonly threads?: number | 'auto' } = {},
): Evaluator {
  const scheme = openBfv(params.he, options)
  try {
    return params.method === 'powers'
      ? evaluator(scheme, params, powersMethod(scheme, params), rows)
      : evaluator(scheme, params, matrixMethod(scheme, params), rows)
  } catch (error) {
    scheme[Symbol.dispose]()
    throw error
  }
}

function evaluator<B extends LoadedBundle>(
  scheme: ReturnType<typeof openBfv>,
  params: SetParams,
  method: Method<B>,
  rows: Iterable<Row>,
): Evaluator {
  const buckets = new Map<number, B[]>()
  for (const bundle of bundlesOf(params, rows)) {
    const loaded = method.load(bundle.map((row) => randomised(params, row)))
    const list = buckets.get(loaded.bucket)
    if (list) list.push(loaded)
    else buckets.set(loaded.bucket, [loaded])
  }
  return {
    params,
    get memory() {
      return scheme.memory
    },
    get threads() {
      return scheme.threads
    },
    threadsStarted: () => scheme.threadsStarted(),
    decodeKeys(bytes, maxBytes) {
      const keys = decodeEvaluationKeys(scheme, bytes, { maxBytes })
      const missing =
        params.relinearise && keys.relinearisation === undefined
          ? 'the relinearisation key'
          : params.rotations.find((steps) => !keys.galois.has(rotationElement(scheme.ring, steps)))
      if (missing === undefined) return keys
      keys[Symbol.dispose]()
      throw new GloveboxError(
        'missing-key',
        `the keys lack ${typeof missing === 'string' ? missing : `the Galois key for ${missing} steps`}: make them with createQueryKeys for these parameters`,
      )
    },
    answer(bytes, keys, options) {
      const { epoch } = options
      const query = decodeQuery(params, scheme, bytes, options)
      let replies: Ciphertext[] = []
      try {
        if (query.epoch !== epoch)
          throw new GloveboxError(
            'parameters-mismatch',
            `the query is for epoch ${query.epoch}, this set is in epoch ${epoch}: ask for the set again, and send new items through the OPRF`,
          )
        const bundles = buckets.get(query.bucket) ?? []
        replies = method.evaluate(query.ciphertexts, bundles, keys)
        return encodeReply(params, epoch, bundles, replies, options.hash)
      } finally {
        for (const value of [...query.ciphertexts, ...replies]) value[Symbol.dispose]()
      }
    },
    [Symbol.dispose]: () => scheme[Symbol.dispose](),
  }
}

/**
 * Label polynomials and random multiples, other than 0, of the matching polynomials: the same at the items and random elsewhere. With few items they
 * would be constants otherwise, and their products with ciphertexts transparent.
 */
function randomised(params: SetParams, row: Row): Row {
  const { feltsPerItem: k, coefficients: length, polynomials, t } = params
  if (polynomials === 1) return row
  const field = createField(t)
  const random = crypto.getRandomValues(new Uint32Array((polynomials - 1) * k))
  const coefficients = row.coefficients.slice()
  for (let i = 0; i < random.length; i++) {
    const factor = 1 + (random[i]! % (t - 1))
    const matching = (i % k) * length
    const label = (k + i) * length
    for (let d = 0; d < length; d++)
      coefficients[label + d] = reduce(field, coefficients[label + d]! + factor * coefficients[matching + d]!)
  }
  return { ...row, coefficients }
}

/** Consecutive rows of one (bucket, group, bundle), one for each bin of the group: one that lacks would be a polynomial of zeros, which finds whatever is asked for. */
function* bundlesOf(params: SetParams, rows: Iterable<Row>): Generator<Row[]> {
  let open: Row[] = []
  for (const row of rows) {
    const first = open[0]
    if (first && (row.bucket !== first.bucket || row.group !== first.group || row.bundle !== first.bundle)) {
      yield whole(params, open)
      open = []
    }
    open.push(row)
  }
  if (open.length > 0) yield whole(params, open)
}

function whole({ bins, binsPerGroup }: SetParams, rows: Row[]): Row[] {
  const { bucket, group, bundle } = rows[0]!
  const wanted = Math.min(binsPerGroup, bins - group * binsPerGroup)
  if (rows.length === wanted && rows.every(({ bin }, i) => bin === i)) return rows
  throw new GloveboxError(
    'malformed',
    `bundle ${bundle} of group ${group} in bucket ${bucket} expected the bins 0 to ${wanted - 1} in order, got ${rows.length} rows: the set is damaged, build it anew`,
  )
}
