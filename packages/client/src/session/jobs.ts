import { type ErrorCode, GloveboxError } from '@glovebox/he'
import { freshId, readInferAnswer } from '../http/infer.ts'
import { retrying } from '../http/retry.ts'
import { type Answer, codeNamed, oneLine, Refusal } from '../http/service.ts'
import { decryptAll } from './predict.ts'
import type { Prediction } from './prediction.ts'
import type { CallContext } from './progress.ts'
import type { Encrypted, RemoteModel } from './remote-model.ts'

/** What a job is at. */
export type JobStatus = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** A job as its server tells of it. */
export interface JobState {
  /** By which the server knows it. */
  readonly id: string
  /** What it is at. */
  readonly status: JobStatus
  /** Samples that are computed, where the server counts them. */
  readonly done?: number
  /** Samples in all, where the server counts them. */
  readonly total?: number
  /** Why it failed. */
  readonly error?: { readonly code: ErrorCode; readonly message: string }
  /** Digest of the evaluation keys that it is computed with, where the server tells it. */
  readonly keys?: string
}

/** The jobs of a model that this session knows the keys of. */
export interface Jobs {
  submit(inputs: readonly Float64Array[], context: CallContext): Promise<JobState>
  state(id: string, context: CallContext): Promise<JobState>
  /** Waits for it. Throws GloveboxError with the server's reason where it failed or was cancelled. */
  result(id: string, context: CallContext): Promise<Prediction[]>
  cancel(id: string, context: CallContext): Promise<void>
}

/** What is kept of a job that was submitted here: not its query, which may have megabytes. */
interface Submitted extends Pick<Encrypted, 'held' | 'trace'> {
  /** Id of its request. */
  readonly query: string
  readonly uploadBytes: number
  readonly count: number
}

/** Of the state of a job, asked again and again: from the first to the last, by factors of 1.5. */
const [firstPollMs, lastPollMs] = [150, 5000]
const idForm = /^[\w-]{1,128}$/
const statuses: readonly string[] = ['queued', 'running', 'done', 'failed', 'cancelled'] satisfies JobStatus[]

export function openJobs(remote: RemoteModel): Jobs {
  const { service, clock, retryMs } = remote.environment
  /** What was encrypted for jobs that were submitted here. */
  const known = new Map<string, Submitted>()
  const request = (method: string, id: string, what: string, context: CallContext): Promise<Answer> =>
    retrying(() => service.request(method, `/v2/jobs/${encodeURIComponent(id)}${what}`, { signal: context.signal }), {
      clock,
      signal: context.signal,
      retryMs,
    })
  const state = async (id: string, context: CallContext): Promise<JobState> =>
    readState(await request('GET', id, '', context))

  return {
    state,
    async submit(inputs, context) {
      const key = freshId()
      const send = async ({ request: { body, headers } }: Encrypted): Promise<JobState> =>
        readState(
          await retrying(
            () =>
              service.request('POST', `${remote.path}/jobs`, {
                body,
                headers: { ...headers, 'idempotency-key': key },
                signal: context.signal,
              }),
            { clock, signal: context.signal, retryMs },
          ),
        )
      const { answer, encrypted } = await remote.ask(inputs, send, context)
      const { held, trace, request } = encrypted
      const submitted = { held, trace, query: request.id, uploadBytes: request.body.length, count: inputs.length }
      known.set(answer.id, submitted)
      return answer
    },
    async result(id, context) {
      let delay = firstPollMs
      let keys: string | undefined
      for (;;) {
        const now = await state(id, context)
        if (now.total !== undefined) context.onProgress?.({ stage: 'infer', done: now.done ?? 0, total: now.total })
        if (now.status === 'failed')
          throw new GloveboxError(
            now.error?.code ?? 'unavailable',
            `the job ${id} failed: ${now.error?.message ?? 'no reason given'}`,
          )
        if (now.status === 'cancelled') throw new GloveboxError('not-found', `the job ${id} was cancelled`)
        keys = now.keys
        if (now.status === 'done') break
        await clock.pause(delay * (0.8 + 0.4 * clock.random()), context.signal)
        delay = Math.min(lastPollMs, 1.5 * delay)
      }
      const started = performance.now()
      const answer = await request('GET', id, '/result', context)
      const roundTripMs = performance.now() - started
      const own = known.get(id)
      // A server names the query, or the job.
      const read = readInferAnswer(answer, id, own?.query)
      const took = { ...read, roundTripMs, uploadBytes: own?.uploadBytes ?? 0 }
      return decryptAll(remote, own ?? (await takenUp(remote, keys, context)), took, own?.count, 1, context)
    },
    async cancel(id, context) {
      known.delete(id)
      try {
        await request('DELETE', id, '', context)
      } catch (error) {
        if (!(error instanceof Refusal && error.status === 404)) throw error
      }
    },
  }
}

/** The keys of a job that was submitted before this session began: those that are kept. */
async function takenUp(
  remote: RemoteModel,
  keys: string | undefined,
  context: CallContext,
): Promise<Pick<Encrypted, 'held' | 'trace'>> {
  const kept = await remote.ring.peek()
  if (kept?.digest === undefined || (keys !== undefined && keys !== kept.digest))
    throw new GloveboxError('missing-key', 'the keys under which the job was encrypted are not here')
  const held = await remote.ring.current(context)
  const trace = { samples: 0, keygenMs: 0, uploadMs: 0, keyBytes: 0, encryptMs: 0 }
  return { held, trace: { ...trace, query: new Uint8Array(0), keysDigest: held.digest } }
}

function readState({ body }: Answer): JobState {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(body))
  } catch {}
  const { id, status, done, total, error, keys } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (typeof id !== 'string' || !idForm.test(id) || typeof status !== 'string' || !statuses.includes(status))
    throw new GloveboxError('malformed', 'the answer of the server about a job expected an id and a status')
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return {
    id,
    status: status as JobStatus,
    ...(typeof done === 'number' && { done }),
    ...(typeof total === 'number' && { total }),
    ...(typeof message === 'string' && {
      error: { code: codeNamed(code) ?? 'unavailable', message: oneLine(message) },
    }),
    ...(typeof keys === 'string' && { keys }),
  }
}
