import { SingleBar } from 'cli-progress'

/** What is being done, with a bar where there is a count; on standard error where that is a terminal, and nothing elsewhere. */
export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

const clearLine = '\r\u001b[K'

export function startProgress(what: string): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined }
  process.stderr.write(`${what} …`)
  let bar: SingleBar | undefined
  return {
    update(done, total) {
      if (total < 2) return
      if (!bar) {
        process.stderr.write(clearLine)
        bar = startBar(what, total)
      }
      bar.update(done)
    },
    stop() {
      if (bar) bar.stop()
      else process.stderr.write(clearLine)
    },
  }
}

function startBar(what: string, total: number): SingleBar {
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total}`,
    stream: process.stderr,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    // Long work here is synchronous: no timer ticks in between, so every update draws.
    synchronousUpdate: true,
    fps: 1000,
  })
  bar.start(total, 0)
  return bar
}
