import type { CallContext, Progress } from './progress.ts'

/** Of the work that is shared. */
export interface SharedContext {
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/**
 * Work that several callers wait for and that is done once at a time. Each may give up for itself; when the last one has, so does the work. A result is not
 * kept: a call after the end starts anew.
 */
export function createShared<T>(work: (context: SharedContext) => Promise<T>): (c: CallContext) => Promise<T> {
  interface Running {
    readonly result: Promise<T>
    readonly abort: AbortController
    readonly listeners: Set<(progress: Progress) => void>
    waiting: number
  }
  let current: Running | undefined

  const start = (): Running => {
    const abort = new AbortController()
    const listeners: Running['listeners'] = new Set()
    const tell = (progress: Progress): void => {
      for (const listener of listeners) listener(progress)
    }
    const result = work({ signal: abort.signal, onProgress: tell })
    const running: Running = { result, abort, listeners, waiting: 0 }
    const end = (): void => {
      if (current === running) current = undefined
    }
    result.then(end, end)
    return running
  }

  return async ({ signal, onProgress }) => {
    signal?.throwIfAborted()
    current ??= start()
    const running = current
    running.waiting++
    if (onProgress) running.listeners.add(onProgress)
    let leave = (): void => undefined
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal?.reason)
      signal?.addEventListener('abort', leave, { once: true })
    })
    try {
      return await Promise.race([running.result, left])
    } finally {
      signal?.removeEventListener('abort', leave)
      if (onProgress) running.listeners.delete(onProgress)
      if (--running.waiting === 0 && signal?.aborted) {
        if (current === running) current = undefined
        running.abort.abort(signal.reason)
      }
    }
  }
}
