import type { Sender, SenderLog } from '@glovebox/psi/sender'
import { opening } from '../closers.ts'
import type { Limits } from '../http/limits.ts'

/** Sets by name, open. */
export interface OpenSets {
  readonly senders: ReadonlyMap<string, Sender>
  close(): Promise<void>
}

export interface OpenSetsOptions {
  /** Name → folder. */
  readonly folders: Readonly<Record<string, string>>
  /** That share out one query of a set. */
  readonly threads: number | 'auto'
  readonly limits: Limits
  readonly log: SenderLog
  /** Between two looks for a new epoch or content, in milliseconds. */
  readonly pollMs?: number | undefined
  /** Time for which the epoch before the current one is answered for, in milliseconds. */
  readonly lingerMs?: number | undefined
}

/** From a query of a set to its reply, at most: sets of tens of millions take some seconds. */
const longestMs = 2 * 60_000

/** Reads sets into memory, one after the other; what throws half-way leaves none open. Throws GloveboxError as `openSender`. */
export function openSets({ folders, threads, limits, log, pollMs, lingerMs }: OpenSetsOptions): Promise<OpenSets> {
  return opening(async (closers) => {
    const senders = new Map<string, Sender>()
    const entries = Object.entries(folders)
    if (entries.length === 0) return { senders, close: closers.close }
    const { openSender } = await import('@glovebox/psi/sender')
    for (const [name, folder] of entries) {
      const sender = await openSender(folder, {
        name,
        threads,
        maxWaiting: limits.queue,
        keyMemory: limits.keyMemory,
        deadlineMs: Math.min(limits.inferMs, longestMs),
        log,
        ...(pollMs !== undefined && { pollMs }),
        ...(lingerMs !== undefined && { lingerMs }),
      })
      closers.add(() => sender.close())
      senders.set(name, sender)
    }
    return { senders, close: closers.close }
  })
}

/** For the metrics. */
export function* readingsOf(senders: OpenSets['senders']): Generator<readonly [string, ReturnType<Sender['stats']>]> {
  for (const [name, sender] of senders) yield [name, sender.stats()]
}
