import { parentPort, workerData } from 'node:worker_threads'
import { createRowMaker, type RowJob, type RowParams } from './row-maker.ts'

// A thread that makes rows: one job at a time, answered in order.

const port = parentPort!
const make = createRowMaker(workerData as RowParams)
port.on('message', (job: RowJob) => {
  const made = make(job)
  port.postMessage(made, [made.coefficients.buffer as ArrayBuffer, made.digests.buffer as ArrayBuffer])
})
