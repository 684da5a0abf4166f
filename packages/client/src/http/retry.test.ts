import { GloveboxError } from '@glovebox/he'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../test/clock.ts'
import { retrying, systemClock } from './retry.ts'
import { Refusal } from './service.ts'

const gone = () => new GloveboxError('unavailable', 'gone')
const busy = (status: number, retryAfterMs?: number) => new Refusal('unavailable', 'busy', status, retryAfterMs)

/** Fails with each error in turn, then succeeds. */
function failing(...errors: readonly unknown[]) {
  const left = [...errors]
  let attempts = 0
  return {
    attempt: async () => {
      attempts++
      if (left.length > 0) throw left.shift()
      return 'done'
    },
    get attempts() {
      return attempts
    },
  }
}

describe('what fails for a moment', () => {
  test.each([
    ['a connection that is lost', gone()],
    ...[408, 425, 429, 500, 502, 503, 504].map((status): [string, unknown] => [`status ${status}`, busy(status)]),
  ])('%s is tried again', async (_, error) => {
    const work = failing(error)
    await expect(retrying(work.attempt, { clock: fakeClock(), retryMs: 1000 })).resolves.toBe('done')
    expect(work.attempts).toBe(2)
  })

  test('is waited for longer each time, with jitter, and at most 5 s', async () => {
    const clock = fakeClock()
    const work = failing(...Array.from({ length: 8 }, gone))
    await retrying(work.attempt, { clock, retryMs: 60_000 })
    expect(clock.pauses).toEqual([150, 300, 600, 1200, 2400, 3750, 3750, 3750])
  })

  test('is waited for as the server asks, but not for ever', async () => {
    const clock = fakeClock()
    await retrying(failing(busy(503, 7000), busy(429, 86_400_000)).attempt, { clock, retryMs: 60_000 })
    expect(clock.pauses[0]).toBeGreaterThanOrEqual(7000)
    expect(clock.pauses[1]).toBeGreaterThanOrEqual(30_000)
    expect(clock.pauses[1]).toBeLessThan(31_000)
  })

  test('is an error when time is up', async () => {
    const clock = fakeClock()
    const work = failing(...Array.from({ length: 99 }, gone))
    const started = clock.now()
    await expect(retrying(work.attempt, { clock, retryMs: 2000 })).rejects.toThrow('gone')
    expect(clock.now() - started).toBeLessThanOrEqual(2000)
    expect(work.attempts).toBe(4)
  })
})

test.each([
  ['a refusal', new Refusal('malformed', 'no', 400, undefined)],
  ['no right', new Refusal('unauthorised', 'no', 401, undefined)],
  ['a conflict', new Refusal('parameters-mismatch', 'no', 409, undefined)],
  ['too much', new Refusal('too-large', 'no', 413, undefined)],
  ['a mistake in arguments', new RangeError('no')],
])('%s is final', async (_, error) => {
  const work = failing(error)
  await expect(retrying(work.attempt, { clock: fakeClock(), retryMs: 60_000 })).rejects.toBe(error)
  expect(work.attempts).toBe(1)
})

test('an internal error of the server is tried once more, not for a minute', async () => {
  const work = failing(busy(500), busy(500), busy(500))
  await expect(retrying(work.attempt, { clock: fakeClock(), retryMs: 60_000 })).rejects.toMatchObject({ status: 500 })
  expect(work.attempts).toBe(2)
})

test('a pause ends with the signal, whose reason is thrown', async () => {
  const abort = new AbortController()
  const waiting = systemClock.pause(60_000, abort.signal)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await expect(systemClock.pause(1, abort.signal)).rejects.toThrow('enough')
  await expect(systemClock.pause(1)).resolves.toBeUndefined()
})
