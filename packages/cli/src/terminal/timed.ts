import { SingleBar } from 'cli-progress'

/** Bars of stages that take minutes, with the time that is left; on standard error where that is a terminal; elsewhere a line now and then. */
export interface Timed extends Disposable {
  /** A total of 0 is not known: then there is a count and no bar. */
  update(stage: string, done: number, total: number): void
  stop(): void
}

const clearLine = '\r\u001b[K'
/** Milliseconds between two drawings. */
const often = 100
/** The same, of lines. */
const seldom = 10_000

export function startTimed(): Timed {
  if (!process.stderr.isTTY) return startLines()
  let stage: string | undefined
  let bar: SingleBar | undefined
  let drawn = 0
  const clear = (): void => {
    if (bar) bar.stop()
    else if (stage !== undefined) process.stderr.write(clearLine)
    bar = undefined
    stage = undefined
  }
  return {
    update(next, done, total) {
      const now = performance.now()
      if (next === stage && now - drawn < often && done < total) return
      drawn = now
      if (next !== stage || (bar === undefined && total > 0)) {
        clear()
        stage = next
        bar = total > 0 ? barOf(next, total) : undefined
      }
      if (bar) {
        bar.setTotal(total)
        bar.update(done)
      } else process.stderr.write(`${clearLine}${next} … ${done.toLocaleString('en-GB')}`)
    },
    stop: clear,
    [Symbol.dispose]: clear,
  }
}

/** For logs. */
function startLines(): Timed {
  let told = performance.now()
  const nothing = (): void => undefined
  return {
    update(stage, done, total) {
      const now = performance.now()
      if (now - told < seldom) return
      told = now
      const share = total > 0 ? ` of ${total.toLocaleString('en-GB')}, ${Math.floor((100 * done) / total)} %` : ''
      process.stderr.write(`${stage}: ${done.toLocaleString('en-GB')}${share}\n`)
    },
    stop: nothing,
    [Symbol.dispose]: nothing,
  }
}

function barOf(stage: string, total: number): SingleBar {
  const bar = new SingleBar({
    format: `${stage} {bar} {percentage} %, {eta_formatted} left`,
    stream: process.stderr,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: false,
    linewrap: true,
    clearOnComplete: true,
    etaBuffer: 50,
    fps: 10,
  })
  bar.start(total, 0)
  return bar
}
