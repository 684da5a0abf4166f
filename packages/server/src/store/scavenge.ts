import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of pieces between two collections. */
const everyBytes = 8 * 2 ** 20
let collect: ((options: { type: 'minor' }) => void) | undefined
let passed = 0

/**
 * Counts bytes of pieces that are garbage by now. They lie outside the heap of the engine, which lets 64 MB of them gather before it looks: a collection of
 * the young ones, a millisecond each 8 MiB, keeps an upload at a few MB.
 */
export function passedThrough(bytes: number): void {
  passed += bytes
  if (passed < everyBytes) return
  passed = 0
  if (!collect) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as typeof collect
  }
  collect?.({ type: 'minor' })
}
