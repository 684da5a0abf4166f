import { getHeapStatistics } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { GloveboxError } from '@glovebox/he'
import { type Engine, type Keys, noKeys } from './engine.ts'
import { createEngines } from './engines.ts'
import { createKeyCache } from './key-cache.ts'
import {
  type Aftermath,
  type FromThread,
  keysIn,
  type ModelMessage,
  type RunMessage,
  type ThreadData,
  type ToThread,
} from './messages.ts'

// One thread of the pool: contexts and prepared models of its own, one query at a time. Errors that a query, its keys or its model are
// to blame for are answers; any other ends the thread, since its memory may be in disorder, and the pool starts a new one.

const { keyMemory, modelMemory } = workerData as ThreadData
const port = parentPort!
const keyCache = createKeyCache<Keys>(keyMemory)
const engines = createEngines(modelMemory, (serverPart) => keyCache.forget((id) => id.startsWith(`${serverPart}/`)))

/** Milliseconds of making ready for the job at hand. */
const took = { openMs: 0, keysMs: 0 }
let changed = false

/** What was sent along is missing. */
class Cold extends Error {}

function timed<T>(what: keyof typeof took, make: () => T): T {
  const started = performance.now()
  changed = true
  try {
    return make()
  } finally {
    took[what] = performance.now() - started
  }
}

function engineOf(model: ModelMessage): Engine {
  const engine = engines.get(model.serverPart)
  if (engine) return engine
  const { bytes } = model
  if (!bytes) throw new Cold()
  return timed('openMs', () => engines.open(model, bytes))
}

function keysFor(engine: Engine, serverPart: string, { id, bytes }: NonNullable<RunMessage['keys']>): Keys {
  const full = keysIn(serverPart, id)
  const keys = keyCache.get(full)
  if (keys) return keys
  if (!bytes) throw new Cold()
  return timed('keysMs', () => keyCache.add(full, bytes.length, () => engine.readKeys(bytes)))
}

function compute({ model, keys: named, query, control, part }: RunMessage): FromThread {
  const engine = engineOf(model)
  const keys = named ? keysFor(engine, model.serverPart, named) : noKeys
  const started = performance.now()
  const answer = engine.answerOrPause(query, keys, {
    part,
    pause: () => Atomics.load(control, 3) !== 0,
    onProgress(done, total) {
      Atomics.store(control, 2, total)
      Atomics.store(control, 1, done)
    },
    signal: {
      // Shared memory is seen in the middle of a step, where an event would have to wait for its end.
      throwIfAborted() {
        if (Atomics.load(control, 0) !== 0)
          throw new GloveboxError('unavailable', 'the query was withdrawn while it was computed on')
      },
    },
  })
  const computeMs = performance.now() - started
  if (answer instanceof Uint8Array) return { kind: 'done', reply: answer, computeMs, ...after() }
  return { kind: 'paused', part: answer, computeMs, ...after() }
}

function after(): Aftermath {
  engines.trim()
  const state = changed ? { models: engines.ids(), keys: keyCache.ids() } : undefined
  changed = false
  return { state, memory: engines.memory + getHeapStatistics().used_heap_size, ...took }
}

function handle(message: ToThread): FromThread {
  took.openMs = 0
  took.keysMs = 0
  if (message.kind === 'forget') {
    keyCache.forget((id) => id.endsWith(`/${message.keys}`))
    changed = true
    return { kind: 'forgotten', ...after() }
  }
  try {
    if (message.kind === 'run') return compute(message)
    const { model, keys } = message
    const engine = engineOf(model)
    if (keys) keysFor(engine, model.serverPart, keys)
    return { kind: 'prepared', ...after() }
  } catch (error) {
    if (error instanceof Cold) {
      changed = true
      return { kind: 'cold', ...after() }
    }
    if (!(error instanceof GloveboxError)) throw error
    return { kind: 'refused', code: error.code, message: error.message, ...after() }
  }
}

port.on('message', (message: ToThread) => {
  const answer = handle(message)
  if (answer.kind === 'done') port.postMessage(answer, [answer.reply.buffer as ArrayBuffer])
  else port.postMessage(answer)
})

// A message that cannot be read, for want of memory, would be waited on for ever.
port.on('messageerror', (error) => {
  throw error
})

port.postMessage({ kind: 'ready' } satisfies FromThread)
