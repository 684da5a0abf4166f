import type { Ptr } from '../table.ts'

/** n residues as bigint. */
export function readLimb(memory: WebAssembly.Memory, at: Ptr, n: number): bigint[] {
  return Array.from(new Float64Array(memory.buffer, at, n), BigInt)
}

export function writeLimb(memory: WebAssembly.Memory, at: Ptr, values: readonly bigint[]): void {
  new Float64Array(memory.buffer, at, values.length).set(values.map(Number))
}
