import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { missing } from './installed.ts'
import { freePort } from './postgres.ts'

/** Why there is none, or undefined. */
export const redisMissing: string | undefined = missing('redis-server')

/** A real Redis on a free port, that keeps its data as a careful one does. */
export interface TestRedis {
  readonly url: string
  /** Where its files are. */
  readonly directory: string
  /** Ids of its processes. */
  processes(): readonly number[]
  /** SIGKILL. */
  kill(): Promise<void>
  /** On the same port, with what is on its disk. */
  start(): Promise<void>
  /** Ends it and deletes its data. */
  stop(): Promise<void>
}

/** Debian's redis-server; `settings` as in redis.conf. */
export async function startRedis(settings: Readonly<Record<string, string>> = {}): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const keeping = { dir: directory, appendonly: 'yes', appendfsync: 'everysec', save: '' }
      const options = { port, bind: '127.0.0.1', ...keeping, ...settings }
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
      const started = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
      child = started
      started.once('error', reject)
      started.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)))
      started.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('Ready to accept connections')) resolve()
      })
    })
  const end = (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> =>
    new Promise((resolve) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return resolve()
      child.once('exit', () => resolve())
      child.kill(signal)
    })
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    directory,
    processes: () => [child!.pid!],
    kill: () => end('SIGKILL'),
    start,
    async stop() {
      await end('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
