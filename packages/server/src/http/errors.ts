import { type ErrorCode, GloveboxError } from '@glovebox/he'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Env } from './context.ts'

/** 409: the query or the keys are in order, but of another model. 422: the keys lack what this model needs. */
const statuses: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  malformed: 400,
  unsupported: 400,
  'insecure-parameters': 400,
  'level-exhausted': 400,
  'scale-mismatch': 400,
  unauthorised: 401,
  'not-found': 404,
  'parameters-mismatch': 409,
  exists: 409,
  'too-large': 413,
  'missing-key': 422,
  'out-of-memory': 503,
  unavailable: 503,
}

/** An error that HTTP has a status of its own for. */
export class Refusal extends GloveboxError {
  readonly status: ContentfulStatusCode
  readonly headers: Readonly<Record<string, string>>
  /** What goes into the body beside message and code. */
  readonly details: Readonly<Record<string, number>>
  constructor(
    status: ContentfulStatusCode,
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    details: Readonly<Record<string, number>> = {},
  ) {
    super(code, message)
    this.status = status
    this.headers = headers
    this.details = details
  }
}

/** The HTTP status of an error, or undefined where it is the server's own fault: then its text stays in the log. */
export function statusOf(error: unknown): ContentfulStatusCode | undefined {
  if (error instanceof Refusal) return error.status
  if (error instanceof HTTPException && error.status < 500) return error.status
  return error instanceof GloveboxError ? statuses[error.code] : undefined
}

/** What MLflow's clients know. */
const mlflowCodes: Partial<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  409: 'RESOURCE_ALREADY_EXISTS',
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
}

/** `{"error", "code"}`, and MLflow's words below its paths. */
export function errorBody(path: string, status: number, code: ErrorCode | 'internal', message: string): object {
  return {
    error: message,
    code,
    ...(path.startsWith('/api/2.0/mlflow/') && {
      error_code: mlflowCodes[status] ?? 'INVALID_PARAMETER_VALUE',
      message,
    }),
  }
}

/** The answer to what failed. What the server itself got wrong is told to the log only. */
export function refuse(c: Context<Env>, error: unknown): Response {
  const status = statusOf(error)
  const log = c.get('log')
  if (status === undefined) {
    // Whoever has left hears nothing, whatever went wrong after that.
    log.error({ err: error }, 'internal error')
    const message = `internal error; the log of the server has more, under the request id ${c.get('requestId')}`
    return c.json(errorBody(c.req.path, 500, 'internal', message), 500)
  }
  const message = error instanceof HTTPException ? error.message || `status ${status}` : (error as Error).message
  if (c.req.raw.signal.aborted) {
    log.info({ reason: message }, 'the client has left')
    // As nginx says it; no one reads it but the log.
    return new Response(null, { status: 499 })
  }
  log.warn({ status, reason: message }, 'refused')
  if (error instanceof Refusal) for (const [name, value] of Object.entries(error.headers)) c.header(name, value)
  if ((status === 503 || status === 429) && !(error instanceof Refusal && 'retry-after' in error.headers))
    c.header('retry-after', '1')
  // The rest of a body that is too long or too slow is not read: the connection cannot be used again.
  if (status === 413 || status === 408) c.header('connection', 'close')
  const code = error instanceof GloveboxError ? error.code : status === 415 ? 'unsupported' : 'malformed'
  const details = error instanceof Refusal ? error.details : {}
  return c.json({ ...errorBody(c.req.path, status, code, message), ...details }, status)
}
