import type { Backend } from './backend.ts'
import { openReferenceBackend } from './reference.ts'
import { openWasmBackend } from './wasm.ts'

/** Opens a backend by name; `auto` takes the fastest one that this engine runs. */
export function openBackend(name: 'auto' | Backend['name'] = 'auto'): Backend {
  switch (name) {
    case 'auto':
      return openWasmBackend()
    case 'wasm-fused':
      return openWasmBackend({ fused: true })
    case 'wasm':
      return openWasmBackend({ fused: false })
    case 'reference':
      return openReferenceBackend()
    default:
      throw new RangeError(`"name" expected auto, wasm-fused, wasm or reference, got ${String(name)}`)
  }
}
