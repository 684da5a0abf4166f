import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { GloveboxError } from '@glovebox/he'
import type { Config, ConfigOptions, Logger, Model, Service, Stores } from '@glovebox/server'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { clientFile, of, serverFile } from '../bundle.ts'
import { makeFolder, readInput } from '../files.ts'
import { gallery } from '../gallery/list.ts'
import { cardFile, examplesFile, metricsFile } from '../model-folder.ts'
import { integer } from '../numbers.ts'
import { commandLine } from '../service/command-process.ts'
import { consoleFolder, openPage } from '../service/console.ts'
import { dataFolder } from '../service/state.ts'
import { onStop, pageOf, withOtherPort } from '../service/stop.ts'
import { showLogLine } from '../terminal/log-lines.ts'

interface ServeOptions {
  readonly host?: string
  readonly port?: number
  readonly data?: string
  readonly threads?: number
  readonly keyMemory?: number
  readonly tokens?: boolean
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly origin?: readonly string[]
  readonly set?: Readonly<Record<string, string>>
  readonly trustProxy?: boolean
  readonly logLevel?: string
  readonly logJson?: boolean
  /** False by --no-console. */
  readonly console?: string | false
  readonly gallery?: boolean
  readonly open?: boolean
  readonly stopWithStdin?: boolean
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .summary('run a service')
    .description(
      'Run a service: a registry of models, and private predictions with them over HTTP.\n' +
        'Without configuration it listens on this machine only, and needs no token here. Logs are JSON lines on standard output, and a few lines for people where that is a terminal.',
    )
    .argument(
      '[folders...]',
      `folders with ${clientFile} and ${serverFile} to serve, each named like its folder; without --data they are served from a temporary directory`,
    )
    .option('-p, --port <port>', 'port; 0 takes a free one (default: 8080)', integer(0, 65535))
    .option('--host <address>', 'address to listen on; others than loopback need tokens (default: 127.0.0.1)')
    .option(
      '--data <folder>',
      'the data directory: models, keys and jobs (default without folders: that of the platform)',
    )
    .option('-t, --threads <count>', 'threads that compute (default: 1)', integer(1, 256))
    .option('--key-memory <MiB>', 'memory for evaluation keys in use (default: 512)', integer(1, 1_000_000))
    .option('--tokens', 'ask for tokens here too; the first one is $GLOVEBOX_ADMIN_TOKEN')
    .option('--tls-cert <file>', 'certificate in PEM, to speak HTTPS')
    .option('--tls-key <file>', 'its key')
    .addOption(
      new Option(
        '--origin <origin>',
        'an origin whose pages may call, such as https://example.org; several times for more',
      ).argParser((text: string, before: string[] = []) => [...before, text]),
    )
    .addOption(
      new Option(
        '--set <name=folder>',
        'also serve a set for private look-up, as breach build makes it; several times for more',
      ).argParser((text: string, before: Record<string, string> = {}) => ({ ...before, ...namedFolder(text) })),
    )
    .option('--trust-proxy', 'believe x-forwarded-for and x-forwarded-proto of a proxy in front')
    .option(
      '--log-level <level>',
      'fatal, error, warn, info, debug, trace or silent (default: info; warn on a terminal)',
    )
    .option('--log-json', 'JSON lines on a terminal too')
    .option('--console <folder>', 'another build of the console')
    .option('--no-console', 'serve no console')
    .option('--gallery', 'compile and push the models that come with Glovebox, those that are not there yet')
    .option('--open', 'open the console in a browser, where there is one')
    .addOption(new Option('--stop-with-stdin', 'stop when standard input is closed, for a parent process').hideHelp())
    .addHelpText(
      'after',
      '\nDATABASE_URL (Postgres), S3_BUCKET, REDIS_URL and the limits (GLOVEBOX_…)\nare read from the environment; docs/service.md has all.',
    )
    .action(run)
}

async function run(folders: string[], options: ServeOptions): Promise<void> {
  const { createLog, localPrincipal, openService, pushModel, readConfig } = await import('@glovebox/server')
  const models = await loadFolders(folders)
  const { env } = process
  const configured = options.data ?? env.GLOVEBOX_DATA
  const elsewhere = env.DATABASE_URL && env.S3_BUCKET
  const temporary = folders.length > 0 && configured === undefined
  const data = configured ?? (temporary || elsewhere ? undefined : dataFolder())
  const forPeople = process.stdout.isTTY && !options.logJson
  const config = readConfig(configOf(options, data, forPeople))
  const destination = { write: (line: string) => void process.stdout.write(showLogLine(line)) }
  const log = createLog({ level: config.logLevel, ...(forPeople && { destination }) })
  if (data !== undefined) await makeFolder(data, 0o700)
  const service = await openService(config, log, async ({ registry, tokens }) => {
    if (config.tokens && !config.adminToken) requireAdmin(await tokens.list())
    for (const model of models) await pushModel(registry, localPrincipal, model)
  }).catch((error: unknown) =>
    Promise.reject(withOtherPort(error, config.port, (port) => `--port ${port} (npm start -- --port ${port})`)),
  )
  log.info(
    { url: service.url, models: models.map(({ name }) => name), threads: config.threads, data: data ?? 'temporary' },
    'listening',
  )
  if (process.stdout.isTTY) process.stderr.write(greeting(service, config, models, data))
  const stopGallery = options.gallery ? startGallery(service.url, config, log) : () => undefined
  if (options.open) await openPage(pageOf(service))
  onStop(service, log, options.stopWithStdin ?? false, stopGallery)
}

function namedFolder(text: string): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('Expected NAME=FOLDER.')
  return { [text.slice(0, at)]: text.slice(at + 1) }
}

/** Where requests need tokens and nobody has one that makes others, nobody ever will. */
function requireAdmin(tokens: Awaited<ReturnType<Stores['tokens']['list']>>): void {
  const now = Date.now()
  const valid = tokens.some(
    ({ scopes, revokedAt, expiresAt }) =>
      scopes.includes('admin') && revokedAt === undefined && (expiresAt === undefined || expiresAt > now),
  )
  if (valid) return
  throw new GloveboxError(
    'unauthorised',
    'requests need tokens, and there is none with the scope admin that could make one: set GLOVEBOX_ADMIN_TOKEN to at least 32 random characters, the first token, or leave --tokens (GLOVEBOX_TOKENS) out',
  )
}

function configOf(options: ServeOptions, data: string | undefined, forPeople: boolean): ConfigOptions {
  const { host, port, threads, tokens, tlsCert, tlsKey, origin, set, trustProxy, logLevel, keyMemory } = options
  const all = {
    host,
    port,
    data,
    threads,
    tokens,
    tlsCert,
    tlsKey,
    origins: origin,
    sets: set,
    trustProxy,
    logLevel: logLevel ?? (process.env.GLOVEBOX_LOG_LEVEL || !forPeople ? undefined : 'warn'),
    console:
      options.console === false ? undefined : (options.console ?? process.env.GLOVEBOX_CONSOLE ?? consoleFolder()),
    limits: keyMemory === undefined ? undefined : { keyMemory: keyMemory * 2 ** 20 },
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as ConfigOptions
}

function greeting(service: Service, config: Config, models: readonly Model[], data: string | undefined): string {
  const first = models[0]?.name
  return [
    config.console === undefined ? `listening at ${service.url}` : `console: ${pageOf(service)}`,
    data === undefined ? 'models, keys and jobs are temporary' : `models, keys and jobs are kept in ${resolve(data)}`,
    config.tokens ? 'requests need tokens' : 'only this machine can reach it, without tokens',
    first === undefined
      ? `next: npx glovebox push FOLDER --name NAME --server ${service.url}`
      : `next: npx glovebox predict ${first} --server ${service.url} --input FILE`,
    '',
  ].join('\n')
}

/** Compiles in a process of its own, so that requests are answered meanwhile. Gives what ends it. */
function startGallery(url: string, config: Config, log: Logger): () => void {
  const token = config.adminToken?.reveal()
  const child = spawn(process.execPath, commandLine('gallery', '--json', '--server', url), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...(token !== undefined && { GLOVEBOX_TOKEN: token }) },
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    try {
      const { name, version, ms } = JSON.parse(line)
      log.info({ model: name, version, ms }, 'model of the gallery is ready')
      if (process.stdout.isTTY) process.stderr.write(`ready: ${name}\n`)
    } catch {
      log.warn({ line }, 'the gallery said something else')
    }
  })
  createInterface({ input: child.stderr }).on('line', (line) => log.warn({ line }, 'the gallery complains'))
  child.on('error', (err) => log.warn({ err }, 'the gallery cannot be compiled'))
  child.once('close', (code) => {
    log.info({ code }, 'the gallery is done')
    if (process.stdout.isTTY && code === 0)
      process.stderr.write(`all ${gallery.length} models of the gallery are ready\n`)
  })
  const kill = (): void => void child.kill('SIGTERM')
  process.once('exit', kill)
  return kill
}

async function loadFolders(folders: readonly string[]): Promise<Model[]> {
  const models = await Promise.all(folders.map(loadFolder))
  const names = models.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw new GloveboxError('exists', `there are two models named "${twice}": rename one of the folders`)
  return models
}

async function loadFolder(folder: string): Promise<Model> {
  const { loadModel } = await import('@glovebox/server')
  const [clientPart, serverPart] = await Promise.all([
    readInput(join(folder, clientFile)),
    readInput(join(folder, serverFile)),
  ])
  const more = await Promise.all(
    [cardFile, examplesFile, metricsFile].map(async (name) => {
      const bytes = await readFile(join(folder, name)).catch(() => undefined)
      return bytes ? [[name, new Uint8Array(bytes)] as const] : []
    }),
  )
  const extras = Object.fromEntries(more.flat())
  return of(folder, () => loadModel({ name: basename(resolve(folder)), clientPart, serverPart, extras }))
}
