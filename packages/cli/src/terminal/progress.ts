import { SingleBar } from 'cli-progress'

/** What is being done, with a bar where there is a count; on standard error where that is a terminal, and nothing elsewhere. */
export interface Progress extends Disposable {
  update(done: number, total: number): void
  /** Clears the line, once; so does disposing of it, whatever was thrown in between. */
  stop(): void
}

const clearLine = '\r\u001b[K'

export function startProgress(what: string): Progress {
  if (!process.stderr.isTTY) {
    const nothing = (): void => undefined
    return { update: nothing, stop: nothing, [Symbol.dispose]: nothing }
  }
  process.stderr.write(`${what} …`)
  let bar: SingleBar | undefined
  let stopped = false
  const stop = (): void => {
    if (stopped) return
    stopped = true
    if (bar) bar.stop()
    else process.stderr.write(clearLine)
  }
  return {
    update(done, total) {
      if (total < 2 || stopped) return
      if (!bar) {
        process.stderr.write(clearLine)
        bar = startBar(what, total)
      }
      bar.update(done)
    },
    stop,
    [Symbol.dispose]: stop,
  }
}

function startBar(what: string, total: number): SingleBar {
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total}`,
    stream: process.stderr,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    // An interrupt ends long work at once, with no handler to undo anything: nothing of the terminal is changed.
    hideCursor: false,
    linewrap: true,
    clearOnComplete: true,
    // Long work here is synchronous: no timer ticks in between, so every update draws.
    synchronousUpdate: true,
    fps: 1000,
  })
  bar.start(total, 0)
  return bar
}

/** One bar after the other, each with what it is of. */
export interface Stages extends Disposable {
  update(stage: string, done: number, total: number): void
  stop(): void
}

export function startStages(): Stages {
  let current: { stage: string; progress: Progress } | undefined
  const stop = (): void => {
    current?.progress.stop()
    current = undefined
  }
  return {
    update(stage, done, total) {
      if (current?.stage !== stage) {
        stop()
        current = { stage, progress: startProgress(stage) }
      }
      current.progress.update(done, total)
    },
    stop,
    [Symbol.dispose]: stop,
  }
}
