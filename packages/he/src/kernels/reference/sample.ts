import type { Ptr } from '../table.ts'

/** {@link Kernels.sampleTernary}. */
export function sampleTernary(memory: WebAssembly.Memory, dst: Ptr, n: number, bytes: Ptr, length: number): number {
  const source = new Uint8Array(memory.buffer, bytes, length)
  const out = new Float64Array(memory.buffer, dst, n)
  let filled = 0
  for (const byte of source) {
    if (filled === n) break
    if (byte < 255) out[filled++] = (byte % 3) - 1
  }
  return filled
}

/** {@link Kernels.sampleBinomial}. */
export function sampleBinomial(memory: WebAssembly.Memory, dst: Ptr, n: number, bytes: Ptr): void {
  const source = new Uint8Array(memory.buffer, bytes, 6 * n)
  const out = new Float64Array(memory.buffer, dst, n)
  for (let i = 0; i < n; i++) {
    let value = 0
    for (let bit = 0; bit < 42; bit++) {
      const set = (source[6 * i + (bit >> 3)]! >> (bit & 7)) & 1
      value += bit < 21 ? set : -set
    }
    out[i] = value
  }
}
