import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { GloveboxError } from '@glovebox/he'
import type { PsiSet } from '@glovebox/psi/sender'
import { type Command, Option } from 'commander'
import { FileError } from '../files.ts'
import { integer } from '../numbers.ts'
import { consoleFolder } from '../service/console.ts'
import { onStop, pageOf, withOtherPort } from '../service/stop.ts'
import { showCount } from '../terminal/format.ts'
import { showLogLine } from '../terminal/log-lines.ts'

interface ServeOptions {
  readonly name?: string
  readonly host: string
  readonly port: number
  readonly rate?: number
  readonly threads?: number
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly origin?: readonly string[]
  readonly trustProxy?: boolean
  readonly tokenFile?: string
  readonly logLevel?: string
  readonly logJson?: boolean
  /** False by --no-console. */
  readonly console?: string | boolean
  readonly stopWithStdin?: boolean
}

export function addBreachServe(breach: Command): void {
  breach
    .command('serve')
    .summary('answer questions about sets')
    .description(
      'Answer questions about sets, which it learns nothing of, over HTTP; the page "Passwords" asks in a browser. Items that are inserted or removed, and new epochs, are noticed in seconds.\n' +
        '`glovebox serve --set NAME=FOLDER` does so beside models.',
    )
    .argument('<folders...>', 'of sets, as breach build makes them')
    .option('--name <name>', 'of the set (default: as it was built; of one folder only)')
    .option('-p, --port <port>', 'port; 0 takes a free one', integer(0, 65535), 8080)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--rate <items>',
      'that one address may ask for in an hour: what keeps others from guessing the list; 0 for no limit (default: 10,000)',
      integer(0, 1_000_000_000),
    )
    .option(
      '-t, --threads <count>',
      'threads that share out a query (default: as many as there are cores)',
      integer(1, 256),
    )
    .option('--tls-cert <file>', 'certificate in PEM, to speak HTTPS')
    .option('--tls-key <file>', 'its key')
    .addOption(
      new Option(
        '--origin <origin>',
        'an origin whose pages may ask, such as https://example.org; several times for more',
      ).argParser((text: string, before: string[] = []) => [...before, text]),
    )
    .option('--trust-proxy', 'believe x-forwarded-for and x-forwarded-proto of a proxy in front')
    .option('--token-file <file>', 'a file with a token of 32 characters or more that all who ask have to have')
    .option(
      '--log-level <level>',
      'fatal, error, warn, info, debug, trace or silent (default: info; warn on a terminal)',
    )
    .option('--log-json', 'JSON lines on a terminal too')
    .option('--console <folder>', 'another build of the console')
    .option('--no-console', 'serve no page')
    .addOption(new Option('--stop-with-stdin', 'stop when standard input is closed, for a parent process').hideHelp())
    .action(run)
}

async function run(paths: string[], options: ServeOptions): Promise<void> {
  const folders = await namedFolders(paths, options.name)
  const { createLog, serveSets } = await import('@glovebox/server')
  const forPeople = process.stdout.isTTY && !options.logJson
  const destination = { write: (line: string) => void process.stdout.write(showLogLine(line)) }
  const level = (options.logLevel ?? process.env.GLOVEBOX_LOG_LEVEL ?? (forPeople ? 'warn' : 'info')) as 'info'
  const log = createLog({ level, ...(forPeople && { destination }) })
  const {
    host,
    port,
    rate,
    threads = Math.min(256, availableParallelism()),
    tlsCert,
    tlsKey,
    origin,
    trustProxy,
  } = options
  const token = options.tokenFile === undefined ? undefined : await tokenIn(options.tokenFile)
  const page =
    options.console === false ? undefined : typeof options.console === 'string' ? options.console : consoleFolder()
  const service = await serveSets(
    {
      folders: Object.fromEntries(Object.entries(folders).map(([name, { path }]) => [name, path])),
      host,
      port,
      threads,
      ...(tlsCert !== undefined && { tlsCert }),
      ...(tlsKey !== undefined && { tlsKey }),
      ...(origin && { origins: origin }),
      ...(trustProxy && { trustProxy }),
      ...(token !== undefined && { token }),
      ...(page !== undefined && { console: page }),
      ...(rate !== undefined && { limits: { setElementsPerHour: rate, setQueriesPerHour: rate } }),
    },
    log,
  ).catch((error: unknown) => Promise.reject(withOtherPort(error, port, (other) => `--port ${other}`)))
  const sets = Object.entries(folders).map(([name, { said }]) => ({ name, ...said }))
  log.info({ url: service.url, sets }, 'listening')
  if (process.stdout.isTTY)
    process.stderr.write(
      [
        ...sets.map(({ name, kind, items, epoch }) => `${name}: ${showCount(items)} ${kind}, epoch ${epoch}`),
        page === undefined ? `listening at ${service.url}` : `page: ${pageOf(service)}/passwords`,
        `next: npx glovebox breach check --server ${service.url}${sets.length > 1 ? ` --set ${sets[0]!.name}` : ''}`,
        '',
      ].join('\n'),
    )
  onStop(service, log, options.stopWithStdin ?? false)
}

interface Folder {
  readonly path: string
  readonly said: Pick<PsiSet, 'kind' | 'items' | 'epoch'>
}

async function namedFolders(
  paths: readonly string[],
  name: string | undefined,
): Promise<Readonly<Record<string, Folder>>> {
  if (name !== undefined && paths.length > 1)
    throw new RangeError('"--name" is of one folder, and there are several: they are named as they were built')
  const { openCurrent } = await import('../breach/set-folder.ts')
  const folders: Record<string, Folder> = {}
  for (const path of paths) {
    using set = await openCurrent(path)
    const own = name ?? set.name
    if (folders[own])
      throw new GloveboxError(
        'exists',
        `${folders[own].path} and ${path} both have a set named "${own}": serve them by two commands, with --name`,
      )
    folders[own] = { path, said: { kind: set.kind, items: set.items, epoch: set.epoch } }
  }
  return folders
}

async function tokenIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause) => Promise.reject(new FileError('read', file, cause)))
  return text.trim()
}
