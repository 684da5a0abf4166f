import { spawn } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'

// autocannon in a process of its own: node load.ts '<JSON of Load>' prints the JSON of LoadResult.

export interface Load {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** The file with the body that all clients send. */
  readonly body: string
  readonly connections: number
  /** Seconds; or a number of requests. */
  readonly seconds?: number
  readonly requests?: number
}

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  readonly perSecond: number
  /** Of the seconds, without the first and the last. */
  readonly slowestSecond: number
  /** Connections that broke, timeouts, statuses other than 200. */
  readonly errors: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Runs a load from a second process. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const script = fileURLToPath(import.meta.url)
  const child = spawn(process.execPath, [script, JSON.stringify(load)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  for await (const text of child.stdout) output += text
  return JSON.parse(output) as LoadResult
}

async function cannon({ url, headers, body, connections, seconds, requests }: Load): Promise<LoadResult> {
  // What it gives is both: it emits, and resolves.
  const instance = autocannon({
    url,
    method: 'POST',
    headers,
    body: readFileSync(body),
    connections,
    timeout: 60,
    ...(requests === undefined ? { duration: seconds ?? 10 } : { amount: requests }),
  }) as Promise<autocannon.Result> & Pick<EventEmitter, 'on'>
  const eachSecond: number[] = []
  instance.on('tick', ({ counter }: { counter: number }) => eachSecond.push(counter))
  const result = await instance
  return {
    requests: result['2xx'],
    seconds: result.duration,
    perSecond: result['2xx'] / result.duration,
    slowestSecond: Math.min(...eachSecond.slice(1, -1)),
    errors: result.errors + result.timeouts + result.non2xx,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await cannon(JSON.parse(process.argv[2]!) as Load)))
