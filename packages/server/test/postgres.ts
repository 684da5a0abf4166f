import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

// A PostgreSQL of Debian's packages, in a directory of its own on a free port.

export interface Postgres {
  readonly port: number
  /** Its data directory. */
  readonly data: string
  /** Ids of its processes. */
  processes(): readonly number[]
  /** What pg_dump says of a database, as text. */
  dump(url: string): Buffer
  /** Of a new, empty database. */
  database(): Promise<string>
  /** SIGKILL, and waits until all its processes are gone. */
  kill(): Promise<void>
  /** After `kill`: on the same data. */
  start(): Promise<void>
  stop(): Promise<void>
}

function binaries(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  return versions.map((version) => join(root, version, 'bin')).find((folder) => existsSync(join(folder, 'initdb')))
}

/** Why there is none, or undefined. */
export const postgresMissing: string | undefined = binaries()
  ? undefined
  : 'PostgreSQL is not installed (Debian: postgresql)'

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** `settings` as in postgresql.conf. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<Postgres> {
  const bin = binaries()
  if (bin === undefined) throw new Error(postgresMissing)
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-postgres-'))
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  const options = { ...user, cwd: directory, stdio: 'ignore' as const, env: { PATH: bin, LC_ALL: 'C.UTF-8' } }
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], options)
  const port = await freePort()
  const run = async <T>(
    database: string,
    work: (query: (text: string) => Promise<unknown>) => Promise<T>,
  ): Promise<T> => {
    const { Client } = (await import('pg')).default
    const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await work((text) => client.query(text))
    } finally {
      await client.end()
    }
  }
  const set = Object.entries({ listen_addresses: '127.0.0.1', max_connections: '200', ...settings }).flatMap(
    ([name, value]) => ['-c', `${name}=${value}`],
  )
  let child: ChildProcess | undefined
  const exited = (process: ChildProcess): Promise<unknown> =>
    process.exitCode !== null || process.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => process.once('exit', resolve))

  const start = async (): Promise<void> => {
    for (const until = Date.now() + 30_000; ; ) {
      // A new one waits until the last process of a killed one has let go of the memory.
      if (child === undefined || child.exitCode !== null || child.signalCode !== null)
        child = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), '-k', directory, ...set], options)
      try {
        await run('postgres', (query) => query('select 1'))
        return
      } catch (error) {
        if (Date.now() > until) throw error
        await sleep(50)
      }
    }
  }
  await start()
  let databases = 0
  return {
    port,
    data,
    start,
    processes() {
      const pid = child!.pid!
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
      return [pid, ...children.map(Number)]
    },
    dump: (url) => execFileSync(join(bin, 'pg_dump'), [url], { ...options, stdio: 'pipe', maxBuffer: 2 ** 30 }),
    async database() {
      const name = `test${++databases}`
      await run('postgres', (query) => query(`create database ${name}`))
      return `postgres://postgres@127.0.0.1:${port}/${name}`
    },
    async kill() {
      child?.kill('SIGKILL')
      if (child) await exited(child)
    },
    async stop() {
      child?.kill('SIGINT')
      if (child) await exited(child)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function idOf(kind: '-u' | '-g'): number {
  return Number(execFileSync('id', [kind, 'postgres'], { encoding: 'utf8' }))
}
