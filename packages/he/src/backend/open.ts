import type { Backend } from './backend.ts'
import { mostThreads } from './commands.ts'
import { hardwareThreads } from './platform-threads.ts'
import { openReferenceBackend } from './reference.ts'
import { openWasmBackend } from './wasm.ts'

/** `auto` takes no more than this: what is parallel within one operation is a handful of limbs. */
const mostAutomatic = 8

/**
 * Opens a backend by name; `auto` takes the fastest one that this engine runs. `threads` counts the caller's; `auto` takes what the machine has,
 * 8 at most. Where memory cannot be shared, and for `reference`, there is one.
 */
export function openBackend(name: 'auto' | Backend['name'] = 'auto', threads: number | 'auto' = 1): Backend {
  const count = threads === 'auto' ? Math.min(mostAutomatic, hardwareThreads()) : threads
  if (!Number.isInteger(count) || count < 1 || count > mostThreads)
    throw new RangeError(`"threads" expected an integer from 1 to ${mostThreads} or 'auto', got ${String(threads)}`)
  switch (name) {
    case 'auto':
      return openWasmBackend({ threads: count })
    case 'wasm-fused':
      return openWasmBackend({ fused: true, threads: count })
    case 'wasm':
      return openWasmBackend({ fused: false, threads: count })
    case 'reference':
      return openReferenceBackend()
    default:
      throw new RangeError(`"name" expected auto, wasm-fused, wasm or reference, got ${String(name)}`)
  }
}
