import { SingleBar } from 'cli-progress'

/** A bar on standard error where that is a terminal, and nothing elsewhere. */
export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

export function startProgress(what: string): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined }
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total}`,
    stream: process.stderr,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    // Long work here is synchronous: there is no timer tick in between, so every update draws.
    synchronousUpdate: true,
    fps: 1000,
  })
  bar.start(1, 0)
  return {
    update(done, total) {
      bar.setTotal(total)
      bar.update(done)
    },
    stop: () => bar.stop(),
  }
}
