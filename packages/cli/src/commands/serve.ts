import { basename, join, resolve } from 'node:path'
import type { Model } from '@glovebox/server'
import { type Command, Option } from 'commander'
import { clientFile, of, serverFile } from '../bundle.ts'
import { readInput } from '../files.ts'
import { integer } from '../numbers.ts'

interface ServeOptions {
  readonly host: string
  readonly port: number
  readonly threads: number
  readonly keyMemory: number
  readonly stopWithStdin?: boolean
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('Serve compiled models over HTTP. Logs are JSON lines on standard output.')
    .argument('<folders...>', `folders with ${clientFile} and ${serverFile}; a model is named like its folder`)
    .option('-p, --port <port>', 'port; 0 takes a free one', integer(0, 65535), 8080)
    .option(
      '--host <address>',
      'address to listen on; there is no TLS here, so put a proxy in front before you open it to others',
      '127.0.0.1',
    )
    .option('-t, --threads <count>', 'threads that compute', integer(1, 256), 1)
    .option(
      '--key-memory <MiB>',
      'memory for uploaded evaluation keys; the least recently used are forgotten',
      integer(1, 1_000_000),
      512,
    )
    .addOption(new Option('--stop-with-stdin', 'stop when standard input is closed, for a parent process').hideHelp())
    .action(async (folders: string[], options: ServeOptions) => {
      const { createLog, serve } = await import('@glovebox/server')
      const log = createLog()
      const models = await Promise.all(folders.map(loadFolder))
      const { host, port, threads, keyMemory } = options
      const service = await serve(models, log, { host, port, threads, limits: { keyMemory: keyMemory * 2 ** 20 } })
      log.info({ url: service.url, models: models.map(({ name }) => name), threads }, 'listening')
      if (process.stdout.isTTY) {
        for (const { name } of models)
          process.stderr.write(
            `serving ${name} at ${service.url}; try: glovebox predict ${name} --server ${service.url} --input FILE\n`,
          )
      }
      const stop = (reason: string): void => {
        log.info({ reason }, 'stopping')
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
      if (options.stopWithStdin) process.stdin.once('end', () => stop('standard input closed')).resume()
    })
}

async function loadFolder(folder: string): Promise<Model> {
  const { loadModel } = await import('@glovebox/server')
  const [clientPart, serverPart] = await Promise.all([
    readInput(join(folder, clientFile)),
    readInput(join(folder, serverFile)),
  ])
  return of(folder, () => loadModel({ name: basename(resolve(folder)), clientPart, serverPart }))
}
