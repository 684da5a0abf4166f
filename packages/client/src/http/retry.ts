import { GloveboxError } from '@glovebox/he'
import { Refusal } from './service.ts'

/** Time, as retries and expiry see it; a test has its own. */
export interface Clock {
  /** Milliseconds since 1970. */
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
  /** Called before every other attempt. */
  readonly onRetry?: (error: GloveboxError) => void
}

const firstDelayMs = 200
const longestDelayMs = 5000
/** A server that asks for more patience than this is asked sooner. */
const longestRetryAfterMs = 30_000

/**
 * Whether another attempt may succeed where nothing else changes: the server could not be reached, is busy (429, 503), a proxy lost it (502, 504), or it
 * failed (500). What it refused it would refuse again.
 */
export function isPassing(error: unknown): error is GloveboxError {
  if (!(error instanceof GloveboxError)) return false
  if (!(error instanceof Refusal)) return error.code === 'unavailable'
  return [408, 425, 429, 500, 502, 503, 504].includes(error.status)
}

/** How long to wait before attempt `turn` + 1: exponential with jitter, so that many clients of one server do not come back at once. */
export function delayOf(turn: number, error: unknown, clock: Clock): number {
  const most = Math.min(longestDelayMs, firstDelayMs * 2 ** turn)
  const asked = error instanceof Refusal ? (error.retryAfterMs ?? 0) : 0
  const jitter = most * (0.5 + 0.5 * clock.random())
  return asked > 0 ? Math.min(longestRetryAfterMs, asked) + jitter / 4 : jitter
}

/** Runs what may be repeated without harm until it succeeds, fails for good, or `retryMs` have passed since it failed first. */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, retryMs, onRetry } = options
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
      const delay = delayOf(turn, error, clock)
      if (clock.now() + delay - firstFailure > retryMs) throw error
      onRetry?.(error)
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
