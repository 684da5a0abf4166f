import type { Kernels } from '../kernels/table.ts'
import type { Threads } from './threads.ts'

/** A kernel table bound to one linear memory. */
export interface Backend {
  /** `wasm-fused` (relaxed SIMD with a fused multiply-add), `wasm` (SIMD with Dekker products) or `reference` (bigint). */
  readonly name: 'wasm-fused' | 'wasm' | 'reference'
  readonly kernels: Kernels
  readonly memory: WebAssembly.Memory
  /** First byte that the allocator may hand out; below it lie the module's own statics. A multiple of 64. */
  readonly heapBase: number
  /** Threads that run the kernels on the same memory, which is shared then; undefined where the caller's is the only one. */
  readonly threads?: Threads | undefined
}
