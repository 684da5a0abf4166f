import { connectSet, type RemoteSet, type Timings } from '@glovebox/psi/receiver'
import type { Answer, Failure, FromWorker, Item, SentRequest, Stage, ToWorker } from './types.ts'

// Everything secret of a check happens here: items, blinds and the key are in no other thread and in no storage.

/** Of a body, for the page to show. */
const headBytes = 4096
/** A server that is away for longer is an error: somebody is looking. */
const retryMs = 15_000

type Opening = Extract<ToWorker, { open: unknown }>['open']

interface Running {
  readonly id: number
  readonly sent: SentRequest[]
}

let opened: Promise<RemoteSet> | undefined
let opening: Opening | undefined
/** Checks are one after the other. */
let last: Promise<void> = Promise.resolve()
let running: Running | undefined
const aborts = new Map<number, AbortController>()

function say(message: FromWorker): void {
  postMessage(message)
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if ('open' in data) {
    opening = data.open
    open().catch(() => undefined)
  } else if ('abort' in data) aborts.get(data.abort)?.abort(new Error('cancelled'))
  else {
    const { id, items } = data.check
    const abort = new AbortController()
    aborts.set(id, abort)
    last = last.then(async () => {
      try {
        say({ done: { id, answer: await check(id, items, abort.signal) } })
      } catch (error) {
        say({ failed: { id, ...failureOf(error) } })
      } finally {
        aborts.delete(id)
        running = undefined
      }
    })
  }
})

/** Asked for when the page opens, and again by the next check where that went wrong. */
function open(): Promise<RemoteSet> {
  if (opened) return opened
  const { url, name, token } = opening!
  const connecting = connectSet(url, { name, fetch: watched, retryMs, ...(token !== undefined && { token }) })
  opened = connecting
  connecting.catch(() => {
    opened = undefined
  })
  return connecting
}

/** As the platform's; what leaves is written down as it is. */
async function watched(url: string, init: RequestInit): Promise<Response> {
  const began = performance.now()
  const { pathname, search } = new URL(url)
  const { body: given } = init
  const body: Uint8Array = given instanceof Uint8Array ? given : new Uint8Array(0)
  const stage = stageOf(pathname)
  if (stage) progress(stage)
  const response = await fetch(url, init)
  const answer = await response.arrayBuffer()
  running?.sent.push({
    method: init.method ?? 'GET',
    path: `${pathname}${search}`,
    bytes: body.length,
    replyBytes: answer.byteLength,
    ms: performance.now() - began,
    head: body.slice(0, headBytes),
  })
  if (stage === 'oprf') progress('keygen')
  if (stage === 'query') progress('decrypt')
  const { status, headers } = response
  // 204 may have no body, not even an empty one.
  return new Response(answer.byteLength === 0 ? null : answer, { status, headers })
}

function stageOf(path: string): Stage | undefined {
  if (path.endsWith('/oprf')) return 'oprf'
  if (path.endsWith('/query')) return 'query'
  return /\/keys\/[0-9a-f]+$/.test(path) ? 'keys' : undefined
}

function progress(stage: Stage): void {
  if (running) say({ progress: { id: running.id, stage } })
}

async function check(id: number, items: readonly Item[], signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted()
  const set = await open()
  const sent: SentRequest[] = []
  running = { id, sent }
  progress('harden')
  const before = set.timings
  const began = performance.now()
  const answers = await set.check(items, { signal })
  const totalMs = performance.now() - began
  const spent = difference(set.timings, before)
  const { harden, blind, finalize, keygen, encrypt, decrypt, keys } = spent
  const { oprf, evaluate, query, server } = spent
  const network = Math.max(0, oprf - evaluate) + Math.max(0, query - server)
  const label = answers.find((answer) => answer.label !== undefined)?.label
  return {
    found: answers.some(({ found }) => found),
    ...(label !== undefined && { label }),
    trace: {
      sent,
      totalMs,
      ms: { harden, blind: blind + finalize, evaluate, keygen, keys, encrypt, network, compare: server, decrypt },
    },
  }
}

function difference(after: Timings, before: Timings): Timings {
  const entries = Object.entries(after) as [keyof Timings, number][]
  return Object.fromEntries(entries.map(([stage, ms]) => [stage, ms - before[stage]])) as unknown as Timings
}

function failureOf(error: unknown): Omit<Failure, 'id'> {
  const { message, code } = error as { readonly message?: unknown; readonly code?: unknown }
  return { message: String(message ?? error), ...(typeof code === 'string' && { code }) }
}
