import { GloveboxError } from '@glovebox/he'
import type { CallContext, Progress } from '../session/progress.ts'
import { receiveError, type SentError, sendError } from './errors.ts'

/** One end of a line between two threads. */
export interface Line {
  post(message: Message): void
  /** Of the other end. Called once, before anything is posted. */
  onMessage(listener: (message: Message) => void): void
}

export type Message =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly args: unknown }
  | { readonly kind: 'abort'; readonly id: number; readonly error: SentError }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'value'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: SentError }

type Method = (args: never, context: CallContext) => Promise<unknown>
type ArgsOf<F> = F extends (args: infer A, ...rest: never[]) => unknown ? A : never
type ResultOf<F> = F extends (...args: never) => Promise<infer R> ? R : never

/** Calls methods of the other end. */
export type Caller<M> = <K extends keyof M & string>(
  method: K,
  args: ArgsOf<M[K]>,
  context?: CallContext,
) => Promise<ResultOf<M[K]>>

export interface Channel<M> {
  readonly call: Caller<M>
  /** Fails what is under way and all calls to come. */
  fail(error: Error): void
  /** Calls under way. */
  readonly pending: number
}

interface Pending {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
  readonly onProgress: CallContext['onProgress']
}

/** Calls over a line, in both directions: `methods` are what the other end may call. */
export function openChannel<Theirs>(line: Line, methods: object): Channel<Theirs> {
  const pending = new Map<number, Pending>()
  const served = new Map<number, AbortController>()
  let next = 0
  let failed: Error | undefined

  const serve = async (id: number, name: string, args: unknown): Promise<void> => {
    const abort = new AbortController()
    served.set(id, abort)
    try {
      const method = Object.hasOwn(methods, name) ? (methods as Record<string, Method>)[name] : undefined
      if (!method)
        throw new GloveboxError(
          'unsupported',
          `there is no ${name} on the other side: two versions of the client are mixed`,
        )
      const onProgress = (progress: Progress): void => line.post({ kind: 'progress', id, progress })
      const value = await method(args as never, { signal: abort.signal, onProgress })
      line.post({ kind: 'value', id, value })
    } catch (error) {
      line.post({ kind: 'error', id, error: sendError(error) })
    } finally {
      served.delete(id)
    }
  }

  line.onMessage((message) => {
    const { id } = message
    const waiting = pending.get(id)
    switch (message.kind) {
      case 'call':
        void serve(id, message.method, message.args)
        break
      case 'abort':
        served.get(id)?.abort(receiveError(message.error))
        break
      case 'progress':
        waiting?.onProgress?.(message.progress)
        break
      case 'value':
        waiting?.resolve(message.value as never)
        pending.delete(id)
        break
      case 'error':
        waiting?.reject(receiveError(message.error))
        pending.delete(id)
    }
  })

  return {
    call: async (method, args, { signal, onProgress } = {}) => {
      if (failed) throw failed
      signal?.throwIfAborted()
      const id = next++
      let abort: (() => void) | undefined
      try {
        return await new Promise<never>((resolve, reject) => {
          pending.set(id, { resolve, reject, onProgress })
          abort = () => {
            // The caller need not wait for the other thread to hear of it.
            pending.delete(id)
            line.post({ kind: 'abort', id, error: sendError(signal?.reason) })
            reject(signal?.reason)
          }
          signal?.addEventListener('abort', abort, { once: true })
          line.post({ kind: 'call', id, method, args })
        })
      } finally {
        if (abort) signal?.removeEventListener('abort', abort)
        pending.delete(id)
      }
    },
    fail(error) {
      failed ??= error
      for (const { reject } of pending.values()) reject(failed)
      pending.clear()
    },
    get pending() {
      return pending.size
    },
  }
}
