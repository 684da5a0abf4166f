import { isIP } from 'node:net'
import { z } from 'zod'
import { flag, folders, integer, origin, text, url } from './config-values.ts'
import { defaultLimits, type Limits } from './http/limits.ts'
import { hide, type Secret } from './secret.ts'

export type { Secret } from './secret.ts'

/** S3, or what speaks like it. Credentials come from where AWS's tools take them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, the machine's role. */
export interface S3Config {
  /** It has to be there. */
  readonly bucket: string
  /** Default us-east-1, which others than AWS ignore. */
  readonly region: string
  /** Default: AWS. Another address is spoken to with the bucket in the path. */
  readonly endpoint?: string | undefined
  /** Before all keys, with a slash at its end. */
  readonly prefix?: string | undefined
}

/** What a service is opened with: checked, complete. */
export interface Config {
  /** Address to listen on. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Folder of the embedded database and objects; undefined takes a temporary one that is deleted at the end. */
  readonly data?: string | undefined
  /** `postgres://…`; undefined for the embedded database. */
  readonly database?: Secret | undefined
  /** Undefined keeps objects in the data directory. */
  readonly s3?: S3Config | undefined
  /** `redis://…`; undefined queues jobs in this process. */
  readonly redis?: Secret | undefined
  /** Files in PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
  /** Origins whose pages may call, as browsers send them; '*' for all. */
  readonly origins: readonly string[]
  /** An admin token of the tenant "admin". */
  readonly adminToken?: Secret | undefined
  /** Whether requests need a token; without, everything is of the tenant "local". */
  readonly tokens: boolean
  /** What is taken before it says no. */
  readonly limits: Limits
  /** Threads that compute. */
  readonly threads: number
  /** Milliseconds for what runs to finish after a signal to stop. */
  readonly drainMs: number
  /** Milliseconds before that in which requests are still taken, so that whoever routes them sees that this replica is not ready. */
  readonly noticeMs: number
  /** Whether x-forwarded-for and x-forwarded-proto are believed. */
  readonly trustProxy: boolean
  /** Sets that are served for private look-up: name → folder. */
  readonly sets: Readonly<Record<string, string>>
  /** Lines below it are not written. */
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'
  /** Folder with the built console; undefined serves none. */
  readonly console?: string | undefined
}

/** What a program may say; the environment is asked for the rest. Numbers may be digits, sizes may end in KiB, MiB or GiB. */
export interface ConfigOptions {
  /** Address to listen on; default 127.0.0.1. GLOVEBOX_HOST. */
  readonly host?: string | undefined
  /** Default 8080; 0 takes a free one. GLOVEBOX_PORT. */
  readonly port?: number | string | undefined
  /** Folder of the embedded database and objects. GLOVEBOX_DATA. */
  readonly data?: string | undefined
  /** postgres://… instead of the embedded database. DATABASE_URL. */
  readonly databaseUrl?: string | undefined
  /** redis://… for the queue of jobs. REDIS_URL. */
  readonly redisUrl?: string | undefined
  /** Bucket for objects, instead of the data folder. S3_BUCKET. */
  readonly s3Bucket?: string | undefined
  /** URL of what speaks like S3. S3_ENDPOINT. */
  readonly s3Endpoint?: string | undefined
  /** Default us-east-1. AWS_REGION. */
  readonly s3Region?: string | undefined
  /** Before all keys of objects, with a slash at its end. S3_PREFIX. */
  readonly s3Prefix?: string | undefined
  /** PEM file of the certificate chain. GLOVEBOX_TLS_CERT. */
  readonly tlsCert?: string | undefined
  /** PEM file of its key. GLOVEBOX_TLS_KEY. */
  readonly tlsKey?: string | undefined
  /** Origins whose pages may call, '*' for all; a text is split at commas. GLOVEBOX_ORIGINS. */
  readonly origins?: readonly string[] | string | undefined
  /** 32 to 512 characters: the first token, of the tenant "admin". GLOVEBOX_ADMIN_TOKEN. */
  readonly adminToken?: string | undefined
  /** Whether requests need a token; default: where the host is open to others, or there is an admin token. GLOVEBOX_TOKENS. */
  readonly tokens?: boolean | string | undefined
  /** Threads that compute, 1 to 256; default 1. GLOVEBOX_THREADS. */
  readonly threads?: number | string | undefined
  /** Milliseconds for requests to finish when it stops; default 10000. GLOVEBOX_DRAIN_MS. */
  readonly drainMs?: number | string | undefined
  /** Milliseconds before that in which it says that it is not ready; default 0. GLOVEBOX_NOTICE_MS. */
  readonly noticeMs?: number | string | undefined
  /** Whether x-forwarded-for, x-forwarded-proto and x-request-id are believed; default false. GLOVEBOX_TRUST_PROXY. */
  readonly trustProxy?: boolean | string | undefined
  /** Sets to serve, name → folder as `glovebox breach build` makes it; or a text, "name=folder,name=folder". GLOVEBOX_SETS. */
  readonly sets?: Readonly<Record<string, string>> | string | undefined
  /** fatal, error, warn, info (default), debug, trace or silent. GLOVEBOX_LOG_LEVEL. */
  readonly logLevel?: string | undefined
  /** Folder with the built console. GLOVEBOX_CONSOLE. */
  readonly console?: string | undefined
  /** Each has a variable of its own: queryBytes is GLOVEBOX_QUERY_BYTES. */
  readonly limits?: Partial<Limits> | undefined
}

/** All that is wrong with a configuration, a line each. */
export class ConfigError extends TypeError {
  /** One for each option, with its variable. */
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

type Name = Exclude<keyof ConfigOptions, 'limits'>
// The option, its variable in the environment, what it may be.
const settings = {
  host: ['GLOVEBOX_HOST', text],
  port: ['GLOVEBOX_PORT', integer(0, 65535)],
  data: ['GLOVEBOX_DATA', text],
  databaseUrl: ['DATABASE_URL', url('postgres:', 'postgresql:')],
  redisUrl: ['REDIS_URL', url('redis:', 'rediss:')],
  s3Bucket: ['S3_BUCKET', text],
  s3Endpoint: ['S3_ENDPOINT', url('http:', 'https:')],
  s3Region: ['AWS_REGION', text],
  s3Prefix: [
    'S3_PREFIX',
    text.regex(/^([a-z0-9._-]+\/)+$/, 'expected names of a-z, 0-9, ".", "_" and "-", each with a slash behind it'),
  ],
  tlsCert: ['GLOVEBOX_TLS_CERT', text],
  tlsKey: ['GLOVEBOX_TLS_KEY', text],
  origins: [
    'GLOVEBOX_ORIGINS',
    z.preprocess(
      (value) => (typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value),
      z.array(origin, 'expected a list'),
    ),
  ],
  adminToken: [
    'GLOVEBOX_ADMIN_TOKEN',
    z
      .string('expected a text')
      .regex(/^[\x21-\x7e]{32,512}$/, 'expected 32 to 512 printable characters without spaces, hard to guess'),
  ],
  tokens: ['GLOVEBOX_TOKENS', flag],
  threads: ['GLOVEBOX_THREADS', integer(1, 256)],
  drainMs: ['GLOVEBOX_DRAIN_MS', integer(0, 3_600_000)],
  noticeMs: ['GLOVEBOX_NOTICE_MS', integer(0, 600_000)],
  trustProxy: ['GLOVEBOX_TRUST_PROXY', flag],
  sets: ['GLOVEBOX_SETS', folders],
  logLevel: [
    'GLOVEBOX_LOG_LEVEL',
    z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'expected fatal … trace, or silent'),
  ],
  console: ['GLOVEBOX_CONSOLE', text],
} as const satisfies Record<Name, readonly [string, z.ZodType]>

/** One of the first has to fit into the second. */
const fitting = [
  ['keyBytes', 'keyMemory'],
  ['queryBytes', 'receiving'],
] as const satisfies readonly (readonly [keyof Limits, keyof Limits])[]

/** queryBytes → GLOVEBOX_QUERY_BYTES */
const limitVariable = (name: string): string => `GLOVEBOX_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`

/**
 * Options and environment to a configuration; options win. Without any: 127.0.0.1:8080, embedded storage, no tokens.
 * @throws ConfigError, a TypeError, with all problems at once; each names the option and the variable, and no value that is secret.
 */
export function readConfig(
  options: ConfigOptions = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const problems: string[] = []
  const take = <T>(name: string, variable: string, schema: z.ZodType<T>, given: unknown): T | undefined => {
    const fromEnvironment = environment[variable]
    const value = given ?? (fromEnvironment === '' ? undefined : fromEnvironment)
    if (value === undefined) return undefined
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    problems.push(`"${name}" (${variable}) ${parsed.error.issues[0]!.message}`)
    return undefined
  }
  const get = <K extends Name>(name: K): z.infer<(typeof settings)[K][1]> | undefined =>
    take(name, settings[name][0], settings[name][1] as z.ZodType<z.infer<(typeof settings)[K][1]>>, options[name])
  const secret = (name: 'databaseUrl' | 'redisUrl' | 'adminToken'): Secret | undefined => {
    const value = get(name)
    return value === undefined ? undefined : hide(value)
  }
  const given = new Set<string>()
  const limits = { ...defaultLimits } as Record<keyof Limits, number>
  for (const name of Object.keys(defaultLimits) as (keyof Limits)[]) {
    const low = /Per(Minute|Hour)$/.test(name) ? 0 : 1
    const value = take(
      `limits.${name}`,
      limitVariable(name),
      integer(low, Number.MAX_SAFE_INTEGER),
      options.limits?.[name],
    )
    if (value === undefined) continue
    limits[name] = value
    given.add(name)
  }
  for (const name of Object.keys(options.limits ?? {}))
    if (!Object.hasOwn(defaultLimits, name))
      problems.push(`"limits.${name}" is no limit: ${Object.keys(defaultLimits).join(', ')}`)

  const host = get('host') ?? '127.0.0.1'
  const adminToken = secret('adminToken')
  const tokens = get('tokens')
  const open = !isLoopback(host)
  if (open && tokens === false)
    problems.push(
      `"tokens" (GLOVEBOX_TOKENS) cannot be false where "host" (GLOVEBOX_HOST) is ${host}: everybody who reaches it could push and delete models. Listen on 127.0.0.1, or let requests need a token`,
    )
  if (open && tokens === undefined && adminToken === undefined)
    problems.push(
      `"host" (GLOVEBOX_HOST) ${host} is open to other machines, where requests need tokens, and there is none to begin with: set GLOVEBOX_ADMIN_TOKEN, or "tokens" (GLOVEBOX_TOKENS=true) where the database has some already`,
    )
  const [cert, key] = [get('tlsCert'), get('tlsKey')]
  if ((cert === undefined) !== (key === undefined))
    problems.push('"tlsCert" (GLOVEBOX_TLS_CERT) and "tlsKey" (GLOVEBOX_TLS_KEY) are needed together')
  const [origins, trustProxy] = [get('origins') ?? [], get('trustProxy') ?? false]
  if (!(tokens ?? (open || adminToken !== undefined))) {
    if (trustProxy)
      problems.push(
        '"trustProxy" (GLOVEBOX_TRUST_PROXY) says that others reach this server, through a proxy: they need tokens, set GLOVEBOX_ADMIN_TOKEN',
      )
    if (origins.includes('*'))
      problems.push(
        '"origins" (GLOVEBOX_ORIGINS) * would let every page that is opened on this machine push and delete models: name the origins, or set GLOVEBOX_ADMIN_TOKEN',
      )
  }
  for (const [part, whole] of fitting) {
    if (limits[part] <= limits[whole]) continue
    // What nobody asked for is as much as fits.
    if (!given.has(part)) limits[part] = limits[whole]
    else
      problems.push(
        `"limits.${part}" (${limitVariable(part)}) ${limits[part]} passes "limits.${whole}" (${limitVariable(whole)}) ${limits[whole]}: it would be taken and never fit`,
      )
  }
  const bucket = get('s3Bucket')
  const endpoint = get('s3Endpoint')
  if (endpoint !== undefined && bucket === undefined)
    problems.push('"s3Endpoint" (S3_ENDPOINT) needs "s3Bucket" (S3_BUCKET)')
  const [database, data] = [secret('databaseUrl'), get('data')]
  if (database !== undefined && bucket === undefined && data === undefined)
    problems.push(
      '"databaseUrl" (DATABASE_URL) needs a place for objects: "s3Bucket" (S3_BUCKET), or "data" (GLOVEBOX_DATA), a folder that all replicas share',
    )
  const s3 = {
    region: get('s3Region') ?? 'us-east-1',
    endpoint,
    prefix: get('s3Prefix'),
  }
  const config: Config = {
    host,
    port: get('port') ?? 8080,
    data,
    database,
    s3: bucket === undefined ? undefined : { bucket, ...s3 },
    redis: secret('redisUrl'),
    tls: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    origins,
    adminToken,
    // Whoever sets a token means it.
    tokens: tokens ?? (open || adminToken !== undefined),
    limits,
    threads: get('threads') ?? 1,
    drainMs: get('drainMs') ?? 10_000,
    noticeMs: get('noticeMs') ?? 0,
    trustProxy,
    sets: get('sets') ?? {},
    logLevel: get('logLevel') ?? 'info',
    console: get('console'),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** 127.0.0.0/8, ::1, localhost and names below it. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(name) === 4) return name.startsWith('127.')
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost')
}
