import type { Answer, Job } from './compute.ts'

/** How large a pool is. Sizes in bytes. */
export interface PoolOptions {
  /** Worker threads; each has contexts and keys of its own. Default 1. */
  readonly threads?: number
  /** Jobs that may wait. Default 64. */
  readonly queue?: number
  /** Of these, jobs of one tenant. Default: all. */
  readonly tenantQueue?: number
  /** Threads that one tenant may keep busy. Default: all. */
  readonly tenantThreads?: number
  /** Evaluation keys in shared memory, for all threads. Default 512 MiB. */
  readonly keyMemory?: number
  /** Server parts in shared memory. Default 1 GiB. */
  readonly serverPartMemory?: number
  /** Evaluation keys, by their uploaded size, that each thread keeps decoded; decoded they take about three times that. Default 64 MiB. */
  readonly threadKeyMemory?: number
  /** What contexts of prepared models may take in each thread, with keys; the least recently used are closed. Default 1 GiB. */
  readonly threadModelMemory?: number
  /** A thread that takes more is replaced between two jobs. Default 3 GiB. */
  readonly threadMemory?: number
  /** Hears of every job that was answered. */
  readonly onAnswer?: (job: Job, answer: Answer) => void
  /** What the threads run; a test may put another script here. */
  readonly script?: URL
}

type Sizes = Required<Omit<PoolOptions, 'onAnswer' | 'script'>>

const MiB = 2 ** 20

/** With what was left out. */
export function complete({ threads = 1, queue = 64, ...options }: PoolOptions): Sizes {
  return {
    threads,
    queue,
    tenantQueue: options.tenantQueue ?? queue,
    tenantThreads: options.tenantThreads ?? threads,
    keyMemory: options.keyMemory ?? 512 * MiB,
    serverPartMemory: options.serverPartMemory ?? 1024 * MiB,
    threadKeyMemory: options.threadKeyMemory ?? 64 * MiB,
    threadModelMemory: options.threadModelMemory ?? 1024 * MiB,
    threadMemory: options.threadMemory ?? 3072 * MiB,
  }
}
