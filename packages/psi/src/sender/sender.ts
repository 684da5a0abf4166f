import { createHash } from 'node:crypto'
import { GloveboxError, toHex } from '@glovebox/he'
import type { EvaluatedBatch } from '../oprf/sender.ts'
import { keyBytesOf, queryBytesOf, roundedItems, type SetDescription } from '../wire/description.ts'
import { peekQuery } from '../wire/query.ts'
import { openHighest } from './epochs.ts'
import { createKeyStore } from './keys.ts'
import type { TaskOptions } from './line.ts'
import { type ServedEpoch, serveEpoch } from './served.ts'

/** What a sender tells the log: events, numbers of epochs, times; nothing of items or queries. */
export interface SenderLog {
  /** What is as it should be. */
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  /** What somebody should look at. */
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** What `openSender` may be told. Sizes in bytes, times in milliseconds. */
export interface SenderOptions {
  /** That receivers ask by: 1 to 63 of a-z, 0-9, `.`, `_` and `-`. */
  readonly name: string
  /** That share out one query; default 'auto'. */
  readonly threads?: number | 'auto'
  /** Queries that wait; default 64. One owner may have a quarter of these. */
  readonly maxWaiting?: number
  /** Receivers' keys in memory, as uploaded; default 256 MiB. Up to a sixteenth of it stays decoded, which takes several times that. */
  readonly keyMemory?: number
  /** Time after its last use at which a receiver's keys are forgotten; default 10 minutes. */
  readonly keyIdleMs?: number
  /** From a query to its reply; default 2 minutes. */
  readonly deadlineMs?: number
  /** Between two looks for a new epoch or content; default 2 s. */
  readonly pollMs?: number
  /** Time for which the epoch before the current one is still answered for; default 10 minutes. */
  readonly lingerMs?: number
  /** Elements of one OPRF request; default 1024. */
  readonly maxElements?: number
  /** A set that takes more memory is not there twice while its content is exchanged, and queries wait for that; default 1 GiB. */
  readonly swapMemory?: number
  /** Default: nothing is told. */
  readonly log?: SenderLog
  /** For tests: the thread of a set. */
  readonly script?: URL
}

/** A reply, and where its time went. */
export interface SetReply {
  /** The frame. */
  readonly reply: Uint8Array
  /** Milliseconds of the thread. */
  readonly computeMs: number
  /** Milliseconds until the thread was free. */
  readonly waitMs: number
}

/** What a sender does at the moment, and has done. */
export interface SenderStats {
  /** That are answered for, the current one first. */
  readonly epochs: readonly number[]
  /** Of the current epoch, rounded down to two digits. */
  readonly items: number
  /** Queries that wait. */
  readonly waiting: number
  /** Whether one is computed on. */
  readonly busy: boolean
  /** Receivers' keys in memory. */
  readonly keys: { readonly count: number; readonly bytes: number }
  /** Of the kernels of the current epoch. */
  readonly memory: number
  /** Threads that died, and were started again. */
  readonly died: number
}

/** A set that is served: its current epoch, and the one before for some minutes. The main thread never computes on ciphertexts or elements. */
export interface Sender {
  /** That receivers ask by. */
  readonly name: string
  /**
   * What receivers are told of an epoch; default: of the current one.
   * @throws EpochError
   */
  describe(epoch?: number): SetDescription
  /**
   * One batch of blinded elements, n × 32 bytes.
   * @throws EpochError; GloveboxError `malformed`, `too-large`, `unavailable`.
   */
  evaluate(epoch: number, blinded: Uint8Array): Promise<EvaluatedBatch>
  /**
   * Takes the keys of a receiver, for some minutes; their SHA-256.
   * @throws EpochError; GloveboxError `malformed`, `too-large`, `parameters-mismatch`, `missing-key`, `unavailable`.
   */
  putKeys(epoch: number, bytes: Uint8Array, options?: TaskOptions): Promise<string>
  /**
   * Whether keys of this SHA-256 are here.
   * @throws EpochError
   */
  hasKeys(epoch: number, digest: string): boolean
  /**
   * Replies to a query of an epoch. A query that is sent again is answered again: it tells its sender nothing new.
   * @throws EpochError; GloveboxError `malformed`, `too-large`, `parameters-mismatch` for another set's, `missing-key` where its keys are not here (any more),
   * `unavailable`; the signal's reason.
   */
  answer(epoch: number, query: Uint8Array, options?: TaskOptions): Promise<SetReply>
  /** For metrics. */
  stats(): SenderStats
  /** Lets what runs finish. */
  close(): Promise<void>
}

/** An epoch that is not answered for. */
export class EpochError extends GloveboxError {
  /** The one to ask for. */
  readonly current: number
  /** It was, and is over. */
  readonly ended: boolean
  constructor(epoch: number, current: number) {
    const ended = epoch < current
    super(
      'parameters-mismatch',
      `epoch ${epoch} ${ended ? 'has ended' : 'is not here'}, the current one is ${current}: ask for the set again, and send the items through the OPRF anew`,
    )
    this.current = current
    this.ended = ended
  }
}

const MiB = 2 ** 20
const quiet: SenderLog = { info: () => undefined, warn: () => undefined }
const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

/**
 * Serves the folder of a set: `epoch-0001`, `epoch-0002`, … as `createSet` makes them, the highest complete one. It is read into memory before this resolves; what is
 * inserted, removed and rotated later is noticed within `pollMs`, and served when it is in memory.
 * @throws GloveboxError `not-found` for no folder, `unavailable` where no set in it is complete; as `openSet`.
 */
export async function openSender(folder: string, options: SenderOptions): Promise<Sender> {
  const {
    name,
    threads = 'auto',
    keyMemory = 256 * MiB,
    keyIdleMs = 600_000,
    pollMs = 2000,
    lingerMs = 600_000,
  } = options
  const { maxWaiting = 64, deadlineMs = 120_000, maxElements = 1024, swapMemory = 1024 * MiB, log = quiet } = options
  const keys = createKeyStore({ maxBytes: keyMemory, idleMs: keyIdleMs })
  // The current one first.
  let served: ServedEpoch[] = []
  let told = ''
  let closed = false
  const stop = new AbortController()

  const trouble = (epoch: number, error: Error): void => {
    // A look every two seconds is no line every two seconds.
    if (told === error.message) return
    told = error.message
    log.warn({ set: name, epoch, reason: error.message }, 'an epoch cannot be served')
  }
  const open = async (above: number): Promise<ServedEpoch | undefined> => {
    const set = openHighest(folder, above, trouble)
    if (set === undefined) return undefined
    const { epoch } = set
    const began = performance.now()
    const next = await serveEpoch(set, {
      threads,
      maxWaiting,
      keyMemory: keyMemory / 16,
      signal: stop.signal,
      deadlineMs,
      swapMemory,
      ...(options.script && { script: options.script }),
      onTrouble: (message, error) => log.warn({ set: name, epoch, reason: error.message }, message),
    })
    const ms = Math.round(performance.now() - began)
    log.info({ set: name, epoch, items: roundedItems(next.items), memory: next.line.memory, ms }, 'an epoch is served')
    return next
  }
  const end = async (old: ServedEpoch): Promise<void> => {
    served = served.filter((each) => each !== old)
    await old.close()
    log.info({ set: name, epoch: old.epoch }, 'an epoch has ended')
  }

  const first = await open(-1)
  if (first === undefined)
    throw new GloveboxError('unavailable', `no set in "${folder}" is complete: build one, or go on with its build`)
  served = [first]

  const timers = new Set<NodeJS.Timeout>()
  const look = async (): Promise<void> => {
    keys.sweep()
    const [current] = served
    try {
      const next = await open(current!.epoch - (current!.replaced ? 1 : 0))
      if (next && closed) await next.close()
      else if (next) {
        // Of a set that was built anew in its place nothing is left to answer for.
        const last = served.find(({ epoch }) => epoch !== next.epoch)
        const gone = served.filter((each) => each !== last)
        served = last ? [next, last] : [next]
        if (last && last === current) timers.add(setTimeout(() => void end(last), lingerMs).unref())
        await Promise.all(gone.map((each) => each.close()))
      } else if (await current!.refresh()) {
        log.info({ set: name, epoch: current!.epoch, items: roundedItems(current!.items) }, 'new content is served')
      }
    } catch (error) {
      if (!closed) trouble(current!.epoch, error as Error)
    }
  }
  let looking: Promise<void> = Promise.resolve()
  const next = (): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      looking = look().then(() => {
        if (!closed) next()
      })
    }, pollMs).unref()
    timers.add(timer)
  }
  next()

  const find = (epoch: number): ServedEpoch => {
    const found = served.find((each) => each.epoch === epoch)
    if (found) return found
    throw new EpochError(epoch, served[0]!.epoch)
  }
  const limitsOf = ({ params }: ServedEpoch): SetDescription['limits'] => ({
    elements: maxElements,
    queryBytes: queryBytesOf(params),
    keyBytes: keyBytesOf(params),
  })

  return {
    name,
    describe(epoch = served[0]!.epoch) {
      const found = find(epoch)
      const { kind, params, hardening, mode, publicKey, items } = found
      return {
        name,
        kind,
        epoch,
        epochs: served.map((each) => each.epoch),
        params: params.literal,
        digest: params.digest,
        items: roundedItems(items),
        labels: params.labelBytes,
        hardening,
        oprf: { mode, publicKey },
        keys: keyBytesOf(params) > 0,
        limits: limitsOf(found),
      }
    },
    async evaluate(epoch, blinded) {
      const found = find(epoch)
      if (blinded.length > 32 * maxElements)
        throw new GloveboxError(
          'too-large',
          `${blinded.length / 32} elements are asked for, at most ${maxElements} are evaluated at once`,
        )
      return found.evaluate(blinded)
    },
    async putKeys(epoch, bytes, taskOptions) {
      const { params, line } = find(epoch)
      const maxBytes = keyBytesOf(params)
      if (maxBytes === 0) throw new GloveboxError('unsupported', 'queries of this set need no keys: send none')
      if (bytes.length > Math.min(maxBytes, keyMemory))
        throw new GloveboxError(
          'too-large',
          `the keys have ${bytes.length} bytes, at most ${Math.min(maxBytes, keyMemory)} are accepted`,
        )
      const digest = toHex(hash(bytes))
      if (keys.has(params.digest, digest)) return digest
      await line.run({ kind: 'keys', keys: { id: digest, bytes }, maxBytes }, taskOptions)
      keys.put(params.digest, digest, bytes)
      return digest
    },
    hasKeys: (epoch, digest) => keys.has(find(epoch).params.digest, digest),
    async answer(epoch, query, taskOptions) {
      const { params, line } = find(epoch)
      const maxBytes = queryBytesOf(params)
      // Lengths, owner, checksum; the thread looks at the rest.
      const header = peekQuery(params, query, { maxBytes, hash })
      if (header.epoch !== epoch)
        throw new GloveboxError('malformed', `the query is for epoch ${header.epoch}, and was sent to ${epoch}`)
      const id = toHex(header.keys)
      const needed = keyBytesOf(params) > 0
      const bytes = needed ? keys.get(params.digest, id) : undefined
      if (needed && bytes === undefined)
        throw new GloveboxError(
          'missing-key',
          'the keys of the query are not here, or not any more: upload them, and send it again',
        )
      const task = { kind: 'query', query, keys: bytes && { id, bytes }, maxBytes } as const
      const { result, waitMs } = await line.run(task, taskOptions)
      if (result.kind !== 'reply') throw new Error(`a query was answered with "${result.kind}"`)
      return { reply: result.reply, computeMs: result.computeMs, waitMs }
    },
    stats() {
      const [current] = served
      const lines = served.map(({ line }) => line)
      return {
        epochs: served.map(({ epoch }) => epoch),
        items: roundedItems(current!.items),
        waiting: lines.reduce((sum, { waiting }) => sum + waiting, 0),
        busy: lines.some(({ busy }) => busy),
        keys: { count: keys.count, bytes: keys.bytes },
        memory: lines.reduce((sum, { memory }) => sum + memory, 0),
        died: lines.reduce((sum, { died }) => sum + died, 0),
      }
    },
    async close() {
      closed = true
      stop.abort()
      for (const timer of timers) clearTimeout(timer)
      const all = served
      await Promise.all(all.map((each) => each.close()))
      await looking
    },
  }
}
