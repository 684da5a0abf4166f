import { Worker } from 'node:worker_threads'
import { GloveboxError } from '@glovebox/he'
import type { FromThread, Result, Task, ThreadData } from './messages.ts'

/** A thread that has a set in memory. */
export interface Loaded {
  /** Of the content. */
  readonly digest: string
  readonly items: number
}

export interface LineOptions {
  readonly data: Omit<ThreadData, 'control'>
  /** Tasks that wait; the next is refused. */
  readonly maxWaiting: number
  /** From asking to the answer; a thread that takes longer for one task is replaced. */
  readonly deadlineMs: number
  /** Above this size, two threads are never there at once: when the content changes, queries wait until the new one is read. */
  readonly swapMemory: number
  /** Told of a thread that died, and of what could not be opened. */
  readonly onTrouble: (message: string, error: Error) => void
  /** Default: the thread of a set. */
  readonly script?: URL
}

export interface TaskOptions {
  readonly signal?: AbortSignal | undefined
  /** Who asks: a part of the queue is the most for one. */
  readonly owner?: string | undefined
}

/** What a query came to. */
export interface Done {
  readonly result: Result
  readonly waitMs: number
}

/** Tasks for one set, one after the other, on a thread that is replaced when it dies or its content is old. */
export interface Line {
  /** Starts the thread, or another that takes over when it is ready. Rejects where the set cannot be opened; then the old one goes on. */
  load(): Promise<Loaded>
  /**
   * Rejects with GloveboxError `unavailable` where the queue is full, the deadline passes, the thread dies or the line closes; with the signal's reason; with
   * what the thread refused.
   */
  run(task: Task, options?: TaskOptions): Promise<Done>
  readonly waiting: number
  readonly busy: boolean
  /** Threads that died. */
  readonly died: number
  /** Bytes of the kernels' memory in use. */
  readonly memory: number
  /** Lets what runs finish; what waits is refused. */
  close(): Promise<void>
}

/** One owner may have this part of the places that wait. */
const ownPart = 1 / 4
const firstRestartMs = 250
const longestRestartMs = 30_000
/** For a task that was running when the line was closed. */
const drainMs = 5000
/** For a thread to give back what it holds; then it is cut off. */
const graceMs = 3000

const fromSources = import.meta.url.endsWith('.ts')
const threadScript: URL = new URL(fromSources ? './thread.ts' : './thread.js', import.meta.url)

interface Entry {
  readonly task: Task
  readonly owner: string | undefined
  readonly since: number
  startedAt: number
  settle(error: unknown, done?: Done): void
  over: boolean
}

/** Of threads: the flag that they are to end. */
const controls = new WeakMap<Worker, Int32Array>()

/** Asks a thread to end: it has threads of its own, which it ends first. Resolves when it has. */
async function finish(worker: Worker): Promise<void> {
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  // It has ended already.
  if (worker.threadId < 0) return
  const control = controls.get(worker)
  if (control) Atomics.store(control, 0, 1)
  worker.postMessage({ kind: 'close' } satisfies Task)
  const timer = setTimeout(() => void worker.terminate(), graceMs)
  await exited
  clearTimeout(timer)
}

export function openLine(options: LineOptions): Line {
  const { data, maxWaiting, deadlineMs, swapMemory, onTrouble, script = threadScript } = options
  const queue: Entry[] = []
  const starting = new Set<Worker>()
  let current: Worker | undefined
  let running: Entry | undefined
  let [died, memory, failures] = [0, 0, 0]
  let closed = false
  /** No task is begun: threads are exchanged. */
  let held = false
  const onQuiet: (() => void)[] = []
  let loading: Promise<unknown> = Promise.resolve()
  let restarting: NodeJS.Timeout | undefined
  let hang: NodeJS.Timeout | undefined

  function dispatch(): void {
    if (running || held || !current) return
    const entry = queue.shift()
    if (!entry) return
    const worker = current
    running = entry
    entry.startedAt = performance.now()
    // It does not listen while it computes, so it is ended from outside.
    hang = setTimeout(() => {
      onTrouble('a query took longer than its deadline, its thread is ended', new Error(`${deadlineMs} ms`))
      void worker.terminate()
    }, 2 * deadlineMs)
    worker.postMessage(entry.task)
  }

  /** The task at hand, which is at hand no more. */
  function finished(): Entry | undefined {
    const entry = running
    running = undefined
    clearTimeout(hang)
    for (const quiet of onQuiet.splice(0)) quiet()
    return entry
  }

  function heard(result: Result): void {
    const entry = finished()
    if (result.kind === 'refused') entry?.settle(new GloveboxError(result.code, result.message))
    else {
      memory = result.memory
      entry?.settle(undefined, { result, waitMs: entry.startedAt - entry.since })
    }
    dispatch()
  }

  function gone(worker: Worker, cause: Error): void {
    if (worker !== current) return
    current = undefined
    const entry = finished()
    if (closed) {
      entry?.settle(closing())
      return
    }
    died++
    onTrouble('the thread of a set died and is started again', cause)
    entry?.settle(new GloveboxError('unavailable', 'the thread that computed died: try again in a moment'))
    restart()
  }

  function restart(): void {
    clearTimeout(restarting)
    const delay = failures === 0 ? 0 : Math.min(longestRestartMs, firstRestartMs * 2 ** failures)
    restarting = setTimeout(() => load().catch((error: Error) => onTrouble('the set cannot be opened', error)), delay)
  }

  /** A new thread, when it is ready. */
  function start(): Promise<{ worker: Worker; loaded: Loaded; bytes: number }> {
    return new Promise((resolve, reject) => {
      const control = new Int32Array(new SharedArrayBuffer(4))
      const worker = new Worker(script, {
        workerData: { ...data, control } satisfies ThreadData,
        execArgv: fromSources ? ['--conditions=@glovebox/source'] : [],
      })
      controls.set(worker, control)
      starting.add(worker)
      let cause = new Error('a thread ended')
      worker.on('message', (message: FromThread) => {
        if (message.kind === 'ready')
          resolve({ worker, loaded: { digest: message.digest, items: message.items }, bytes: message.memory })
        else if (message.kind === 'failed') {
          cause = new GloveboxError(message.code, message.message)
          void finish(worker)
        } else if (worker === current) heard(message)
      })
      worker.on('error', (error: unknown) => {
        cause = error instanceof Error ? error : new Error(String(error))
      })
      worker.on('exit', () => {
        starting.delete(worker)
        reject(closed ? closing() : cause)
        gone(worker, cause)
      })
    })
  }

  /** Resolves between two tasks; none is begun until `held` is false again. */
  function hold(): Promise<void> {
    held = true
    return running ? new Promise((resolve) => onQuiet.push(resolve)) : Promise.resolve()
  }

  /** One at a time. */
  function load(): Promise<Loaded> {
    const turn = loading.then(loadNow)
    loading = turn.catch(() => undefined)
    return turn
  }

  async function loadNow(): Promise<Loaded> {
    clearTimeout(restarting)
    try {
      if (closed) throw closing()
      if (current && memory > swapMemory) {
        await hold()
        const old = current
        current = undefined
        await finish(old)
      }
      const { worker, loaded, bytes } = await start()
      await hold()
      // Its end was heard already, or the line's.
      if (!starting.delete(worker) || closed) {
        void finish(worker)
        throw closing()
      }
      const old = current
      current = worker
      if (old) void finish(old)
      memory = bytes
      failures = 0
      return loaded
    } catch (error) {
      failures++
      if (!current && !closed) restart()
      throw error
    } finally {
      held = false
      dispatch()
    }
  }

  return {
    load,
    run(task, { signal, owner } = {}) {
      if (closed) return Promise.reject(closing())
      if (signal?.aborted) return Promise.reject(signal.reason)
      const own = owner === undefined ? 0 : queue.filter((entry) => entry.owner === owner).length
      if (queue.length >= maxWaiting || own >= Math.max(1, Math.ceil(maxWaiting * ownPart)))
        return Promise.reject(
          new GloveboxError('unavailable', `${queue.length} queries wait already: try again in a moment`),
        )
      return new Promise<Done>((resolve, reject) => {
        const withdraw = (): void => leave(signal!.reason)
        const timer = setTimeout(
          () =>
            leave(new GloveboxError('unavailable', `no answer within ${deadlineMs / 1000} s: try again in a moment`)),
          deadlineMs,
        )
        const entry: Entry = {
          task,
          owner,
          since: performance.now(),
          startedAt: 0,
          over: false,
          settle(error, done) {
            if (entry.over) return
            entry.over = true
            clearTimeout(timer)
            signal?.removeEventListener('abort', withdraw)
            if (done) resolve(done)
            else reject(error)
          },
        }
        const leave = (error: unknown): void => {
          const at = queue.indexOf(entry)
          if (at >= 0) queue.splice(at, 1)
          entry.settle(error)
        }
        signal?.addEventListener('abort', withdraw, { once: true })
        queue.push(entry)
        dispatch()
      })
    },
    get waiting() {
      return queue.length
    },
    get busy() {
      return running !== undefined
    },
    get died() {
      return died
    },
    get memory() {
      return memory
    },
    async close() {
      if (closed) return
      for (const entry of queue.splice(0)) entry.settle(closing())
      closed = true
      clearTimeout(restarting)
      let timer: NodeJS.Timeout | undefined
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, drainMs)
      })
      await Promise.race([hold(), late])
      clearTimeout(timer)
      await Promise.all([...starting, ...(current ? [current] : [])].map(finish))
    },
  }
}

function closing(): GloveboxError {
  return new GloveboxError('unavailable', 'the set is being closed: try again in a moment')
}
