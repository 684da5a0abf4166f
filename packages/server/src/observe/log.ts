import { type Logger, pino } from 'pino'

export type { Logger }

/** JSON lines on standard output. Nothing that goes into them is private: names of models, sizes, times, digests of public keys. */
export function createLog(): Logger {
  return pino({ base: { name: 'glovebox' } })
}
