import { type EncryptedModel, glovebox, type PrivatePrediction } from '@glovebox/client'
import { infoOf } from './info.ts'
import type { AnswerInfo, KeyState, Prediction, PrivateModel, Trace } from './types.ts'

export interface OpenOptions {
  readonly url: string
  readonly model: string
  readonly version?: string
  readonly token?: string
}

/** A server that is away for longer is an error: somebody is looking. */
const retryMs = 15_000

/** A model of the service, by the client's SDK: keys, encryption and decryption are in a worker of it, keys are kept in IndexedDB. */
export async function openPrivate(
  { url, model, version, token }: OpenOptions,
  signal: AbortSignal,
): Promise<PrivateModel> {
  const service = glovebox(url, { retryMs, ...(token !== undefined && { token }) })
  try {
    const opened = await service.model(model, { signal, ...(version !== undefined && { version }) })
    return {
      info: infoOf(opened.part),
      predict: async (sample, options) => predictionOf(opened, await opened.predict(sample, options)),
      keys: () => keysOf(opened),
      forgetKeys: () => opened.forgetKeys(),
      close: () => void service.close(),
    }
  } catch (error) {
    void service.close()
    throw error
  }
}

type Opened = Pick<EncryptedModel<never>, 'keys' | 'part'>

async function keysOf({ keys }: Opened): Promise<KeyState | undefined> {
  const kept = await keys()
  return kept && { created: kept.created, ...(kept.digest !== undefined && { digest: kept.digest }) }
}

function predictionOf({ part }: Opened, { trace, outputs, ...said }: PrivatePrediction): Prediction {
  const { label, scores, values, probabilities, contributions } = said
  const names = Object.keys(scores)
  // Names that are only places are none.
  const named = names.some((name, i) => name !== String(i))
  // Where a model says nothing of classes, the largest of several values is no answer.
  const classes = probabilities || part.output.after.some((step) => step.op === 'labels')
  const answer: AnswerInfo = {
    values,
    probabilities,
    ...(named && { names }),
    ...(classes && label !== undefined && { label }),
    ...(contributions && { contributions }),
  }
  return { answer, output: [...outputs], trace: traceOf(trace, part.keys) }
}

function traceOf(trace: PrivatePrediction['trace'], keys: Opened['part']['keys']): Trace {
  const { keygenMs, uploadMs, waitMs, warmMs, computeMs, keysDigest, requestId, ...rest } = trace
  const needed = keys.rotations.length > 0 || keys.relinearisation !== undefined
  return {
    ...rest,
    ...(keygenMs > 0 && { keygenMs }),
    ...(trace.keyBytes > 0 && { uploadMs }),
    ...(computeMs !== undefined && { computeMs }),
    ...(waitMs !== undefined && { waitMs }),
    ...(warmMs !== undefined && { warmMs }),
    ...(needed && keysDigest !== undefined && { keysDigest }),
    ...(requestId !== undefined && { requestId }),
  }
}
