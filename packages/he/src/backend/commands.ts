/**
 * What the caller and its threads share beside the kernels' memory: a list of kernel calls, cut into tasks.
 *
 * A call is the index of the kernel and its arguments, all f64. Task t is `calls[tasks[2 (t mod capacity)]]` up to `calls[tasks[2 (t mod capacity) + 1]]`.
 * Tasks are counted from the opening on, modulo 2^32, and never reused while a thread might still look at them: `next` is the first one that
 * nobody took, `limit` the first one that does not exist yet, `done` how many are finished. A thread takes task t by raising `next` from t to t + 1,
 * having seen `limit` beyond t afterwards; as both only grow, t was there and was free.
 */
export interface Commands {
  readonly shared: SharedArrayBuffer
  readonly words: Int32Array<SharedArrayBuffer>
  readonly tasks: Int32Array<SharedArrayBuffer>
  readonly calls: Float64Array<SharedArrayBuffer>
  readonly message: Uint16Array<SharedArrayBuffer>
}

/** Indices in `words`, those that are written often in cache lines of their own. */
export const word = {
  limit: 0,
  next: 16,
  done: 32,
  /** Threads that sleep until `limit` changes. */
  asleep: 48,
  /** 1 while the caller sleeps until `done` changes. */
  waiting: 64,
  /** Threads that run. */
  ready: 80,
  /** 0, or 1 + the length of the message of the first error. */
  failed: 81,
  /** Of thread i at `states + i`: 0 starting, 1 running, 2 dead. */
  states: 96,
} as const

export const mostThreads = 64
/** A power of two. */
export const taskCapacity = 4096
/** About 12,000 calls. Whatever is longer is run in several parts. */
export const callCapacity = 131072
/** Most arguments of a kernel. */
export const mostArguments = 16
export const messageCapacity = 240

const wordBytes = 4 * (word.states + mostThreads)
const taskBytes = 8 * taskCapacity
const messageBytes = 2 * messageCapacity

export function createCommands(): Commands {
  const shared = new SharedArrayBuffer(wordBytes + messageBytes + taskBytes + 8 * callCapacity)
  return {
    shared,
    words: new Int32Array(shared, 0, wordBytes / 4),
    message: new Uint16Array(shared, wordBytes, messageCapacity),
    tasks: new Int32Array(shared, wordBytes + messageBytes, 2 * taskCapacity),
    calls: new Float64Array(shared, wordBytes + messageBytes + taskBytes, callCapacity),
  }
}

/** What a thread is given. */
export interface ThreadData {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly commands: Commands
  readonly names: readonly string[]
  readonly index: number
}

/** In ms: how long a thread looks for more work before it sleeps, and the caller for the last task before it does. A wake-up takes 10 to 60 µs. */
export const spinMs = 0.2
