import { type ErrorCode, GloveboxError } from '@glovebox/he'

/** 409: the query or the keys are in order, but of another model. 422: the keys lack what this model needs. */
const statuses: Partial<Record<ErrorCode, 400 | 401 | 404 | 409 | 413 | 422 | 503>> = {
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

/** The HTTP status of an error, or undefined where it is the server's own fault: then its text stays in the log. */
export function statusOf(error: unknown): 400 | 401 | 404 | 409 | 413 | 422 | 503 | undefined {
  return error instanceof GloveboxError ? statuses[error.code] : undefined
}
