import { centred } from '../../base/numbers.ts'
import type { Ptr } from '../table.ts'
import { readLimb, writeLimb } from './limbs.ts'

/** {@link Kernels.weightedSums} */
export function weightedSums(
  memory: WebAssembly.Memory,
  dsts: Ptr,
  sources: Ptr,
  _count: number,
  plan: Ptr,
  blocks: number,
  _tile: Ptr,
  _strip: number,
  from: number,
  n: number,
  p: number,
  _pinv: number,
  _most: number,
): void {
  const limbAt = (list: Ptr, index: number): Ptr => new Uint32Array(memory.buffer, list, index + 1)[index]! + from
  let at = plan
  for (let b = 0; b < blocks; b++) {
    const header = new Uint32Array(memory.buffer, at, 5)
    const terms = Array.from({ length: header[4]! }, (_, i) => at + 24 + 40 * i)
    for (let lane = 0; lane < 4; lane++) {
      if (header[lane] === 0xffffffff) continue
      const sums = new Array<bigint>(n).fill(0n)
      for (const term of terms) {
        const weight = BigInt(new Float64Array(memory.buffer, term, 4)[lane]!)
        const source = readLimb(memory, limbAt(sources, new Uint32Array(memory.buffer, term + 32, 1)[0]!), n)
        for (let i = 0; i < n; i++) sums[i]! += weight * source[i]!
      }
      writeLimb(
        memory,
        limbAt(dsts, header[lane]!),
        sums.map((sum) => centred(sum, BigInt(p))),
      )
    }
    at += 24 + 40 * terms.length
  }
}
