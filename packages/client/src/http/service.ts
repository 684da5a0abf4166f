import { type ErrorCode, GloveboxError } from '@glovebox/he'

/** How the client reaches a service; a test or a page may put something else in its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** The largest answer that is read: a client part or a reply. */
const maxAnswerBytes = 2 ** 28

const codesOf: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed',
  401: 'unauthorised',
  403: 'unauthorised',
  404: 'not-found',
  409: 'parameters-mismatch',
  410: 'not-found',
  413: 'too-large',
  422: 'missing-key',
}

/** What a server may name as the code of an error. */
const known: Readonly<Record<ErrorCode, true>> = {
  'insecure-parameters': true,
  'no-primes': true,
  'parameters-mismatch': true,
  'level-exhausted': true,
  'scale-mismatch': true,
  'missing-key': true,
  malformed: true,
  'too-large': true,
  unsupported: true,
  'out-of-memory': true,
  disposed: true,
  'not-found': true,
  unauthorised: true,
  unavailable: true,
  exists: true,
}

/** The code that a server names, if it is one. */
export function codeNamed(name: unknown): ErrorCode | undefined {
  return typeof name === 'string' && Object.hasOwn(known, name) ? (name as ErrorCode) : undefined
}

/** An answer with a status of 400 or more. */
export class Refusal extends GloveboxError {
  readonly status: number
  /** What the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined
  constructor(code: ErrorCode, message: string, status: number, retryAfterMs: number | undefined) {
    super(code, message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** A service at an address: requests that either get an answer or throw a GloveboxError that says what happened. */
export interface Service {
  readonly url: string
  /** The answer with its body read; statuses 400 and above throw, but for those in `accept`. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>
}

export interface RequestOptions {
  readonly body?: Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  readonly accept?: readonly number[]
  /** The request is given up as `unavailable` after so many milliseconds. */
  readonly timeoutMs?: number
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

/** The address of a service without a slash at its end. Throws TypeError for another one, without what may be a password in it. */
export function addressOf(address: string): string {
  const parsed = URL.canParse(address) ? new URL(address) : undefined
  const plain = parsed && `${parsed.username}${parsed.password}${parsed.search}${parsed.hash}` === ''
  if (plain && /^https?:$/.test(parsed.protocol)) return parsed.href.replace(/[/?#]+$/, '')
  const shown = address
    .replace(/^.*@/s, '…@')
    .replace(/[?#].*$/s, '…')
    .slice(0, 200)
  throw new TypeError(`"url" expected an http or https address of host and path, got ${shown}`)
}

/** What a server says, on one line and not without end: a terminal would obey control characters. */
export function oneLine(text: string): string {
  return text.slice(0, 500).replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
}

/** Of a version, by its number or an alias; of what is in production where none is named. */
export function modelPath(name: string, version: string | undefined): string {
  const path = `/v2/models/${encodeURIComponent(name)}`
  return version === undefined ? path : `${path}/versions/${encodeURIComponent(version)}`
}

/** Throws TypeError for something that is no http address, or a token that no header can hold. */
export function openService(address: string, fetch: Fetch, token?: string): Service {
  const url = addressOf(address)
  if (token !== undefined && !/^[\w.~+/=-]+$/.test(token))
    throw new TypeError('"token" expected letters, digits and -._~+/=, got something else')
  return {
    url,
    async request(method, path, { body, headers, signal, accept = [], timeoutMs } = {}) {
      let response: Response
      let bytes: Uint8Array<ArrayBuffer>
      const late = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
      const either = late && signal ? AbortSignal.any([late, signal]) : (late ?? signal)
      try {
        response = await fetch(`${url}${path}`, {
          method,
          redirect: 'error',
          headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
          ...(body && { body }),
          ...(either && { signal: either }),
        })
        bytes = await readAll(response)
      } catch (cause) {
        // An abort is the caller's own doing: the reason given with it is what is thrown.
        signal?.throwIfAborted()
        if (cause instanceof GloveboxError) throw cause
        const reason = late?.aborted ? `no answer within ${timeoutMs! / 1000} s` : reasonOf(cause)
        throw new GloveboxError(
          'unavailable',
          `the server at ${url} cannot be reached or closed the connection before it answered (${reason})`,
          { cause },
        )
      }
      if (response.status >= 400 && !accept.includes(response.status)) throw refusal(url, response, bytes)
      return { status: response.status, headers: response.headers, body: bytes }
    },
  }
}

/** The body of an answer. Throws GloveboxError `too-large` for more than 256 MiB. */
export async function readAll(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  while (reader) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > maxAnswerBytes) {
      await reader.cancel()
      throw new GloveboxError('too-large', `the answer of the server has more than ${maxAnswerBytes} bytes`)
    }
    chunks.push(value)
  }
  const body = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

/** What a server said with a status; 5xx is its own trouble, so another attempt may succeed. */
function refusal(url: string, { status, headers }: Response, body: Uint8Array): Refusal {
  let said = `status ${status}`
  let named: unknown
  try {
    const { error, code } = JSON.parse(new TextDecoder().decode(body)) as { error?: unknown; code?: unknown }
    if (typeof error === 'string') said = oneLine(error)
    named = code
  } catch {}
  const code =
    codeNamed(named) ??
    codesOf[status] ??
    (status < 500 && status !== 429 && status !== 425 ? 'malformed' : 'unavailable')
  const seconds = headers.get('retry-after')
  const retryAfterMs = seconds !== null && /^[0-9]{1,6}$/.test(seconds) ? 1000 * Number(seconds) : undefined
  return new Refusal(code, `the server at ${url} says: ${said}`, status, retryAfterMs)
}

/** The innermost cause, as fetch hides it: connection refused, reset, closed. */
function reasonOf(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause) inner = inner.cause
  const { code, message } = inner as { code?: unknown; message?: unknown }
  return String(typeof code === 'string' ? code : (message ?? inner))
}
