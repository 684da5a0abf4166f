import { type Inferred, infer } from '../http/infer.ts'
import { retrying } from '../http/retry.ts'
import { samplesPerRequest } from '../query.ts'
import { answerOf, decryptReply } from '../reply.ts'
import { type Prediction, predictionOf } from './prediction.ts'
import type { CallContext } from './progress.ts'
import type { Encrypted, RemoteModel } from './remote-model.ts'

/** Queries on their way at once: one is encrypted while another is computed on. */
const requestsAtOnce = 2

/** A prediction for each input, in their order, over as many requests as it takes. */
export async function predict(
  remote: RemoteModel,
  inputs: readonly Float64Array[],
  context: CallContext,
): Promise<Prediction[]> {
  const most = samplesPerRequest(remote.model)
  const requests = Array.from({ length: Math.ceil(inputs.length / most) }, (_, i) =>
    inputs.slice(i * most, (i + 1) * most),
  )
  const found: Prediction[][] = []
  // The first that fails ends the others.
  const failed = new AbortController()
  const signal = context.signal ? AbortSignal.any([context.signal, failed.signal]) : failed.signal
  let next = 0
  let done = 0
  context.onProgress?.({ stage: 'infer', done, total: inputs.length })
  const work = async (): Promise<void> => {
    while (next < requests.length) {
      const i = next++
      found[i] = await predictOnce(remote, requests[i]!, { ...context, signal })
      done += found[i].length
      context.onProgress?.({ stage: 'infer', done, total: inputs.length })
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(requestsAtOnce, requests.length) }, work))
  } catch (error) {
    failed.abort(error)
    throw error
  }
  return found.flat()
}

async function predictOnce(
  remote: RemoteModel,
  inputs: readonly Float64Array[],
  context: CallContext,
): Promise<Prediction[]> {
  const { service, clock, retryMs } = remote.environment
  let attempts = 0
  const send = ({ request }: Encrypted): Promise<Inferred> =>
    retrying(
      () => {
        attempts++
        return infer(service, `${remote.path}/infer`, request, context.signal)
      },
      { clock, signal: context.signal, retryMs },
    )
  const { answer, encrypted } = await remote.ask(inputs, send, context)
  return decryptAll(remote, encrypted, answer, inputs.length, attempts, context)
}

/** Whether this works is told to the caller only; the server hears nothing about it. */
export function decryptAll(
  { model }: RemoteModel,
  { held, trace }: Pick<Encrypted, 'held' | 'trace'>,
  { reply, ...took }: Inferred,
  count: number | undefined,
  attempts: number,
  { onProgress }: CallContext,
): Prediction[] {
  const started = performance.now()
  const outputs = decryptReply(model, held.secret, reply, count === undefined ? {} : { count })
  const answers = outputs.map((output) => answerOf(model, output))
  const decryptMs = performance.now() - started
  onProgress?.({ stage: 'decrypt', done: outputs.length, total: outputs.length })
  const whole = { ...trace, ...took, decryptMs, attempts }
  return outputs.map((output, i) => predictionOf(model.part, answers[i]!, output, whole))
}
