import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { GloveboxError } from '@glovebox/he'
import { checkHardening, type Hardening } from '../items/hardening.ts'
import { requireInput, splitElements } from './elements.ts'
import { elementBytes, outputBytes } from './group.ts'
import { encodeOprfKey, type OprfKey } from './key.ts'
import type { Answer, Task, ThreadData } from './pool-messages.ts'
import type { EvaluatedBatch } from './sender.ts'

/** What a pool is made with. */
export interface EvaluationPoolOptions {
  /** Copied to each thread; it may be disposed of at once. */
  readonly key: OprfKey
  /** Of the set; default none. */
  readonly hardening?: Hardening
  /** 1 to 256; default: as many as the machine runs at once. */
  readonly threads?: number
  /** Items and elements that may wait or run in all; default 2^21. */
  readonly maxWaiting?: number
}

/** Items of a batch and their outputs. */
export interface EvaluatedItems {
  /** Canonical bytes, as they were given. */
  readonly items: readonly Uint8Array[]
  /** n × 64 bytes. */
  readonly outputs: Uint8Array
}

/** Threads that evaluate with one key. All methods reject with GloveboxError `disposed` afterwards, and with `unavailable` when a thread has died. */
export interface EvaluationPool {
  /** How many there are, from 1. */
  readonly threads: number
  /**
   * Hardens canonical bytes (`itemBytes`) and evaluates them: n × 64 bytes, in order. None give none.
   * @throws TypeError for an item that is no bytes, RangeError for one that is too long, GloveboxError `unavailable` where too much is waiting.
   */
  evaluate(items: readonly Uint8Array[]): Promise<Uint8Array>
  /** `evaluate` of batches as they come, in order; it asks for at most 2 batches ahead of the one that it has given. */
  evaluateStream(
    batches: Iterable<readonly Uint8Array[]> | AsyncIterable<readonly Uint8Array[]>,
  ): AsyncGenerator<EvaluatedItems, void, undefined>
  /**
   * As the function of this name, on the threads.
   * @throws GloveboxError as that, and `unavailable` where too much is waiting.
   */
  evaluateBlinded(elements: Uint8Array): Promise<EvaluatedBatch>
  /** Ends the threads; what waits is rejected with `disposed`. */
  dispose(): Promise<void>
  /** As `dispose`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Items of a task: some 50 ms of work. */
const chunk = 128
/** Tasks that a thread has at once, so that it never waits for the next. */
const ahead = 2
const defaultMaxWaiting = 2 ** 21

const fromSources = import.meta.url.endsWith('.ts')
const script: URL = new URL(fromSources ? './pool-thread.ts' : './pool-thread.js', import.meta.url)

interface Job {
  /** Made when its turn comes, so that little is held twice. */
  readonly task: () => Task
  readonly size: number
  resolve(batch: EvaluatedBatch): void
  reject(error: unknown): void
}

interface Thread {
  readonly worker: Worker
  /** In the order in which it answers. */
  readonly jobs: Job[]
}

/**
 * Node threads for building sets and answering batches, with libsodium and OpenSSL. They keep no process alive while nothing is asked of them.
 * @throws RangeError for a number of threads that is none; GloveboxError as `checkHardening`, without its limits, and `disposed` for a key that was.
 */
export function createEvaluationPool({
  key,
  hardening = { algorithm: 'none' },
  threads: count = Math.min(256, availableParallelism()),
  maxWaiting = defaultMaxWaiting,
}: EvaluationPoolOptions): EvaluationPool {
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new RangeError(`"threads" expected an integer from 1 to 256, got ${count}`)
  const data: ThreadData = {
    key: encodeOprfKey(key),
    hardening: checkHardening(hardening, { work: Number.POSITIVE_INFINITY, memory: Number.POSITIVE_INFINITY }),
  }
  const hardened = hardening.algorithm !== 'none'
  const { mode } = key
  const queue: Job[] = []
  let [head, size] = [0, 0]
  let ended: GloveboxError | undefined
  let disposed: Promise<void> | undefined

  const threads: readonly Thread[] = Array.from({ length: count }, () => open(data))
  data.key.fill(0)

  function open(workerData: ThreadData): Thread {
    const worker = new Worker(script, { workerData, execArgv: fromSources ? ['--conditions=@glovebox/source'] : [] })
    const thread: Thread = { worker, jobs: [] }
    let cause: Error | undefined
    worker.on('message', (answer: Answer) => heard(thread, answer))
    worker.on('error', (error: Error) => {
      cause = error
    })
    worker.on('exit', (code) => {
      if (disposed) return
      const message = `a thread of the evaluation pool ended with code ${code}: make another pool`
      end(new GloveboxError('unavailable', message, { cause }))
    })
    // After the listeners, which hold the process again.
    worker.unref()
    return thread
  }

  function heard(thread: Thread, answer: Answer): void {
    const job = thread.jobs.shift()
    if (job === undefined) return
    size -= job.size
    if (thread.jobs.length === 0) thread.worker.unref()
    if ('error' in answer) {
      const { code, message } = answer.error
      job.reject(code === undefined ? new RangeError(message) : new GloveboxError(code, message))
    } else job.resolve(answer)
    dispatch()
  }

  function dispatch(): void {
    for (;;) {
      const thread = threads.reduce((best, other) => (other.jobs.length < best.jobs.length ? other : best))
      if (ended || head === queue.length || thread.jobs.length >= ahead) break
      const job = queue[head++]!
      if (thread.jobs.length === 0) thread.worker.ref()
      thread.jobs.push(job)
      const task = job.task()
      thread.worker.postMessage(task, task.kind === 'items' ? [task.bytes.buffer as ArrayBuffer] : [])
    }
    if (head === queue.length || head > 4096) {
      queue.splice(0, head)
      head = 0
    }
  }

  /** Rejects what waits and what runs, once. */
  function end(error: GloveboxError): void {
    if (ended) return
    ended = error
    const jobs = [...threads.flatMap((thread) => thread.jobs.splice(0)), ...queue.splice(0).slice(head)]
    head = 0
    size = 0
    for (const job of jobs) job.reject(error)
    for (const { worker } of threads) void worker.terminate()
  }

  function push(tasks: readonly { readonly task: () => Task; readonly size: number }[]): Promise<EvaluatedBatch>[] {
    if (ended) throw ended
    const more = tasks.reduce((sum, task) => sum + task.size, 0)
    // One alone may be larger: nothing else could be done about it.
    if (size > 0 && size + more > maxWaiting)
      throw new GloveboxError(
        'unavailable',
        `the evaluation pool has ${size} items to do, ${more} more would be above its limit of ${maxWaiting}: wait for some`,
      )
    size += more
    const batches = tasks.map(
      (task) => new Promise<EvaluatedBatch>((resolve, reject) => queue.push({ ...task, resolve, reject })),
    )
    dispatch()
    return batches
  }

  async function evaluate(items: readonly Uint8Array[]): Promise<Uint8Array> {
    for (const [i, item] of items.entries())
      if (!hardened || !(item instanceof Uint8Array)) requireInput(`items[${i}]`, item)
    const starts = Array.from({ length: Math.ceil(items.length / chunk) }, (_, i) => i * chunk)
    const parts = starts.map((start) => items.slice(start, start + chunk))
    const batches = await Promise.all(push(parts.map((part) => ({ task: () => pack(part), size: part.length }))))
    return concatenate(batches, items.length * outputBytes)
  }

  async function* evaluateStream(
    batches: Iterable<readonly Uint8Array[]> | AsyncIterable<readonly Uint8Array[]>,
  ): AsyncGenerator<EvaluatedItems, void, undefined> {
    const waiting: { items: readonly Uint8Array[]; outputs: Promise<Uint8Array> }[] = []
    const take = async (): Promise<EvaluatedItems> => {
      const { items, outputs } = waiting.shift()!
      return { items, outputs: await outputs }
    }
    for await (const items of batches) {
      const outputs = evaluate(items)
      // Heard when its turn comes, or never when an earlier one has failed.
      outputs.catch(() => undefined)
      waiting.push({ items, outputs })
      if (waiting.length > 2) yield await take()
    }
    while (waiting.length > 0) yield await take()
  }

  async function evaluateBlinded(elements: Uint8Array): Promise<EvaluatedBatch> {
    const total = splitElements('the blinded batch', elements).length
    // A proof is of the whole batch.
    const step = mode === 'voprf' ? total : chunk
    const starts = Array.from({ length: Math.ceil(total / step) }, (_, i) => i * step)
    const tasks = starts.map((first) => {
      const part = elements.slice(first * elementBytes, (first + step) * elementBytes)
      return { task: (): Task => ({ kind: 'blinded', elements: part, first }), size: part.length / elementBytes }
    })
    const batches = await Promise.all(push(tasks))
    return mode === 'voprf' ? batches[0]! : { elements: concatenate(batches, elements.length), proof: undefined }
  }

  function dispose(): Promise<void> {
    disposed ??= Promise.all(threads.map(({ worker }) => worker.terminate())).then(() => undefined)
    end(new GloveboxError('disposed', 'the evaluation pool was disposed of'))
    return disposed
  }

  return { threads: count, evaluate, evaluateStream, evaluateBlinded, dispose, [Symbol.asyncDispose]: dispose }
}

function pack(items: readonly Uint8Array[]): Task {
  const ends = new Uint32Array(items.length)
  let end = 0
  for (const [i, item] of items.entries()) {
    end += item.length
    ends[i] = end
  }
  const bytes = new Uint8Array(end)
  for (const [i, item] of items.entries()) bytes.set(item, ends[i]! - item.length)
  return { kind: 'items', bytes, ends }
}

function concatenate(batches: readonly EvaluatedBatch[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const { elements } of batches) {
    all.set(elements, at)
    at += elements.length
  }
  return all
}
