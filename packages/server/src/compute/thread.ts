import { parentPort, workerData } from 'node:worker_threads'
import { GloveboxError } from '@glovebox/he'
import { type Keys, noKeys, openEngine } from './engine.ts'
import { createKeyCache } from './key-cache.ts'
import type { FromThread, ThreadData, ToThread } from './messages.ts'

// One thread of the pool: contexts and prepared models of its own, one query at a time. Errors that a query or its keys are to blame
// for are answers; any other ends the thread, since its memory may be in disorder, and the pool starts a new one.

const { models, keyMemory } = workerData as ThreadData
const port = parentPort!
const opened = new Map(
  models.map(({ name, serverPart }) => [
    name,
    { engine: openEngine(serverPart), cache: createKeyCache<Keys>(keyMemory) },
  ]),
)

const send = (message: FromThread): void => port.postMessage(message)

function compute({ model, keysDigest, keys: bytes, query, cancelled }: Extract<ToThread, { kind: 'run' }>): FromThread {
  const { engine, cache } = opened.get(model)!
  const keys =
    keysDigest === undefined || bytes === undefined
      ? noKeys
      : cache.get(keysDigest, bytes.length, () => engine.readKeys(bytes))
  const started = performance.now()
  const reply = engine.answer(query, keys, {
    signal: {
      // Shared memory is seen in the middle of a step, where an event would have to wait for its end.
      throwIfAborted() {
        if (Atomics.load(cancelled, 0) !== 0)
          throw new GloveboxError('unavailable', 'the query was withdrawn while it was computed on')
      },
    },
  })
  return { kind: 'done', reply, computeMs: performance.now() - started }
}

port.on('message', (message: ToThread) => {
  if (message.kind === 'forget') {
    for (const { cache } of opened.values()) cache.forget(message.keysDigest)
    return
  }
  try {
    send(compute(message))
  } catch (error) {
    if (!(error instanceof GloveboxError)) throw error
    send({ kind: 'refused', code: error.code, message: error.message })
  }
})

send({ kind: 'ready' })
