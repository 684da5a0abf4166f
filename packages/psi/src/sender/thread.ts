import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { GloveboxError } from '@glovebox/he'
import { openSet } from '../database/set.ts'
import { type Evaluator, openEvaluator, type ReceiverKeys } from '../evaluate/evaluator.ts'
import type { Row } from '../evaluate/loaded.ts'
import type { FromThread, NamedKeys, Result, Task, ThreadData } from './messages.ts'

// The thread that holds one set in memory and answers its queries, one at a time. What a query or its keys are to blame for is an answer; any other error
// ends the thread, as its memory may be in disorder, and the sender starts a new one.

const { directory, threads, keyMemory, control } = workerData as ThreadData
const port = parentPort!
const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
const say = (message: FromThread): void => port.postMessage(message)

/** Decoded keys, the last used behind. */
const kept = new Map<string, { readonly keys: ReceiverKeys; readonly bytes: number }>()
let keptBytes = 0

function forget(id: string): void {
  const entry = kept.get(id)
  if (entry === undefined) return
  kept.delete(id)
  keptBytes -= entry.bytes
  entry.keys[Symbol.dispose]()
}

function forgetAbove(most: number): void {
  for (const id of kept.keys()) {
    if (keptBytes <= most) break
    forget(id)
  }
}

function keysOf(evaluator: Evaluator, { id, bytes }: NamedKeys, maxBytes: number): ReceiverKeys {
  const known = kept.get(id)
  if (known !== undefined) {
    kept.delete(id)
    kept.set(id, known)
    return known.keys
  }
  forgetAbove(Math.max(0, keyMemory - bytes.length))
  const keys = evaluator.decodeKeys(bytes, maxBytes)
  kept.set(id, { keys, bytes: bytes.length })
  keptBytes += bytes.length
  return keys
}

function work(evaluator: Evaluator, epoch: number, task: Exclude<Task, { kind: 'close' }>): Result {
  if (task.kind === 'forget') {
    forget(task.id)
    return { kind: 'done', memory: evaluator.memory.used }
  }
  const keys = task.keys && keysOf(evaluator, task.keys, task.kind === 'keys' ? task.maxBytes : task.keys.bytes.length)
  if (task.kind === 'keys') return { kind: 'done', memory: evaluator.memory.used }
  const began = performance.now()
  const reply = evaluator.answer(task.query, keys, { epoch, maxBytes: task.maxBytes, hash })
  return { kind: 'reply', reply, computeMs: performance.now() - began, memory: evaluator.memory.used }
}

function handle(evaluator: Evaluator, epoch: number, task: Exclude<Task, { kind: 'close' }>): Result {
  try {
    return work(evaluator, epoch, task)
  } catch (error) {
    if (!(error instanceof GloveboxError)) throw error
    // Others' keys are what can be done without.
    if (error.code === 'out-of-memory') forgetAbove(0)
    return { kind: 'refused', code: error.code, message: error.message }
  }
}

/** Reading a large set takes a minute, in which no message is heard. */
function* watched(rows: Iterable<Row>): Generator<Row> {
  for (const row of rows) {
    if (Atomics.load(control, 0) !== 0) throw new GloveboxError('unavailable', 'the set is being closed')
    yield row
  }
}

async function start(): Promise<void> {
  // Closed again: the set may be replaced or deleted while it is served.
  using set = openSet(directory, { readOnly: true })
  const { digest, items, epoch } = set
  const evaluator = openEvaluator(set.params, watched(set.rows()), { threads })
  await evaluator.threadsStarted()
  port.on('message', (task: Task) => {
    if (task.kind === 'close') {
      forgetAbove(0)
      evaluator[Symbol.dispose]()
      port.close()
      return
    }
    const result = handle(evaluator, epoch, task)
    if (result.kind === 'reply') port.postMessage(result, [result.reply.buffer as ArrayBuffer])
    else say(result)
  })
  // A message that cannot be read, for want of memory, would be waited on for ever.
  port.on('messageerror', (error) => {
    throw error
  })
  say({ kind: 'ready', digest, items, memory: evaluator.memory.used })
}

try {
  await start()
} catch (error) {
  if (!(error instanceof GloveboxError)) throw error
  say({ kind: 'failed', code: error.code, message: error.message })
}
