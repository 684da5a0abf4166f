import { fromHex, GloveboxError, toHex } from '@glovebox/he'
import type { harden as hardenHere } from '../items/hardening.ts'
import { type Item, itemBytes } from '../items/items.ts'
import type { Group } from '../oprf/group.ts'
import { proofBytes } from '../oprf/group.ts'
import { type BlindedItems, blindItems, finalizeItems, verifyEvaluated } from '../oprf/receiver.ts'
import type { KnownSet } from '../wire/description.ts'
import { Refusal, type RequestOptions, type Response200 } from './http.ts'
import { createQueryKeys, type QueryKeys } from './keyring.ts'
import type { Meter, TrafficStage } from './meter.ts'
import { type Answer, answersOf, type PreparedQuery, prepareQueries } from './query.ts'
import type { Told } from './told.ts'

/** How far a check is. */
export interface CheckProgress {
  /** In this order. */
  readonly stage: 'harden' | 'oprf' | 'query'
  /** Of items, those of one request together. */
  readonly done: number
  /** Distinct items. */
  readonly total: number
}

/** A request of one stage, tried again where that is safe; its bytes and time are counted. */
export type Send = (stage: TrafficStage, method: string, path: string, options: RequestOptions) => Promise<Response200>

/** One set as it was described, and the keys that were made for it. */
export interface Session extends KnownSet {
  /** `/v2/sets/{name}`. */
  readonly path: string
  keys: QueryKeys | undefined
  /** Of the keys. */
  uploaded: Promise<void> | undefined
}

export interface RunOptions {
  readonly send: Send
  readonly meter: Meter
  readonly told: Told
  readonly group: Group
  readonly harden: typeof hardenHere
  readonly maxReplyBytes: number
  readonly onProgress: ((progress: CheckProgress) => void) | undefined
  readonly signal: AbortSignal | undefined
}

/** Queries on their way at one time: while one is computed on, the next is encrypted. */
const inFlight = 2
/** Uploads of keys for one query: a sender that forgets them each time has no room for anybody. */
const mostUploads = 3
/** Elements of one OPRF request, whatever the sender takes: their proof is verified in one go, while a page waits. */
const mostElements = 1024
/** Work between two looks at the clock of a page. */
const sliceMs = 30

/**
 * Asks for items by their canonical bytes, each once: hardens, evaluates them with the sender, queries, reads the answers, in order.
 * @throws GloveboxError, a Refusal of status 409 or 410 where the epoch is another by now.
 */
export async function runCheck(session: Session, items: readonly Uint8Array[], options: RunOptions): Promise<Answer[]> {
  const { onProgress } = options
  const breathe = createBreather(options.signal)
  const inputs: Uint8Array[] = []
  for (const bytes of items) {
    inputs.push(options.meter.time('harden', () => options.harden(session.description.hardening, bytes)))
    onProgress?.({ stage: 'harden', done: inputs.length, total: items.length })
    await breathe()
  }
  const outputs: Uint8Array[] = []
  try {
    const elements = Math.min(mostElements, session.description.limits.elements)
    for (let at = 0; at < inputs.length; at += elements) {
      outputs.push(...(await evaluate(session, inputs.slice(at, at + elements), options, breathe)))
      onProgress?.({ stage: 'oprf', done: outputs.length, total: items.length })
    }
    options.told.count(items, outputs, session.params.prefixBits)
    return await query(session, outputs, options, breathe)
  } finally {
    for (const output of outputs) output.fill(0)
  }
}

/** One batch through the OPRF. */
async function evaluate(
  { description, path }: Session,
  inputs: readonly Uint8Array[],
  { send, meter, group, signal }: RunOptions,
  breathe: () => Promise<void>,
): Promise<Uint8Array[]> {
  const { mode, publicKey } = description.oprf
  const blinded: BlindedItems = {
    blinds: new Uint8Array(32 * inputs.length),
    elements: new Uint8Array(32 * inputs.length),
  }
  try {
    for (const [i, input] of inputs.entries()) {
      const one = meter.time('blind', () => blindItems(mode, [input], { group }))
      blinded.blinds.set(one.blinds, 32 * i)
      blinded.elements.set(one.elements, 32 * i)
      one.blinds.fill(0)
      await breathe()
    }
    const proven = mode === 'voprf' ? proofBytes : 0
    const { body, headers } = await send('oprf', 'POST', `${path}/oprf?${runOf(description)}`, {
      body: blinded.elements,
      signal,
      maxBytes: blinded.elements.length + proven,
    })
    meter.took('evaluate', saidTime(headers, 'oprf'))
    const evaluated = body.subarray(0, body.length - proven)
    if (evaluated.length !== blinded.elements.length)
      throw new GloveboxError('malformed', `the server evaluated ${evaluated.length / 32} of ${inputs.length} items`)
    if (mode === 'voprf') {
      const proof = body.subarray(body.length - proven)
      meter.time('finalize', () => verifyEvaluated(group, blinded.elements, evaluated, fromHex(publicKey), proof))
      await breathe()
    }
    const outputs: Uint8Array[] = []
    for (const [i, input] of inputs.entries()) {
      const [from, to] = [32 * i, 32 * (i + 1)]
      const one = { blinds: blinded.blinds.subarray(from, to), elements: blinded.elements.subarray(from, to) }
      outputs.push(
        // What was proven is finalized as what is not (RFC 9497, section 3.3.2).
        meter.time('finalize', () => finalizeItems('oprf', [input], one, evaluated.subarray(from, to), { group })),
      )
      await breathe()
    }
    return outputs
  } finally {
    blinded.blinds.fill(0)
  }
}

/**
 * Epoch and head of the OPRF key, for addresses: a set that was built anew under the number of an old one would give wrong answers to items that went through
 * the old key.
 */
function runOf({ epoch, oprf }: KnownSet['description']): string {
  return `epoch=${epoch}&key=${oprf.publicKey.slice(0, 16)}`
}

/** All queries, two at a time. */
async function query(
  session: Session,
  outputs: readonly Uint8Array[],
  options: RunOptions,
  breathe: () => Promise<void>,
): Promise<Answer[]> {
  const { meter, onProgress } = options
  session.keys ??= meter.time('keygen', () => createQueryKeys(session.params))
  const { keys } = session
  const answers: Answer[] = outputs.map(() => ({ found: false }))
  const parts = partsOf(session, outputs, meter)
  let done = 0
  let unreadable: unknown
  const work = async (): Promise<void> => {
    for (const { part, places, prepared } of parts) {
      const reply = await ask(session, keys, prepared, options)
      const limits = { epoch: session.description.epoch, maxBytes: options.maxReplyBytes }
      try {
        const reading = answersOf(keys, prepared, part, reply, limits)
        let read: Answer[] | undefined
        try {
          while (read === undefined) {
            const step = meter.time('decrypt', () => reading.next())
            if (step.done) read = step.value
            else await breathe()
          }
        } finally {
          // Gives back the bundle that it stopped at, where a signal stopped it.
          reading.return([])
        }
        prepared.items.forEach((item, i) => {
          answers[places[item]!] = read[i]!
        })
      } catch (error) {
        // The queries that are left are sent all the same: whether a reply could be read may depend on what was decrypted, which the sender is not to see.
        unreadable ??= error
      }
      done += prepared.items.length
      onProgress?.({ stage: 'query', done, total: outputs.length })
    }
  }
  // All end before the keys may be disposed of, whichever fails first.
  const ended = await Promise.allSettled(Array.from({ length: inFlight }, work))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  if (unreadable !== undefined) throw unreadable
  return answers
}

interface Part {
  readonly part: readonly Uint8Array[]
  /** Of the outputs in `part`: their places among all. */
  readonly places: readonly number[]
  readonly prepared: PreparedQuery
}

/** Queries as they are asked for: those of one item are not held all at once. A generator that is shared: each is taken by one. */
function* partsOf(
  { params, keys, description }: Session,
  outputs: readonly Uint8Array[],
  meter: Meter,
): Generator<Part> {
  const single = (params.powers?.hashFunctions ?? 0) === 0
  const groups = single ? outputs.map((_, i) => [i]) : [outputs.map((_, i) => i)]
  for (const places of groups) {
    const part = places.map((i) => outputs[i]!)
    const queries = prepareQueries(keys!, part, description.epoch)[Symbol.iterator]()
    for (;;) {
      const next = meter.time('encrypt', () => queries.next())
      if (next.done) break
      yield { part, places, prepared: next.value }
    }
  }
}

/** The reply to one query; keys that the sender has no more are uploaded again: it may have been restarted, or have had no room. */
async function ask(
  session: Session,
  keys: QueryKeys,
  { bytes }: PreparedQuery,
  options: RunOptions,
): Promise<Uint8Array> {
  const { send, meter, signal, maxReplyBytes } = options
  const path = `${session.path}/query?${runOf(session.description)}`
  for (let turn = 0; ; turn++) {
    const uploaded = upload(session, keys, options)
    await uploaded
    try {
      const { headers, body } = await send('query', 'POST', path, { body: bytes, signal, maxBytes: maxReplyBytes })
      meter.took('server', saidTime(headers, 'compute'))
      return body
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 428) || turn >= mostUploads) throw error
      if (session.uploaded === uploaded) session.uploaded = undefined
    }
  }
}

/** Milliseconds that the sender says it took. */
function saidTime(headers: Headers, what: 'oprf' | 'compute'): number {
  const said = new RegExp(`(?:^|,)\\s*${what};dur=(\\d{1,9}(?:\\.\\d{1,6})?)`).exec(headers.get('server-timing') ?? '')
  return Number(said?.[1] ?? 0)
}

function upload(session: Session, keys: QueryKeys, { send, signal }: RunOptions): Promise<void> {
  session.uploaded ??= (async () => {
    if (keys.upload === undefined) return
    const path = `${session.path}/keys/${toHex(keys.digest)}?${runOf(session.description)}`
    await send('keys', 'PUT', path, { body: keys.upload, signal, maxBytes: 65536 })
  })().catch((error: unknown) => {
    session.uploaded = undefined
    throw error
  })
  return session.uploaded
}

/** Canonical bytes of items, equal ones once, and where each item went. */
export function distinctItems(
  kind: KnownSet['description']['kind'],
  items: readonly unknown[],
): { bytes: Uint8Array[]; places: number[] } {
  const seen = new Map<string, number>()
  const bytes: Uint8Array[] = []
  const places = items.map((item) => {
    const canonical = itemBytes(kind, item as Item)
    const key = toHex(canonical)
    const known = seen.get(key)
    if (known !== undefined) return known
    seen.set(key, bytes.length)
    return bytes.push(canonical) - 1
  })
  return { bytes, places }
}

/** Lets others have their turn, where the last was some time ago: a page stays alive, a signal is heard. */
function createBreather(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now()
  return async () => {
    signal?.throwIfAborted()
    if (performance.now() - last < sliceMs) return
    await new Promise((resolve) => setTimeout(resolve, 0))
    signal?.throwIfAborted()
    last = performance.now()
  }
}
