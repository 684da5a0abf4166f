import { mod } from '../../base/numbers.ts'
import type { Ptr } from '../table.ts'

/** {@link Kernels.pack}: one bigint holds the bits that do not yet fill a byte. */
export function pack(
  memory: WebAssembly.Memory,
  dst: Ptr,
  src: Ptr,
  n: number,
  bits: number,
  p: number,
  _pinv: number,
): void {
  const source = new Float64Array(memory.buffer, src, n)
  const out = new Uint8Array(memory.buffer, dst, Math.ceil((n * bits) / 8))
  let buffer = 0n
  let held = 0
  let at = 0
  for (const x of source) {
    buffer |= mod(BigInt(x), BigInt(p)) << BigInt(held)
    for (held += bits; held >= 8; held -= 8) {
      out[at++] = Number(buffer & 255n)
      buffer >>= 8n
    }
  }
  if (held > 0) out[at] = Number(buffer)
}

/** {@link Kernels.unpack}. A refused value leaves 0. */
export function unpack(memory: WebAssembly.Memory, dst: Ptr, src: Ptr, n: number, bits: number, p: number): number {
  const source = new Uint8Array(memory.buffer, src, Math.ceil((n * bits) / 8))
  const out = new Float64Array(memory.buffer, dst, n)
  const prime = BigInt(p)
  const mask = (1n << BigInt(bits)) - 1n
  let buffer = 0n
  let held = 0
  let at = 0
  let refused = 0
  for (let i = 0; i < n; i++) {
    for (; held < bits; held += 8) buffer |= BigInt(source[at++]!) << BigInt(held)
    const value = buffer & mask
    buffer >>= BigInt(bits)
    held -= bits
    if (value >= prime) {
      refused++
      out[i] = 0
    } else {
      out[i] = Number(2n * value > prime ? value - prime : value)
    }
  }
  return refused
}
