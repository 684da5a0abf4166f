import { type ErrorCode, GloveboxError } from '@glovebox/he'

/** An error on its way between threads: structured cloning would lose the codes. */
export interface SentError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
}

export function sendError(error: unknown): SentError {
  if (!(error instanceof Error) && !(error instanceof DOMException)) return { name: 'Error', message: String(error) }
  const { name, message, stack } = error
  const { code } = error as { code?: unknown }
  return { name, message, ...(typeof code === 'string' && { code }), ...(stack !== undefined && { stack }) }
}

export function receiveError({ name, message, code, stack }: SentError): Error {
  const error = make(name, message, code)
  if (stack !== undefined) error.stack = stack
  return error
}

function make(name: string, message: string, code: string | undefined): Error {
  switch (name) {
    case 'GloveboxError':
      return new GloveboxError(code as ErrorCode, message)
    case 'TypeError':
      return new TypeError(message)
    case 'RangeError':
      return new RangeError(message)
    case 'AbortError':
    case 'TimeoutError':
      return new DOMException(message, name)
    default:
      return Object.assign(new Error(message), { name }, code !== undefined && { code })
  }
}
