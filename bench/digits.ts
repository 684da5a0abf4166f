import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Row } from './rows.ts'
import type { BenchOptions, Measured } from './run.ts'

/** Enough for the table of the README; `--set N` takes N images. */
const defaultImages = 200

/** `glovebox demo digits`, as a user runs it, while the memory of its server process is watched. */
export async function bench({ sets, threads }: BenchOptions): Promise<Measured> {
  const images = Number(sets[0] ?? defaultImages)
  const main = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))
  const args = ['demo', 'digits', '--images', String(images), '--threads', String(threads), '--json']
  const child = spawn(process.execPath, ['--conditions=@glovebox/source', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const peak = watchChildren(child)
  let output = ''
  for await (const text of child.stdout!) output += text
  const result = JSON.parse(output) as Record<string, number>
  const row = (op: string, ms: number): Row => ({
    op,
    set: 'digits',
    threads,
    us: Math.round(1000 * ms),
    peer: null,
    peerUs: null,
    ratio: null,
  })
  return {
    rows: [
      row('server-compute', result.serverMsMedian!),
      row('round-trip', result.roundTripMsMedian!),
      row('keygen', result.keygenMs!),
    ],
    facts: { ...result, serverPeakBytes: peak() },
  }
}

/** The largest resident memory that a child of the process ever had, in bytes; where the platform has no /proc it stays undefined. */
function watchChildren(child: ChildProcess): () => number | undefined {
  let peak: number | undefined
  const look = (): void => {
    try {
      const pids = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
      for (const pid of pids.filter(Boolean)) {
        const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        if (kilobytes) peak = Math.max(peak ?? 0, 1024 * Number(kilobytes))
      }
    } catch {
      // The process ended between two looks, or there is no /proc.
    }
  }
  const timer = setInterval(look, 50)
  child.once('close', () => clearInterval(timer))
  return () => peak
}
