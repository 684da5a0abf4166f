import { token } from '../session.ts'

/** What the service answered in the place of what was asked for, in words for people. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface ApiOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

/** JSON in, JSON out, with the token of this tab. Throws ApiError. */
export async function api<T>(path: string, options: ApiOptions = {}): Promise<T> {
  const response = await request(path, options)
  if (response.status === 204) return undefined as T
  try {
    return (await response.json()) as T
  } catch {
    throw new ApiError(
      response.status,
      `The service gave no JSON for ${path}: is this page served by another version of it?`,
    )
  }
}

/** Undefined where there is none. */
export async function apiText(path: string, signal?: AbortSignal): Promise<string | undefined> {
  try {
    return await (await request(path, { signal })).text()
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** Undefined where there is none. */
export async function apiMaybe<T>(path: string, signal?: AbortSignal): Promise<T | undefined> {
  try {
    return await api<T>(path, { signal })
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

async function request(path: string, { method = 'GET', body, signal }: ApiOptions): Promise<Response> {
  const own = token()
  let response: Response
  try {
    response = await fetch(path, {
      method,
      headers: {
        ...(own && { authorization: `Bearer ${own}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    })
  } catch (error) {
    signal?.throwIfAborted()
    throw new ApiError(0, `The service cannot be reached (${reasonOf(error)}). Is it still running?`)
  }
  if (response.ok) return response
  throw new ApiError(response.status, await refusal(response, own !== undefined))
}

async function refusal(response: Response, signedIn: boolean): Promise<string> {
  let said = ''
  try {
    const body = (await response.json()) as { error?: unknown; message?: unknown }
    said = String(body.error ?? body.message ?? '')
  } catch {}
  switch (response.status) {
    case 401:
      return signedIn
        ? 'The service does not know this token: it may have expired or been revoked. Sign in with another one.'
        : 'This service wants a token: sign in with one.'
    case 403:
      return `${said ? `${capital(said).replace(/\.$/, '')}. ` : ''}Sign in with a token that has the scope for it.`
    case 429:
      return 'That was too much at once for this service: wait a moment and try again.'
    default:
      return said ? capital(said) : `The service answered with status ${response.status}.`
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
