import { type ErrorCode, GloveboxError } from '@glovebox/he'

/** How the client reaches a service; a test or a page may put something else in its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Time for a server that restarts to come back before the one retry. */
const retryDelayMs = 500
/** The largest answer that is read: a client part or a reply. */
const maxAnswerBytes = 2 ** 28

const codesOf: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed',
  401: 'unauthorised',
  403: 'unauthorised',
  404: 'not-found',
  409: 'parameters-mismatch',
  413: 'too-large',
  422: 'missing-key',
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
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

/** Throws TypeError for something that is no http address. */
export function openService(address: string, fetch: Fetch): Service {
  const parsed = URL.canParse(address) ? new URL(address) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol))
    throw new TypeError(`"url" expected an http or https address, got ${address}`)
  const url = parsed.href.replace(/\/+$/, '')
  return {
    url,
    async request(method, path, { body, headers, signal, accept = [] } = {}) {
      let response: Response
      let bytes: Uint8Array<ArrayBuffer>
      try {
        response = await fetch(`${url}${path}`, {
          method,
          redirect: 'error',
          ...(headers && { headers }),
          ...(body && { body }),
          ...(signal && { signal }),
        })
        bytes = await readAll(response)
      } catch (cause) {
        // An abort is the caller's own doing: the reason given with it is what is thrown.
        signal?.throwIfAborted()
        if (cause instanceof GloveboxError) throw cause
        throw new GloveboxError(
          'unavailable',
          `the server at ${url} cannot be reached or closed the connection before it answered (${reasonOf(cause)})`,
          { cause },
        )
      }
      if (response.status >= 400 && !accept.includes(response.status)) throw refusal(url, response.status, bytes)
      return { status: response.status, headers: response.headers, body: bytes }
    },
  }
}

/** Runs what may be repeated without harm, and once more after a moment where it fails with one of the codes. */
export async function twice<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal | undefined,
  codes: readonly ErrorCode[] = ['unavailable'],
): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof GloveboxError && codes.includes(error.code))) throw error
    await pause(retryDelayMs, signal)
    return attempt()
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
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

async function readAll(response: Response): Promise<Uint8Array<ArrayBuffer>> {
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
function refusal(url: string, status: number, body: Uint8Array): GloveboxError {
  let said = `status ${status}`
  try {
    const { error } = JSON.parse(new TextDecoder().decode(body)) as { error?: unknown }
    if (typeof error === 'string') said = error.slice(0, 500)
  } catch {}
  return new GloveboxError(codesOf[status] ?? 'unavailable', `the server at ${url} says: ${said}`)
}

/** The innermost cause, as fetch hides it: connection refused, reset, closed. */
function reasonOf(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause) inner = inner.cause
  const { code, message } = inner as { code?: unknown; message?: unknown }
  return String(code ?? message ?? inner)
}
