import { type Kernels, kernelNames } from '../kernels/table.ts'
import type { Backend } from './backend.ts'
import { fusedMemoryFlag, fusedModule, unfusedMemoryFlag, unfusedModule } from './kernels.generated.ts'
import { enableRelaxedSimd } from './platform-node.ts'
import { canShareMemory } from './platform-threads.ts'
import { openThreads } from './threads.ts'

/** Pages of 64 KiB that a new memory starts with; the allocator grows it. */
const INITIAL_PAGES = 16
/** All that 32 bits reach. A shared memory has its whole range of addresses reserved, of which some machines have less to give. */
const MAXIMUM_PAGES = [65536, 32768, 16384]
/** Flags of the limits of a memory: with a maximum, and shared. */
const SHARED = 3

interface KernelModule extends Kernels {
  /** First free byte behind the module's statics. */
  heapBase(): number
  /** a * b + c in the module's own rounding. */
  probe(a: number, b: number, c: number): number
}

export interface WasmOptions {
  /** true: only the fused module (Error where the engine cannot); false: only the unfused one; by default the better one that works. */
  readonly fused?: boolean
  /** The caller's among them; default 1: the memory is not shared, and all runs at once. */
  readonly threads?: number
}

/** The WebAssembly kernels on a memory of their own, instantiated synchronously from the embedded bytes. */
export function openWasmBackend({ fused, threads = 1 }: WasmOptions = {}): Backend {
  if (fused === true && !canFuse())
    throw new Error('this engine has no fused multiply-add in WebAssembly (relaxed SIMD)')
  return open(fused !== false && canFuse() ? 'wasm-fused' : 'wasm', threads)
}

let fuses: boolean | undefined

/** Whether relaxed SIMD is there and rounds once; it may legally round twice. Asked of the engine once. */
function canFuse(): boolean {
  if (fuses === undefined) {
    const bytes = decodeBase64(fusedModule)
    fuses =
      (WebAssembly.validate(bytes) || (enableRelaxedSimd() && WebAssembly.validate(bytes))) &&
      // (1 + 2^-30) (1 - 2^-30) - 1 = -2^-60; with a rounding in between it is 0.
      instantiate(moduleOf('wasm-fused', false), newMemory(false)).kernels.probe(1 + 2 ** -30, 1 - 2 ** -30, -1) ===
        -(2 ** -60)
  }
  return fuses
}

function open(name: 'wasm-fused' | 'wasm', threads: number): Backend {
  const shared = threads > 1 && canShareMemory()
  const module = moduleOf(name, shared)
  const memory = newMemory(shared)
  const { kernels, heapBase } = instantiate(module, memory)
  const pool = shared ? openThreads(module, memory, kernels, threads) : undefined
  return { name, kernels, memory, heapBase, ...pool }
}

const modules = new Map<string, WebAssembly.Module>()

/**
 * The module says of the memory that it imports whether it is shared. That is one byte: changing it here is half the bytes of a second pair of
 * modules, and shows that threads run the same code.
 */
function moduleOf(name: 'wasm-fused' | 'wasm', shared: boolean): WebAssembly.Module {
  const key = `${name} ${shared}`
  let module = modules.get(key)
  if (module === undefined) {
    const bytes = decodeBase64(name === 'wasm' ? unfusedModule : fusedModule)
    if (shared) bytes[name === 'wasm' ? unfusedMemoryFlag : fusedMemoryFlag] = SHARED
    module = new WebAssembly.Module(bytes)
    modules.set(key, module)
  }
  return module
}

function newMemory(shared: boolean): WebAssembly.Memory {
  let failure: unknown
  for (const maximum of MAXIMUM_PAGES) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared })
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

function instantiate(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
): { readonly kernels: KernelModule; readonly heapBase: number } {
  const abort = (): never => {
    throw new Error('a kernel was aborted')
  }
  const kernels = checked(new WebAssembly.Instance(module, { env: { memory, abort } }).exports)
  return { kernels, heapBase: Math.ceil(kernels.heapBase() / 64) * 64 }
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
