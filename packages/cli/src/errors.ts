import { GloveboxError } from '@glovebox/he'
import { FileError } from './files.ts'

/** One line for a person; the stack only with GLOVEBOX_DEBUG=1. */
export function describeError(error: unknown): string {
  if (process.env.GLOVEBOX_DEBUG === '1') return error instanceof Error ? withCauses(error) : String(error)
  const message = error instanceof Error ? error.message : String(error)
  const expected =
    error instanceof GloveboxError ||
    error instanceof FileError ||
    error instanceof RangeError ||
    error instanceof TypeError
  return `glovebox: ${message}${expected ? '' : '\n(GLOVEBOX_DEBUG=1 shows where this came from)'}`
}

function withCauses(error: Error): string {
  const own = error.stack ?? error.message
  return error.cause instanceof Error ? `${own}\ncaused by ${withCauses(error.cause)}` : own
}
