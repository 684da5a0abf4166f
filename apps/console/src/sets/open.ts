import type { Answer, FromWorker, Item, Stage, ToWorker } from './types.ts'

/** A set of the service, asked by a worker: what is asked for leaves this browser only blinded and encrypted. */
export interface AskedSet {
  check(items: readonly Item[], options: CheckOptions): Promise<Answer>
  close(): void
}

export interface CheckOptions {
  readonly signal: AbortSignal
  readonly onProgress: (stage: Stage) => void
}

/** What the worker could not do; `code` as of a GloveboxError. */
export class SetError extends Error {
  readonly code: string | undefined
  constructor(message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

interface Waiting extends CheckOptions {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

export function openSet(name: string, token: string | undefined): AskedSet {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<number, Waiting>()
  const say = (message: ToWorker): void => worker.postMessage(message)
  const failAll = (error: unknown): void => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  let next = 0
  let broken: SetError | undefined
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    if ('progress' in data) waiting.get(data.progress.id)?.onProgress(data.progress.stage)
    else if ('done' in data) {
      waiting.get(data.done.id)?.resolve(data.done.answer)
      waiting.delete(data.done.id)
    } else {
      const { id, message, code } = data.failed
      waiting.get(id)?.reject(new SetError(message, code))
      waiting.delete(id)
    }
  })
  worker.addEventListener('error', () => {
    broken = new SetError('The script that asks could not be started: load this page again.', undefined)
    failAll(broken)
  })
  say({ open: { url: location.origin, name, ...(token !== undefined && { token }) } })
  return {
    check(items, options) {
      return new Promise((resolve, reject) => {
        if (broken) throw broken
        const id = next++
        const { signal } = options
        waiting.set(id, { ...options, resolve, reject })
        signal.addEventListener('abort', () => {
          if (!waiting.delete(id)) return
          say({ abort: id })
          reject(signal.reason)
        })
        say({ check: { id, items } })
      })
    },
    close() {
      worker.terminate()
      failAll(new SetError('closed', undefined))
    },
  }
}
