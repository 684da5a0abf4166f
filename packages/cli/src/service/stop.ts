import { GloveboxError } from '@glovebox/he'
import type { Logger, Service } from '@glovebox/server'

/** Closes a service when the process is asked to stop; with `withStdin` also when standard input closes, which a parent process holds open. */
export function onStop(service: Service, log: Logger, withStdin: boolean, before: () => void = () => undefined): void {
  const stop = (reason: string): void => {
    log.info({ reason }, 'stopping')
    before()
    service.close().then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'did not stop in order')
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(signal))
  // Whoever started this as a part of itself holds the other end; however it ends, the pipe closes.
  if (withStdin) process.stdin.once('end', () => stop('standard input closed')).resume()
}

/** Of a port that is in use: `advice` makes of another port what there is to type. */
export function withOtherPort(error: unknown, port: number, advice: (port: number) => string): unknown {
  if (!(error instanceof GloveboxError) || !error.message.endsWith('it is in use')) return error
  const other = port < 65535 ? port + 1 : 8080
  return new GloveboxError(error.code, `${error.message}; try ${advice(other)}`, { cause: error })
}

/** The same page under a name that browsers take for this machine. */
export function pageOf({ url }: Service): string {
  return url.replace('//127.0.0.1:', '//localhost:')
}
