import type { Backend } from '../backend/backend.ts'
import { openBackend } from '../backend/open.ts'
import { answering } from '../backend/task-kernels.ts'
import { type Kernels, kernelNames } from '../kernels/table.ts'

/** A backend whose threads are up, and whose every kernel call goes the way of a task: recorded, taken by one of the threads, run there. */
export async function openThreaded(name: 'wasm-fused' | 'wasm', count: number): Promise<Backend> {
  const backend = openBackend(name, count)
  const { threads } = backend
  if (!threads || (await threads.started()) !== count) throw new Error(`there are no ${count} threads`)
  const kernels = Object.fromEntries(
    kernelNames.map((kernel) => {
      const direct = backend.kernels[kernel] as (...operands: number[]) => number | undefined
      if (answering.has(kernel)) return [kernel, direct]
      // The first task is another thread's as a rule: the caller begins when all are recorded.
      return [
        kernel,
        (...operands: number[]) =>
          threads.parallel(2, (i, on) => {
            if (i === 0) (on[kernel] as typeof direct)(...operands)
          }),
      ]
    }),
  ) as unknown as Kernels
  return { ...backend, kernels }
}
