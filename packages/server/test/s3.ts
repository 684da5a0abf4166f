import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { S3Options } from '../src/store/s3.ts'
import { freePort } from './postgres.ts'

// s3rver, an S3 for tests, in a process of its own.

export interface S3 {
  /** Where its objects are. */
  readonly directory: string
  /** Ids of its processes. */
  processes(): readonly number[]
  /** A prefix of its own in the bucket. */
  options(): S3Options
  /** SIGKILL. */
  kill(): Promise<void>
  /** After `kill`: on the same data. */
  start(): Promise<void>
  stop(): Promise<void>
}

const bucket = 'glovebox'
const program = `
const S3rver = require(process.argv[1])
const [, , directory, port] = process.argv
new S3rver({ address: '127.0.0.1', port: Number(port), silent: true, directory, configureBuckets: [{ name: '${bucket}' }] })
  .run().then(() => process.send('ready'))
process.on('disconnect', () => process.exit())`

/** Sets the credentials of this process, which the client reads from its environment. */
export async function startS3(): Promise<S3> {
  process.env.AWS_ACCESS_KEY_ID = 'S3RVER'
  process.env.AWS_SECRET_ACCESS_KEY = 'S3RVER'
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-s3-'))
  const port = await freePort()
  const module = createRequire(import.meta.url).resolve('s3rver')
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const started = spawn(process.execPath, ['-e', program, module, directory, String(port)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    })
    child = started
    await new Promise<void>((resolve, reject) => {
      started.once('message', () => resolve())
      started.once('exit', (code) => reject(new Error(`s3rver ended with ${code}`)))
    })
  }
  const kill = async (): Promise<void> => {
    const ending = child
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill('SIGKILL')
    await ended
  }
  await start()
  let prefixes = 0
  return {
    directory,
    processes: () => [child!.pid!],
    start,
    kill,
    options: () => ({ bucket, endpoint: `http://127.0.0.1:${port}`, prefix: `test${++prefixes}/` }),
    async stop() {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
