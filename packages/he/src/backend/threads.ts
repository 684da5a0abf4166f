import { type Kernels, kernelNames } from '../kernels/table.ts'
import { createCommands, mostArguments, mostThreads, type ThreadData, word } from './commands.ts'
import { threadSource } from './platform-thread.ts'
import { startThread, type Thread } from './platform-threads.ts'
import { createQueue } from './queue.ts'
import { answering, taskKernels } from './task-kernels.ts'

/**
 * Fork and join on shared memory, synchronous: what is to be done is recorded as lists of kernel calls, which the threads and the caller run, and
 * the caller comes back when all are done. A kernel takes numbers only, so that a list of calls is all there is to send.
 */
export interface Threads extends Disposable {
  /** The caller's and those that were started, whether they run yet or not. */
  readonly count: number
  /** The caller's and those that run: threads take some 30 ms to come up, and until then their work is the caller's. */
  readonly running: number
  /** Resolves to `running` when all threads are up or have failed, at the latest after 10 s. */
  started(): Promise<number>
  /** See Ring.parallel. */
  parallel(count: number, task: (index: number, kernels: Kernels) => void): void
  /** See Ring.together. */
  together<T extends Disposable>(operations: readonly (() => T)[]): T[]
  /** Runs what is recorded so far, so that memory may be looked at. */
  settle(): void
  /** Calls `give` when nothing that is recorded can touch its `bytes` any more. */
  later(bytes: number, give: () => void): void
}

/** Memory that waits to be given back is at most this much, in bytes, before what was recorded is run. */
const mostHeld = 128 * 2 ** 20

/** Ends the threads of a context that nobody holds any more. They do not hold it: they share its memory only. */
const abandoned = new FinalizationRegistry<readonly Thread[]>((threads) => {
  for (const thread of threads) thread.end()
})

type Kernel = (...operands: (number | undefined)[]) => number | undefined

/**
 * `count` threads in all on a shared memory, and the kernels that go with them: they run at once, or are recorded while something is.
 * undefined where no thread can be started.
 */
export function openThreads(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  direct: Kernels,
  count: number,
): { readonly threads: Threads; readonly kernels: Kernels } | undefined {
  if (!Number.isInteger(count) || count < 2 || count > mostThreads)
    throw new RangeError(`"threads" expected an integer from 2 to ${mostThreads}, got ${count}`)
  const table = kernelNames.map((name) => direct[name] as Kernel)
  const tooLong = kernelNames.find((_, id) => table[id]!.length > mostArguments)
  if (tooLong) throw new Error(`the kernel "${tooLong}" takes more than ${mostArguments} arguments`)
  const commands = createCommands()
  const queue = createQueue(commands, table)
  const workers: Thread[] = []
  for (let index = 0; index < count - 1; index++) {
    const data: ThreadData = { module, memory, commands, names: kernelNames, index }
    const worker = startThread(threadSource, data, markDead(commands.words, index))
    if (worker) workers.push(worker)
  }
  if (workers.length === 0) return undefined

  let recording = false
  let held: (() => void)[] = []
  let heldBytes = 0

  const giveBack = (): void => {
    const all = held
    held = []
    heldBytes = 0
    for (const give of all) give()
  }
  const settle = (): void => {
    if (!recording) return
    try {
      queue.run()
    } finally {
      // One that still runs would write where other values will lie.
      if (queue.broken) for (const worker of workers) worker.end()
      giveBack()
    }
  }
  /** Records what `record` calls and runs it, also where it throws then: a value that lives on may have kept what it was about to compute. */
  const recorded = <T>(record: () => T): T => {
    recording = true
    try {
      const result = record()
      settle()
      return result
    } catch (error) {
      try {
        settle()
      } catch {
        // The first error is the one to be told.
      }
      throw error
    } finally {
      recording = false
    }
  }
  const kernels = Object.fromEntries(
    kernelNames.map((name, id) => {
      const kernel = table[id]!
      const answers = answering.has(name)
      return [
        name,
        (...operands: number[]) => {
          if (!recording) return kernel(...operands)
          if (!answers) return queue.record(id, operands)
          settle()
          return kernel(...operands)
        },
      ]
    }),
  ) as unknown as Kernels
  const forTasks = taskKernels(kernels)
  const alone = (): boolean => recording || queue.broken || Atomics.load(commands.words, word.ready) === 0

  const threads: Threads = {
    count: workers.length + 1,
    get running() {
      return 1 + Atomics.load(commands.words, word.ready)
    },
    async started() {
      const { words } = commands
      for (const end = performance.now() + 10_000; performance.now() < end; ) {
        const states = workers.map((_, i) => Atomics.load(words, word.states + i))
        // A thread says that it is up and is counted a moment later.
        const up = states.filter((state) => state === 1).length
        if (!states.includes(0) && Atomics.load(words, word.ready) >= up) break
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      return threads.running
    },
    parallel(tasks, task) {
      if (tasks < 2 || alone()) {
        for (let i = 0; i < tasks; i++) task(i, forTasks)
        return
      }
      recorded(() => {
        for (let i = 0; i < tasks; i++) {
          try {
            task(i, forTasks)
          } catch (error) {
            queue.drop()
            throw error
          }
          queue.endTask()
        }
      })
    },
    together<T extends Disposable>(operations: readonly (() => T)[]): T[] {
      const made: T[] = []
      const all = (): void => {
        for (const operation of operations) {
          made.push(operation())
          if (recording) queue.endTask()
        }
      }
      try {
        if (operations.length < 2 || alone()) all()
        else recorded(all)
        return made
      } catch (error) {
        for (const value of made) value[Symbol.dispose]()
        throw error
      }
    },
    settle,
    later(bytes, give) {
      if (!recording) return give()
      held.push(give)
      heldBytes += bytes
      if (heldBytes > mostHeld) settle()
    },
    [Symbol.dispose]() {
      abandoned.unregister(threads)
      for (const worker of workers) worker.end()
      commands.words.fill(0, word.ready, word.ready + 1)
    },
  }
  abandoned.register(threads, workers, threads)
  return { threads, kernels }
}

/** Apart from `openThreads`, so that a thread's listener holds nothing of the context. */
function markDead(words: Int32Array, index: number): () => void {
  return () => {
    if (Atomics.exchange(words, word.states + index, 2) === 1 && Atomics.load(words, word.ready) > 0)
      Atomics.sub(words, word.ready, 1)
  }
}
