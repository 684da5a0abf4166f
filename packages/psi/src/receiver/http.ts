import { type ErrorCode, GloveboxError } from '@glovebox/he'

/** How a service is reached; a test or a page may put something else in its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

const codes: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed',
  401: 'unauthorised',
  403: 'unauthorised',
  404: 'not-found',
  409: 'parameters-mismatch',
  410: 'not-found',
  413: 'too-large',
  428: 'missing-key',
}

/** An answer with a status of 400 or more. */
export class Refusal extends GloveboxError {
  /** Of HTTP. */
  readonly status: number
  /** What the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined
  constructor(code: ErrorCode, message: string, status: number, retryAfterMs: number | undefined) {
    super(code, message)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

export interface EndpointOptions {
  readonly fetch: Fetch
  readonly token: string | undefined
  /** An attempt is given up as `unavailable` after so many milliseconds. */
  readonly timeoutMs: number
}

export interface RequestOptions {
  readonly body?: Uint8Array | undefined
  readonly signal?: AbortSignal | undefined
  /** Bytes of an answer. */
  readonly maxBytes: number
}

export interface Response200 {
  readonly headers: Headers
  readonly body: Uint8Array
}

/** A service at an address: one attempt for each request, which is answered or throws a GloveboxError that says what happened. */
export type Endpoint = (method: string, path: string, options: RequestOptions) => Promise<Response200>

/** Throws TypeError for what is no http address, or a token that no header can hold; no message has a password of the address. */
export function openEndpoint(address: string, { fetch, token, timeoutMs }: EndpointOptions): Endpoint {
  const url = plainAddress(address)
  if (token !== undefined && !/^[\w.~+/=-]+$/.test(token))
    throw new TypeError('"token" expected letters, digits and -._~+/=, got something else')
  return async (method, path, { body, signal, maxBytes }) => {
    const late = AbortSignal.timeout(timeoutMs)
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        redirect: 'error',
        headers: {
          ...(body && { 'content-type': 'application/octet-stream' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body && { body: body as Uint8Array<ArrayBuffer> }),
        signal: signal ? AbortSignal.any([late, signal]) : late,
      })
      const refused = response.status >= 400
      const bytes = await readAll(response, refused ? 65536 : maxBytes)
      if (refused) throw refusal(url, response, bytes)
      return { headers: response.headers, body: bytes }
    } catch (cause) {
      // An abort is the caller's own doing: the reason given with it is what is thrown.
      signal?.throwIfAborted()
      if (cause instanceof GloveboxError) throw cause
      const reason = late.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(cause)
      throw new GloveboxError(
        'unavailable',
        `the server at ${url} cannot be reached or closed the connection before it answered (${reason})`,
        { cause },
      )
    }
  }
}

function plainAddress(address: string): string {
  const parsed = URL.canParse(address) ? new URL(address) : undefined
  const plain = parsed && `${parsed.username}${parsed.password}${parsed.search}${parsed.hash}` === ''
  if (plain && /^https?:$/.test(parsed.protocol)) return parsed.href.replace(/[/?#]+$/, '')
  const shown = String(address)
    .replace(/^.*@/s, '…@')
    .replace(/[?#].*$/s, '…')
    .slice(0, 200)
  throw new TypeError(`"url" expected an http or https address of host and path, got ${shown}`)
}

async function readAll(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  while (reader) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > maxBytes) {
      await reader.cancel()
      throw new GloveboxError('too-large', `the answer of the server has more than ${maxBytes} bytes`)
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

function refusal(url: string, { status, headers }: Response, body: Uint8Array): Refusal {
  let said = `status ${status}`
  try {
    const { error } = JSON.parse(new TextDecoder().decode(body)) as { error?: unknown }
    // On one line and not without end: a terminal would obey control characters.
    if (typeof error === 'string') said = error.slice(0, 500).replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
  } catch {}
  const seconds = headers.get('retry-after')
  const retryAfterMs = seconds !== null && /^[0-9]{1,6}$/.test(seconds) ? 1000 * Number(seconds) : undefined
  const code = codes[status] ?? (status < 500 && status !== 429 && status !== 425 ? 'malformed' : 'unavailable')
  return new Refusal(code, `the server at ${url} says: ${said}`, status, retryAfterMs)
}

/** The innermost cause, as fetch hides it: connection refused, reset, closed. */
function reasonOf(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause) inner = inner.cause
  const { code, message } = inner as { code?: unknown; message?: unknown }
  return String(typeof code === 'string' ? code : (message ?? inner))
}
