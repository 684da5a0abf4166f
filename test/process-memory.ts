import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

const page = 4096
const chunk = 2 ** 24
/** Enough of the chunk before that what lies across is seen whole. */
const overlap = 2 ** 13

/**
 * Every page of a process that is in memory and may be read, in stretches of at most 16 MiB that overlap by 8 KiB. For Linux, and for one's own children. Stop the
 * process before, or it changes while it is read.
 */
export function* memoryOf(pid: number): Generator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const pages = openSync(`/proc/${pid}/pagemap`, 'r')
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to, rights, name] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line) ?? []
      if (from === undefined || !rights!.startsWith('r') || /^\[v(var|syscall|dso)/.test(name!)) continue
      for (const [start, end] of present(pages, Number.parseInt(from, 16), Number.parseInt(to!, 16)))
        for (let at = start; at < end; at += chunk - overlap) {
          const bytes = Buffer.alloc(Math.min(chunk, end - at))
          const read = readAt(memory, bytes, at)
          if (read > 0) yield bytes.subarray(0, read)
          if (at + chunk >= end) break
        }
    }
  } finally {
    closeSync(memory)
    closeSync(pages)
  }
}

/** Stretches of pages that are in memory or in swap: bits 63 and 62 of their entries. Memories of WebAssembly reserve many times of what they use. */
function* present(pages: number, from: number, to: number): Generator<[number, number]> {
  const most = 2 ** 16
  let start: number | undefined
  for (let at = from; at < to; at += most * page) {
    const count = Math.min(most, (to - at) / page)
    const entries = Buffer.alloc(8 * count)
    readSync(pages, entries, 0, entries.length, (at / page) * 8)
    for (let i = 0; i < count; i++) {
      const there = (entries[8 * i + 7]! & 0xc0) !== 0
      if (there && start === undefined) start = at + i * page
      if (!there && start !== undefined) {
        yield [start, at + i * page]
        start = undefined
      }
    }
  }
  if (start !== undefined) yield [start, to]
}

/** Bytes that could be read; what the kernel does not show is 0. */
function readAt(memory: number, bytes: Buffer, at: number): number {
  try {
    return readSync(memory, bytes, 0, bytes.length, BigInt(at))
  } catch {
    return 0
  }
}
