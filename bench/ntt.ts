// Forward and inverse negacyclic NTT, one thread, one limb: median time per call of every WebAssembly backend.
// Run it alone with: node --conditions=@glovebox/source bench/ntt.ts
import { fileURLToPath } from 'node:url'
import type { Backend } from '../packages/he/src/backend/backend.ts'
import { openBackend } from '../packages/he/src/backend/open.ts'
import { nttTable } from '../packages/he/src/kernels/ntt-tables.ts'

export interface Row {
  readonly what: 'forward' | 'inverse'
  readonly backend: Backend['name']
  readonly n: number
  /** Bits of the prime. */
  readonly bits: number
  /** Median microseconds per call. */
  readonly us: number
}

/** The largest primes of 49 and 30 bits that are 1 modulo 2^18. */
const primes = [
  { bits: 49, p: 562949950537729 },
  { bits: 30, p: 1073479681 },
]

/** Median over `samples` batches, each long enough (about 1 ms) for the clock. */
function medianMicroseconds(run: () => void, samples: number): number {
  const once = (count: number): number => {
    const start = performance.now()
    for (let i = 0; i < count; i++) run()
    return ((performance.now() - start) * 1000) / count
  }
  once(200)
  const count = Math.max(1, Math.round(1000 / once(20)))
  const times = Array.from({ length: samples }, () => once(count)).sort((a, b) => a - b)
  return times[samples >> 1]!
}

export async function bench(): Promise<Row[]> {
  const rows: Row[] = []
  for (const name of ['wasm-fused', 'wasm'] as const) {
    const { kernels, memory, heapBase } = openBackend(name)
    for (const { bits, p } of primes) {
      for (let n = 4096; n <= 32768; n *= 2) {
        const x = heapBase
        const table = x + 8 * n
        const missing = table + 8 * n - memory.buffer.byteLength
        if (missing > 0) memory.grow(Math.ceil(missing / 65536))
        const f64 = new Float64Array(memory.buffer)
        f64.set(nttTable(n, p), table / 8)
        for (let i = 0; i < n; i++) f64[x / 8 + i] = Math.round((Math.random() - 0.5) * (p - 1))
        // The output range is within the input range, so the transforms can run in place again and again.
        const samples = name === 'wasm' ? 60 : 120
        const run = { n, bits, backend: name }
        rows.push({
          what: 'forward',
          ...run,
          us: medianMicroseconds(() => kernels.nttForward(x, n, p, 1 / p, table), samples),
        })
        rows.push({
          what: 'inverse',
          ...run,
          us: medianMicroseconds(() => kernels.nttInverse(x, n, p, 1 / p, table), samples),
        })
      }
    }
  }
  return rows
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await bench()
  console.log('| backend | bits | N | forward µs | inverse µs |')
  console.log('|---|--:|--:|--:|--:|')
  for (const { backend, bits, n, us } of rows.filter((row) => row.what === 'forward')) {
    const inverse = rows.find((r) => r.what === 'inverse' && r.backend === backend && r.bits === bits && r.n === n)!
    console.log(`| ${backend} | ${bits} | ${n} | ${us.toFixed(1)} | ${inverse.us.toFixed(1)} |`)
  }
}
