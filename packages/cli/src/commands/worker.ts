import { type Command, Option } from 'commander'
import { integer } from '../numbers.ts'

export function addWorker(program: Command): void {
  program
    .command('worker')
    .summary('run jobs of a service on another machine')
    .description(
      'Run jobs of a service on another machine: it takes them from the queue (REDIS_URL), and needs the database (DATABASE_URL) and the objects (S3_BUCKET, or --data on a shared folder).',
    )
    .option('--data <folder>', 'the data directory of the service, where it is shared')
    .option('-t, --threads <count>', 'threads that compute (default: 1)', integer(1, 256))
    .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent (default: info)')
    .addOption(new Option('--stop-with-stdin', 'stop when standard input is closed, for a parent process').hideHelp())
    .action(async (options: { data?: string; threads?: number; logLevel?: string; stopWithStdin?: boolean }) => {
      const { createLog, openWorker, readConfig } = await import('@glovebox/server')
      const { stopWithStdin = false, ...given } = options
      const config = readConfig(given)
      const log = createLog({ level: config.logLevel })
      const worker = await openWorker(config, log)
      log.info({ threads: config.threads }, 'working')
      const stop = (reason: string): void => {
        log.info({ reason }, 'stopping')
        worker.close().then(
          () => process.exit(0),
          (err: unknown) => {
            log.error({ err }, 'did not stop in order')
            process.exit(1)
          },
        )
      }
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(signal))
      if (stopWithStdin) process.stdin.once('end', () => stop('standard input closed')).resume()
    })
}
