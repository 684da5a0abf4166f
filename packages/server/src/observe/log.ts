import { randomUUID } from 'node:crypto'
import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger }

/** From the most to the least that is told; `silent` is nothing at all. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** What `createLog` may be told. */
export interface LogOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Where lines go; default: standard output, written at once, so that a kill loses no line. */
  readonly destination?: DestinationStream
}

/** Fields that nobody may log, wherever a caller put them by mistake. */
const never = ['authorization', 'cookie', 'token', 'password', 'secret', 'body', 'query', 'reply', 'input', 'output']

/** As long as a token is, and credentials in an address (`postgres://user:password@host`, `redis://:password@host`). */
const tokens = /gbx_[\w-]+/g
const credentials = /(:\/\/)[^\s/?#"'\\@]*(?=@)/g

/**
 * JSON lines, one an event. Nothing that goes into them is private: names of models, tenants, sizes, times, digests of public keys.
 * Tokens and passwords in addresses are taken out of finished lines, whatever message brought them.
 */
export function createLog(options: LogOptions = {}): Logger {
  const { level = 'info', destination = pino.destination({ fd: 1, sync: true }) } = options
  return pino(
    {
      level,
      base: { name: 'glovebox' },
      redact: { paths: never.flatMap((field) => [field, `*.${field}`]), censor: '[not logged]' },
      serializers: { err: describeError, error: describeError },
    },
    { write: (line: string) => void destination.write(withoutCredentials(line)) },
  )
}

/** The text without tokens and passwords in addresses. */
export function withoutCredentials(text: string): string {
  return text.replace(tokens, 'gbx_[not logged]').replace(credentials, '$1[not logged]')
}

export interface LoggedError {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: LoggedError
}

/** Causes of causes end somewhere, circles do not. */
const deepest = 5

/**
 * Name, message, code, stack and causes. No other property: drivers of databases and queues put values of rows and arguments of commands there.
 */
export function describeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) }
  const { code } = error as { code?: unknown }
  return {
    type: error.name,
    message: error.message,
    ...((typeof code === 'string' || typeof code === 'number') && { code: String(code) }),
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause !== undefined && depth < deepest && { cause: describeError(error.cause, depth + 1) }),
  }
}

/** The id under which a request is logged: that of a proxy in front (`x-request-id`) where it is short and plain, else a new one. */
export function requestId(given: string | null | undefined): string {
  return given && /^[\w.:-]{8,64}$/.test(given) && !given.startsWith('gbx_') ? given : randomUUID()
}
