import { type Kernels, kernelNames } from '../kernels/table.ts'
import type { Backend } from './backend.ts'
import { fusedModule, unfusedModule } from './kernels.generated.ts'
import { enableRelaxedSimd } from './platform-node.ts'

/** Pages of 64 KiB that a new memory starts with; the allocator grows it. */
const INITIAL_PAGES = 16

interface KernelModule extends Kernels {
  /** First free byte behind the module's statics. */
  heapBase(): number
  /** a * b + c in the module's own rounding. */
  probe(a: number, b: number, c: number): number
}

export interface WasmOptions {
  /** true: only the fused module (Error where the engine cannot); false: only the unfused one; by default the better one that works. */
  readonly fused?: boolean
}

/** The WebAssembly kernels on a memory of their own, instantiated synchronously from the embedded bytes. */
export function openWasmBackend(options: WasmOptions = {}): Backend {
  if (options.fused !== false) {
    const backend = openFused()
    if (backend !== undefined) return backend
    if (options.fused === true) throw new Error('this engine has no fused multiply-add in WebAssembly (relaxed SIMD)')
  }
  return open('wasm', decodeBase64(unfusedModule)).backend
}

/** undefined where relaxed SIMD is missing or rounds twice, as it legally may. */
function openFused(): Backend | undefined {
  const bytes = decodeBase64(fusedModule)
  if (!WebAssembly.validate(bytes) && !(enableRelaxedSimd() && WebAssembly.validate(bytes))) return undefined
  const { backend, module } = open('wasm-fused', bytes)
  // (1 + 2^-30) (1 - 2^-30) - 1 = -2^-60; with a rounding in between it is 0.
  return module.probe(1 + 2 ** -30, 1 - 2 ** -30, -1) === -(2 ** -60) ? backend : undefined
}

function open(name: 'wasm-fused' | 'wasm', bytes: Uint8Array<ArrayBuffer>): { backend: Backend; module: KernelModule } {
  const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    env: {
      memory,
      abort: () => {
        throw new Error('a kernel was aborted')
      },
    },
  })
  const module = checked(instance.exports)
  const heapBase = Math.ceil(module.heapBase() / 64) * 64
  return { backend: { name, kernels: module, memory, heapBase }, module }
}

/** The exports as the kernel table: every name is there and is a function. */
function checked(exports: WebAssembly.Exports): KernelModule {
  for (const name of [...kernelNames, 'heapBase', 'probe']) {
    if (typeof exports[name] !== 'function') throw new Error(`the kernel module lacks "${name}"; build it again`)
  }
  return exports as unknown as KernelModule
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
