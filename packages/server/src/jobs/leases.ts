import type { ErrorCode } from '@glovebox/he'
import type { Kysely, Selectable } from 'kysely'
import type { JobTable, Tables } from '../store/tables.ts'

/** A job that one worker has, for this attempt. */
export type Claim = Readonly<Selectable<JobTable>>

/**
 * Who works on which job. A job is one worker's until its lease is over; what counts as its result is decided by one conditional update, so that clocks
 * that differ, or a worker that was thought dead, cost a computation and never a second result.
 */
export interface JobLeases {
  /** Takes a job that waits, or whose worker is gone; undefined where there is nothing to do. */
  claim(id: string): Promise<Claim | undefined>
  /** Keeps it for another `leaseMs`; false where it is ours no more. */
  beat(claim: Claim, done: number, total: number): Promise<boolean>
  /** Makes `reply` the result; false where it is not ours to say. */
  finish(
    claim: Claim,
    reply: { readonly key: string; readonly bytes: number; readonly computeMs: number; readonly samples: number },
  ): Promise<boolean>
  fail(claim: Claim, code: ErrorCode, message: string): Promise<void>
  /** Lets it wait for so long; `counted`: as one of its attempts. Fails it with the last one. */
  release(claim: Claim, options: { readonly counted: boolean; readonly delayMs: number }): Promise<void>
  /** Jobs that nobody works on, the next ones first; fails those that were begun too often. */
  overdue(limit?: number): Promise<readonly { readonly id: string; readonly rank: number }[]>
}

/** How long a worker that says nothing is waited for, and how often a job is begun. */
export interface LeaseOptions {
  /** Default 30 s. Clocks of workers should agree to a few seconds. */
  readonly leaseMs?: number
  /** Default 3. */
  readonly attempts?: number
  /** Milliseconds that a finished job is kept. Default 7 days. */
  readonly expiryMs?: number
}

const gaveUp = (attempts: number): string =>
  `it was begun ${attempts} times, and no worker came to an end: the log of the workers has more`

/** Leases of one worker; its name has to be its own. */
export function createLeases(
  db: Kysely<Tables>,
  worker: string,
  { leaseMs = 30_000, attempts = 3, expiryMs = 7 * 86_400_000 }: LeaseOptions = {},
): JobLeases {
  const update = () => db.updateTable('jobs')
  /** Updates a job that is still ours, in this attempt; whether it was. */
  const ours = async ({ id, attempt }: Claim, values: Partial<Selectable<JobTable>>): Promise<boolean> => {
    const { numUpdatedRows } = await update()
      .set(values)
      .where('id', '=', id)
      .where('status', '=', 'running')
      .where('owner', '=', worker)
      .where('attempt', '=', attempt)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }
  const over = (status: string): Partial<Selectable<JobTable>> => {
    const now = Date.now()
    return { status, owner: null, lease_until: null, finished_at: now, expires_at: now + expiryMs }
  }
  return {
    claim(id) {
      const now = Date.now()
      return update()
        .set(({ eb }) => ({
          status: 'running',
          owner: worker,
          lease_until: now + leaseMs,
          attempt: eb('attempt', '+', 1),
          started_at: now,
          done: 0,
          total: 0,
        }))
        .where('id', '=', id)
        .where('status', 'in', ['queued', 'running'])
        .where(({ or, eb }) => or([eb('lease_until', 'is', null), eb('lease_until', '<', now)]))
        .where('attempt', '<', attempts)
        .returningAll()
        .executeTakeFirst()
    },
    beat: (claim, done, total) => ours(claim, { lease_until: Date.now() + leaseMs, done, total }),
    async finish(claim, { key, bytes, computeMs, samples }) {
      const total = { done: samples, total: samples }
      const values = { ...over('done'), ...total, reply: key, reply_bytes: bytes, compute_ms: Math.round(computeMs) }
      if (await ours(claim, values)) return true
      // Ours all the same where only the answer to an earlier try was lost.
      const row = await db.selectFrom('jobs').select('reply').where('id', '=', claim.id).executeTakeFirst()
      return row?.reply === key
    },
    async fail(claim, code, message) {
      await ours(claim, { ...over('failed'), error_code: code, error_message: message.slice(0, 1000) })
    },
    async release(claim, { counted, delayMs }) {
      if (counted && claim.attempt >= attempts)
        await ours(claim, { ...over('failed'), error_code: 'unavailable', error_message: gaveUp(attempts) })
      else
        await ours(claim, {
          status: 'queued',
          owner: null,
          attempt: claim.attempt - (counted ? 0 : 1),
          lease_until: delayMs > 0 ? Date.now() + delayMs : null,
        })
    },
    async overdue(limit = 100) {
      const now = Date.now()
      await update()
        .set({ ...over('failed'), error_code: 'unavailable', error_message: gaveUp(attempts) })
        .where('status', '=', 'running')
        .where('lease_until', '<', now)
        .where('attempt', '>=', attempts)
        .execute()
      return db
        .selectFrom('jobs')
        .select(['id', 'rank'])
        .where('status', 'in', ['queued', 'running'])
        .where(({ or, eb }) => or([eb('lease_until', 'is', null), eb('lease_until', '<', now)]))
        .orderBy('rank')
        .orderBy('created_at')
        .limit(limit)
        .execute()
    },
  }
}
