import { type ErrorCode, GloveboxError } from '@glovebox/he'

/** A service as the commands that look after it see it: JSON and blobs, with a token where there is one. */
export interface Api {
  /** Without a slash at its end. */
  readonly url: string
  /** For what makes requests of its own, such as the client. Never shown. */
  readonly token: string | undefined
  /** The JSON of an answer. Throws GloveboxError with what the service says. */
  json<T>(method: string, path: string, body?: object): Promise<T>
  /** Any request; statuses from 400 on throw, but for those in `accept`. */
  request(method: string, path: string, options?: ApiRequest): Promise<ApiAnswer>
}

export interface ApiRequest {
  readonly body?: Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
  readonly accept?: readonly number[]
}

export interface ApiAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

const codesOf: Readonly<Record<number, ErrorCode>> = {
  400: 'malformed',
  401: 'unauthorised',
  403: 'unauthorised',
  404: 'not-found',
  409: 'exists',
  413: 'too-large',
  422: 'parameters-mismatch',
}
/** Codes that a service may name itself. */
const known = new Set<string>([
  ...Object.values(codesOf),
  'missing-key',
  'unsupported',
  'unavailable',
  'insecure-parameters',
])
/** Longest answer to anything but a download. */
const mostBytes = 2 ** 28
/** A service that does not answer in so many milliseconds is not there. */
const patienceMs = 60_000

/** Throws TypeError for something that is no http address. */
export function openApi(address: string, token: string | undefined): Api {
  const parsed = URL.canParse(address) ? new URL(address) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '')
    throw new TypeError(
      `"--server" expected an http or https address without a password, got ${describe(parsed, address)}`,
    )
  const url = parsed.href.replace(/\/+$/, '')
  const request = async (method: string, path: string, options: ApiRequest = {}): Promise<ApiAnswer> => {
    const { body, headers, accept = [] } = options
    let response: Response
    let bytes: Uint8Array<ArrayBuffer>
    try {
      response = await fetch(`${url}${path}`, {
        method,
        redirect: 'error',
        headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        ...(body && { body }),
        signal: AbortSignal.timeout(patienceMs),
      })
      bytes = new Uint8Array(await response.arrayBuffer())
    } catch (cause) {
      throw new GloveboxError(
        'unavailable',
        `the server at ${url} cannot be reached (${reasonOf(cause)}): start one with npx glovebox serve, or name one by --server or GLOVEBOX_SERVER`,
        { cause },
      )
    }
    if (bytes.length > mostBytes) throw new GloveboxError('too-large', `the answer of ${url} is too long`)
    if (response.status >= 400 && !accept.includes(response.status))
      throw refusal(url, response.status, bytes, token !== undefined)
    return { status: response.status, headers: response.headers, body: bytes }
  }
  return {
    url,
    token,
    request,
    async json<T>(method: string, path: string, body?: object): Promise<T> {
      const answer = await request(method, path, {
        headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: new TextEncoder().encode(JSON.stringify(body)) }),
      })
      if (answer.body.length === 0) return {} as T
      try {
        return JSON.parse(new TextDecoder().decode(answer.body)) as T
      } catch (cause) {
        throw new GloveboxError('malformed', `${url} is no Glovebox service: it answered ${path} with something else`, {
          cause,
        })
      }
    },
  }
}

function describe(parsed: URL | undefined, address: string): string {
  return parsed ? `one of ${parsed.protocol}` : JSON.stringify(address.slice(0, 200))
}

/** Where a service asks for a token, and none was given. */
export function needsToken(url: string): GloveboxError {
  return new GloveboxError(
    'unauthorised',
    `the server at ${url} says: it needs a token, in the variable GLOVEBOX_TOKEN or a file named by --token-file`,
  )
}

/** What the service said: {"error", "code"}, or MLflow's {"error_code", "message"}. */
function refusal(url: string, status: number, bytes: Uint8Array, withToken: boolean): GloveboxError {
  if (status === 401 && !withToken) return needsToken(url)
  let said: { error?: unknown; code?: unknown; message?: unknown } = {}
  try {
    said = (JSON.parse(new TextDecoder().decode(bytes)) ?? {}) as typeof said
  } catch {}
  const text = [said.error, said.message].find((one) => typeof one === 'string')
  const code = typeof said.code === 'string' && known.has(said.code) ? (said.code as ErrorCode) : codesOf[status]
  return new GloveboxError(
    code ?? 'unavailable',
    `the server at ${url} says: ${text === undefined ? `status ${status}` : text.slice(0, 500).replace(/\p{Cc}+/gu, ' ')}`,
  )
}

/** The innermost cause, as fetch hides it: connection refused, reset, closed. */
function reasonOf(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause) inner = inner.cause
  const { code, message, name } = inner as { code?: unknown; message?: unknown; name?: unknown }
  if (name === 'TimeoutError') return `no answer in ${patienceMs / 1000} s`
  return String(typeof code === 'string' ? code : (message ?? inner))
}
