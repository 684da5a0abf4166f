import { createReferenceKernels } from '../kernels/reference/index.ts'
import type { Backend } from './backend.ts'

/** The bigint kernels on a memory of their own. */
export function openReferenceBackend(): Backend {
  const memory = new WebAssembly.Memory({ initial: 16 })
  return { name: 'reference', kernels: createReferenceKernels(memory), memory, heapBase: 64 }
}
