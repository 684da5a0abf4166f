import { type Commands, callCapacity, spinMs, taskCapacity, word } from './commands.ts'
import { canSleep } from './platform-threads.ts'

type Kernel = (...operands: (number | undefined)[]) => number | undefined

/** Seconds without any progress after which a thread is given up. No task takes that long. */
const patience = 60

/** The caller's side of the commands: records calls, publishes tasks as they are complete, takes its share of them, and waits for the rest. */
export interface Queue {
  /** A thread took a task and never came back: nothing runs in parallel any more. */
  readonly broken: boolean
  record(kernel: number, operands: readonly number[]): undefined
  /** What was recorded since the last task is one. */
  endTask(): void
  /** Forgets what was recorded since the last task. */
  drop(): void
  /** Runs all that was recorded. Throws the first error of a kernel, when all are done. */
  run(): void
}

export function createQueue({ words, tasks, calls, message }: Commands, kernels: readonly Kernel[]): Queue {
  const lengths = kernels.map((kernel) => kernel.length + 1)
  const sleeps = canSleep()
  const pause = (Atomics as { pause?: () => void }).pause ?? ((): void => undefined)
  /** Where the next call goes, and where its task began. */
  let at = 0
  let begin = 0
  /** Tasks published so far, modulo 2^32; and those that were when the threads were last seen to have finished. */
  let limit = 0
  let finished = 0
  let broken = false

  function runTask(task: number): void {
    const slot = 2 * (task & (taskCapacity - 1))
    for (let i = tasks[slot]!, end = tasks[slot + 1]!; i < end; ) {
      const id = calls[i]!
      const length = lengths[id]!
      call(kernels[id]!, calls, i + 1)
      i += length
    }
  }

  function publish(): void {
    if (at === begin) return
    const slot = 2 * (limit & (taskCapacity - 1))
    tasks[slot] = begin
    tasks[slot + 1] = at
    begin = at
    limit = (limit + 1) | 0
    Atomics.store(words, word.limit, limit)
    // Once is enough: who is awake looks again before it sleeps.
    if (((limit - finished) | 0) === 1 && Atomics.load(words, word.asleep) > 0) Atomics.notify(words, word.limit)
  }

  /** The first error of a task that the caller ran itself. */
  function takeAll(): unknown {
    let failure: unknown
    for (;;) {
      const task = Atomics.load(words, word.next)
      if (task === limit) return failure
      if (Atomics.compareExchange(words, word.next, task, (task + 1) | 0) !== task) continue
      try {
        runTask(task)
      } catch (error) {
        failure ??= error
      }
      Atomics.add(words, word.done, 1)
    }
  }

  function awaitThreads(): void {
    const allDone = (): boolean => Atomics.load(words, word.done) === limit
    for (const until = performance.now() + spinMs; performance.now() < until; pause()) if (allDone()) return
    let seen = Atomics.load(words, word.done)
    for (let since = performance.now(); !allDone(); ) {
      if (sleeps) {
        Atomics.store(words, word.waiting, 1)
        const done = Atomics.load(words, word.done)
        if (done !== limit) Atomics.wait(words, word.done, done, 1000)
        Atomics.store(words, word.waiting, 0)
      } else pause()
      const done = Atomics.load(words, word.done)
      if (done !== seen) {
        seen = done
        since = performance.now()
      } else if (performance.now() - since > 1000 * patience) {
        broken = true
        throw new Error(`a thread did not finish its task within ${patience} s: open the context again`)
      }
    }
  }

  function run(): void {
    if (broken) return
    publish()
    const own = takeAll()
    awaitThreads()
    finished = limit
    at = 0
    begin = 0
    const failed = Atomics.exchange(words, word.failed, 0)
    if (own !== undefined) throw own
    if (failed > 0)
      throw new Error(`a kernel failed in a thread: ${String.fromCharCode(...message.subarray(0, failed - 1))}`)
  }

  return {
    get broken() {
      return broken
    },
    record(id, operands) {
      const length = lengths[id]!
      if (operands.length !== length - 1)
        throw new TypeError(`a kernel expected ${length - 1} arguments, got ${operands.length}`)
      if (at + length > callCapacity) run()
      calls[at] = id
      for (let i = 1; i < length; i++) calls[at + i] = operands[i - 1]!
      at += length
      return undefined
    },
    endTask() {
      publish()
      if (((limit - finished) | 0) === taskCapacity) run()
    },
    drop() {
      at = begin
    },
    run,
  }
}

/** What a kernel does not take is dropped. Ten times as fast as a spread. */
function call(kernel: Kernel, x: Float64Array, at: number): void {
  // biome-ignore format: one line for eight
  kernel(
    x[at], x[at + 1], x[at + 2], x[at + 3], x[at + 4], x[at + 5], x[at + 6], x[at + 7],
    x[at + 8], x[at + 9], x[at + 10], x[at + 11], x[at + 12], x[at + 13], x[at + 14], x[at + 15],
  )
}
