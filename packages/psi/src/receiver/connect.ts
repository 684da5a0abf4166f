import { fromHex, GloveboxError, toHex } from '@glovebox/he'
import { type Hardening, type HardeningLimits, harden as hardenHere } from '../items/hardening.ts'
import type { Item } from '../items/items.ts'
import type { Group } from '../oprf/group.ts'
import { nobleGroup } from '../oprf/noble-group.ts'
import type { SetParams } from '../params/set-params.ts'
import { isSetName, readDescription, type SetDescription } from '../wire/description.ts'
import { type Fetch, openEndpoint, Refusal } from './http.ts'
import { createMeter, type Timings, type Traffic } from './meter.ts'
import type { Answer } from './query.ts'
import { type Clock, retrying, systemClock } from './retry.ts'
import { type CheckProgress, distinctItems, runCheck, type Send, type Session } from './run.ts'
import { createTold } from './told.ts'

const MiB = 2 ** 20
/** A set whose epoch is another one each time is given up. */
const mostRenewals = 3

/** What `connectSet` may be told. */
export interface ConnectOptions {
  /** Of the set; default: the only one that is there. */
  readonly name?: string
  /** Default: the platform's. */
  readonly fetch?: Fetch
  /** Of the service, where it asks for one. */
  readonly token?: string
  /** Stops connecting; its reason is what is thrown. */
  readonly signal?: AbortSignal
  /** ristretto255; default `nobleGroup`. Node has a faster one, `openSodiumGroup` of `@glovebox/psi/sender`. */
  readonly group?: Group
  /** The slow hash; default in JavaScript. Node has a faster one, `hardenNode` of `@glovebox/psi/sender`. */
  readonly harden?: (hardening: Hardening, bytes: Uint8Array) => Uint8Array
  /** The sender's OPRF key, 32 bytes or 64 hexadecimal digits, from a source that is trusted: another one, or none that is proven (VOPRF), is refused. */
  readonly publicKey?: string | Uint8Array
  /** The most bits of an item's OPRF output that queries may tell, those of all checks and under all keys of the sender together: 0 to 16; default 16. With 0 nothing is told of items. */
  readonly maxPrefixBits?: number
  /** What a set may ask for; default `defaultHardeningLimits`. */
  readonly hardeningLimits?: HardeningLimits
  /** Bytes of a query, of keys and of a reply, at most; default 64 MiB each. */
  readonly maxBytes?: number
  /** Time from the first failure in which a request is tried again; default 60,000 ms. */
  readonly retryMs?: number
  /** Time for one attempt; default 120,000 ms. */
  readonly timeoutMs?: number
  /** For tests. */
  readonly clock?: Clock
}

/** Whether an item is in the set, with its label where the set has them. */
export type CheckResult = Answer

/** What a check may be told. */
export interface CheckOptions {
  /** Told after each item, or request, of each stage. */
  readonly onProgress?: (progress: CheckProgress) => void
  /** Stops it; its reason is what is thrown. */
  readonly signal?: AbortSignal
}

/** A set of a sender. Its secret key is made by the first check and kept for the next ones; dispose of the set when it is no longer needed. */
export interface RemoteSet extends Disposable {
  /** As it was when it was last asked for. */
  readonly description: SetDescription
  /** Of that description, checked. */
  readonly params: SetParams
  /**
   * Whether items are in the set, in order; equal ones are asked once. Checks wait for one another. The sender learns how many items there are, and
   * with a prefix their buckets.
   * @throws TypeError or RangeError for what is no item of this kind; GloveboxError: `unavailable` where the server cannot be reached or is busy for longer than
   * `retryMs`, `parameters-mismatch` where it proves another key, changes its epoch again and again, or its kind of items, `unsupported` where a set whose key was exchanged
   * since an item was asked for would be told more of its prefixes than is allowed, `malformed`, `too-large` for answers that are none.
   */
  check(items: readonly Item[], options?: CheckOptions): Promise<CheckResult[]>
  /** Bytes that left and came. */
  readonly traffic: Traffic
  /** Where the time went. */
  readonly timings: Timings
}

/**
 * Asks a sender over HTTP what a set is like, and checks that. Nothing of an item is told yet, and no key is made.
 * @throws TypeError for another address or token; GloveboxError as `readDescription` says; `not-found` for a set that is not there; `unavailable`.
 */
export async function connectSet(url: string, options: ConnectOptions = {}): Promise<RemoteSet> {
  const {
    fetch = (address, init) => globalThis.fetch(address, init),
    token,
    group = nobleGroup,
    harden = hardenHere,
    maxPrefixBits = 16,
    maxBytes = 64 * MiB,
    retryMs = 60_000,
    timeoutMs = 120_000,
    clock = systemClock,
  } = options
  const meter = createMeter()
  const endpoint = openEndpoint(url, { fetch, token, timeoutMs })
  const pinned = options.publicKey === undefined ? undefined : pinnedKey(options.publicKey)

  const told = createTold(maxPrefixBits)
  const send: Send = (stage, method, path, request) =>
    retrying(
      async () => {
        meter.sent(stage, request.body?.length ?? 0)
        const began = performance.now()
        try {
          const response = await endpoint(method, path, request)
          meter.received(stage, response.body.length)
          return response
        } finally {
          meter.took(stage, performance.now() - began)
        }
      },
      { clock, signal: request.signal, retryMs },
    )

  const getJson = async (path: string, signal: AbortSignal | undefined): Promise<unknown> => {
    const { body } = await send('describe', 'GET', path, { signal, maxBytes: MiB })
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    } catch {
      throw new GloveboxError(
        'malformed',
        `the server at ${url} answered with something else than JSON: is it a Glovebox service?`,
      )
    }
  }

  const describe = async (name: string, signal: AbortSignal | undefined): Promise<Session> => {
    const path = `/v2/sets/${encodeURIComponent(name)}`
    const known = readDescription(await getJson(path, signal), {
      prefixBits: maxPrefixBits,
      queryBytes: maxBytes,
      keyBytes: maxBytes,
      ...(options.hardeningLimits && { hardening: options.hardeningLimits }),
    })
    const { oprf, name: said } = known.description
    if (said !== name) throw new GloveboxError('malformed', 'the server answered with another set than was asked for')
    if (pinned !== undefined) {
      if (oprf.mode !== 'voprf')
        throw new GloveboxError('unsupported', 'a public key was given, and the set proves none: build it with VOPRF')
      if (oprf.publicKey !== pinned)
        throw new GloveboxError(
          'parameters-mismatch',
          'the set has another public key than the one that was given: it was rotated, or it is another sender',
        )
    }
    return { ...known, path, keys: undefined, uploaded: undefined }
  }

  const name = options.name ?? onlyName(url, await getJson('/v2/sets', options.signal))
  let session = await describe(name, options.signal)
  let disposed = false
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0

  const forget = (): void => {
    session.keys?.[Symbol.dispose]()
    session.keys = undefined
    session.uploaded = undefined
  }
  /** What a rebuilt or rotated set is like; keys serve on where its parameters do. */
  const renew = async (signal: AbortSignal | undefined): Promise<void> => {
    const next = await describe(name, signal)
    if (next.description.kind !== session.description.kind)
      throw new GloveboxError(
        'parameters-mismatch',
        `the set has items of another kind by now, ${next.description.kind}: connect again`,
      )
    if (next.params.digest === session.params.digest) next.keys = session.keys
    else forget()
    session = next
  }
  const checkNow = async (items: readonly Item[], { signal, onProgress }: CheckOptions): Promise<CheckResult[]> => {
    if (disposed) throw new GloveboxError('disposed', 'the set was disposed of: connect again')
    if (items.length === 0) return []
    const { bytes, places } = distinctItems(session.description.kind, items)
    const run = (): Promise<Answer[]> =>
      runCheck(session, bytes, { send, meter, told, group, harden, maxReplyBytes: maxBytes, onProgress, signal })
    try {
      for (let turn = 0; ; turn++) {
        try {
          const answers = await run()
          return places.map((place) => answers[place]!)
        } catch (error) {
          const stale = error instanceof Refusal && (error.status === 409 || error.status === 410)
          if (!stale || turn >= mostRenewals) throw error
          // Replicas notice a new epoch one after the other.
          if (turn > 0) await clock.pause(1000 * turn, signal)
          await renew(signal)
        }
      }
    } finally {
      for (const canonical of bytes) canonical.fill(0)
    }
  }

  return {
    get description() {
      return session.description
    },
    get params() {
      return session.params
    },
    async check(items, { signal, onProgress } = {}) {
      const before = last
      waiting++
      const now = (async () => {
        await before.catch(() => undefined)
        try {
          return await checkNow(items, { ...(signal && { signal }), ...(onProgress && { onProgress }) })
        } finally {
          waiting--
          if (disposed && waiting === 0) forget()
        }
      })()
      last = now
      return now
    },
    get traffic() {
      return meter.traffic()
    },
    get timings() {
      return meter.timings()
    },
    [Symbol.dispose]() {
      disposed = true
      // A check that runs disposes of the keys when it ends.
      if (waiting === 0) forget()
    },
  }
}

function pinnedKey(key: string | Uint8Array): string {
  const hex = typeof key === 'string' ? key.toLowerCase() : toHex(key)
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new TypeError('"publicKey" expected 32 bytes or 64 hexadecimal digits')
  return toHex(fromHex(hex))
}

function onlyName(url: string, value: unknown): string {
  const sets = (value as { sets?: unknown } | null)?.sets
  const names = Array.isArray(sets) ? sets.map((set: { name?: unknown } | null) => set?.name) : []
  const good = names.filter((name): name is string => typeof name === 'string' && isSetName(name))
  if (good.length === 1) return good[0]!
  throw new GloveboxError(
    'not-found',
    good.length === 0
      ? `the server at ${url} serves no set`
      : `the server at ${url} serves several sets: choose one by "name": ${good.slice(0, 20).join(', ')}`,
  )
}
