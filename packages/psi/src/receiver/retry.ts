import { GloveboxError } from '@glovebox/he'
import { Refusal } from './http.ts'

/** Time, as retries see it; a test has its own. */
export interface Clock {
  now(): number
  /** Resolves after `ms`, or rejects with the reason of the signal. */
  pause(ms: number, signal?: AbortSignal | undefined): Promise<void>
  /** From 0 to below 1. */
  random(): number
}

export const systemClock: Clock = { now: () => Date.now(), pause, random: () => Math.random() }

export interface RetryOptions {
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Time from the first failure in which it is tried again. */
  readonly retryMs: number
}

const firstDelayMs = 200
const longestDelayMs = 5000

/** Whether another attempt may succeed where nothing else changes: the server could not be reached, is busy or starting, or a proxy lost it. */
function isPassing(error: unknown): error is GloveboxError {
  if (!(error instanceof GloveboxError)) return false
  if (!(error instanceof Refusal)) return error.code === 'unavailable'
  return [408, 425, 429, 500, 502, 503, 504].includes(error.status)
}

/**
 * Repeats what may be repeated without harm, with exponential delays and jitter, until it succeeds, fails for good, or `retryMs` have passed since it failed
 * first. A server that asks for more patience than that is not asked again.
 */
export async function retrying<T>(attempt: () => Promise<T>, { clock, signal, retryMs }: RetryOptions): Promise<T> {
  let firstFailure: number | undefined
  for (let turn = 0; ; turn++) {
    signal?.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (!isPassing(error)) throw error
      firstFailure ??= clock.now()
      // What a server got wrong itself it mostly gets wrong again.
      if (error instanceof Refusal && error.status === 500 && turn > 0) throw error
      const most = Math.min(longestDelayMs, firstDelayMs * 2 ** turn)
      const jitter = most * (0.5 + 0.5 * clock.random())
      const asked = error instanceof Refusal ? (error.retryAfterMs ?? 0) : 0
      const delay = asked > 0 ? asked + jitter / 4 : jitter
      if (clock.now() + delay - firstFailure > retryMs) throw error
      await clock.pause(delay, signal)
    }
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
