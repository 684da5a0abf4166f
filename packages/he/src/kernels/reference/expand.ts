import type { Ptr } from '../table.ts'

/** {@link Kernels.expandUniform}: scalar ChaCha20 (RFC 8439, section 2.3), one u64 of the stream after the other. */
export function expandUniform(
  memory: WebAssembly.Memory,
  dst: Ptr,
  n: number,
  p: number,
  seed: Ptr,
  domain: number,
  index: number,
): void {
  const key = new Uint32Array(memory.buffer, seed, 8).slice()
  const out = new Float64Array(memory.buffer, dst, n)
  const prime = BigInt(p)
  const mask = (1n << BigInt(prime.toString(2).length)) - 1n
  let filled = 0
  for (let counter = 0; filled < n; counter++) {
    const words = chachaBlock(key, counter, [domain, index, 0])
    for (let i = 0; i < 16 && filled < n; i += 2) {
      const candidate = ((BigInt(words[i + 1]!) << 32n) | BigInt(words[i]!)) & mask
      if (candidate >= prime) continue
      out[filled++] = Number(candidate > (prime - 1n) / 2n ? candidate - prime : candidate)
    }
  }
}

/** One block of the ChaCha20 key stream as sixteen u32: RFC 8439, section 2.3. */
export function chachaBlock(key: Uint32Array, counter: number, nonce: readonly [number, number, number]): Uint32Array {
  const initial = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, ...key, counter, ...nonce)
  const state = initial.slice()
  for (let round = 0; round < 10; round++) {
    quarterRound(state, 0, 4, 8, 12)
    quarterRound(state, 1, 5, 9, 13)
    quarterRound(state, 2, 6, 10, 14)
    quarterRound(state, 3, 7, 11, 15)
    quarterRound(state, 0, 5, 10, 15)
    quarterRound(state, 1, 6, 11, 12)
    quarterRound(state, 2, 7, 8, 13)
    quarterRound(state, 3, 4, 9, 14)
  }
  return state.map((word, i) => word + initial[i]!)
}

/** RFC 8439, section 2.1. */
function quarterRound(s: Uint32Array, a: number, b: number, c: number, d: number): void {
  s[a]! += s[b]!
  s[d] = rotateLeft(s[d]! ^ s[a]!, 16)
  s[c]! += s[d]!
  s[b] = rotateLeft(s[b]! ^ s[c]!, 12)
  s[a]! += s[b]!
  s[d] = rotateLeft(s[d]! ^ s[a]!, 8)
  s[c]! += s[d]!
  s[b] = rotateLeft(s[b]! ^ s[c]!, 7)
}

function rotateLeft(x: number, count: number): number {
  return (x << count) | (x >>> (32 - count))
}
