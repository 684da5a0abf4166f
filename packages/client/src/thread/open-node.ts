import { Worker as NodeWorker } from 'node:worker_threads'
import { GloveboxError } from '@glovebox/he'
import { openSession, type Session } from '../session/session.ts'
import { fileStorage } from '../storage/files.ts'
import { type Backend, outsideOf, type Start, threadBackend } from './backend.ts'
import type { Caller, Message } from './channel.ts'
import type { Placed } from './placed.ts'

/** From sources a thread is started from sources too, and from the build likewise. */
const fromSources = import.meta.url.endsWith('.ts')
const script: URL = new URL(fromSources ? './worker-node.ts' : './worker-node.js', import.meta.url)

/** A session in a thread of its own, or with `worker: false` in this one. */
export function openInNode(config: Start['config'], placed: Placed): Backend {
  if (typeof placed.worker === 'function')
    throw new TypeError('"worker" expected true or false in Node, got a function')
  return placed.worker ? inThread(config, placed) : here(config, placed)
}

function here(config: Start['config'], { fetch: given, keys, directory }: Placed): Backend {
  const session = openSession(config, {
    fetch: given ?? ((url, init) => fetch(url, init)),
    storage: keys ?? fileStorage(directory),
  })
  const call: Caller<Session> = (method, args, context = {}) =>
    (session[method] as (args: unknown, context: object) => Promise<never>)(args, context)
  return { call, close: () => session.close() }
}

function inThread(config: Start['config'], { fetch, keys, directory }: Placed): Backend {
  const start: Start = { config, outsideFetch: fetch !== undefined, outsideStorage: keys !== undefined, directory }
  const made = new NodeWorker(script, {
    workerData: start,
    execArgv: fromSources ? ['--conditions=@glovebox/source'] : [],
  })
  const line = {
    post: (message: Message) => made.postMessage(message),
    onMessage: (listener: (message: Message) => void) => void made.on('message', listener),
  }
  const backend = threadBackend(line, outsideOf(fetch, keys), () => void made.terminate())
  const ended = (reason: string): void =>
    backend.fail(
      new GloveboxError('unavailable', `the thread of the client has ended (${reason}): open the service again`),
    )
  made.on('error', (error) => ended(error.message))
  made.on('exit', (code) => ended(`code ${code}`))
  // It keeps the process alive while somebody waits for it, and not longer.
  made.unref()
  let waiting = 0
  const held = async <T>(run: () => Promise<T>): Promise<T> => {
    if (waiting++ === 0) made.ref()
    try {
      return await run()
    } finally {
      if (--waiting === 0) made.unref()
    }
  }
  const call: Caller<Session> = (method, args, context) => held(() => backend.call(method, args, context))
  return { call, close: () => held(() => backend.close()) }
}
