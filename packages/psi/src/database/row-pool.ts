import { Worker } from 'node:worker_threads'
import { type MadeRows, type RowJob, type RowParams, rowParams } from './row-maker.ts'

const fromSources = import.meta.url.endsWith('.ts')
const script: URL = new URL(fromSources ? './row-thread.ts' : './row-thread.js', import.meta.url)

/** Threads that make rows. */
export interface RowPool extends AsyncDisposable {
  readonly threads: number
  /** Makes the rows of a job. Jobs go to the threads in turn. */
  make(job: RowJob): Promise<MadeRows>
}

interface Waiting {
  resolve(made: MadeRows): void
  reject(error: Error): void
}

/** Starts threads that make rows; a thread that ends by itself rejects what it was at. */
export function openRowPool(params: RowParams, threads: number): RowPool {
  const slots = Array.from({ length: threads }, () => openSlot(params))
  let next = 0
  return {
    threads,
    make: (job) => slots[next++ % threads]!.make(job),
    async [Symbol.asyncDispose]() {
      await Promise.all(slots.map(({ end }) => end()))
    },
  }
}

function openSlot(params: RowParams): { make(job: RowJob): Promise<MadeRows>; end(): Promise<unknown> } {
  const waiting: Waiting[] = []
  let ended: Error | undefined
  const worker = new Worker(script, {
    workerData: rowParams(params),
    execArgv: fromSources ? ['--conditions=@glovebox/source'] : [],
  })
  const fail = (error: Error): void => {
    ended ??= error
    for (const { reject } of waiting.splice(0)) reject(ended)
  }
  worker.on('message', (made: MadeRows) => waiting.shift()?.resolve(made))
  worker.on('error', (error: unknown) => fail(error instanceof Error ? error : new Error(String(error))))
  worker.on('exit', (code) => fail(new Error(`a thread that makes rows ended with code ${code}`)))
  return {
    make: (job) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended)
        waiting.push({ resolve, reject })
        worker.postMessage(job)
      }),
    end: () => worker.terminate(),
  }
}
