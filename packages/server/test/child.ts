import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A process of `process.ts` that can be killed and started again. */
export interface Child {
  readonly running: boolean
  /** Resolves when it says that it is ready; rejects when it ends before. */
  start(): Promise<void>
  kill(): Promise<void>
  /** SIGTERM; its exit code. */
  stop(): Promise<number | null>
  /** The last lines of its log. */
  log(): string
}

const script = fileURLToPath(new URL('./process.ts', import.meta.url))

export function createChild(args: readonly string[], env: Readonly<Record<string, string>>): Child {
  let child: ChildProcess | undefined
  const lines: string[] = []
  const keep = (text: string): void => {
    lines.push(...text.split('\n').filter(Boolean))
    lines.splice(0, Math.max(0, lines.length - 40))
  }
  const running = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null
  const end = (signal: NodeJS.Signals): Promise<number | null> =>
    new Promise((resolve) => {
      if (!running()) return resolve(null)
      child!.once('exit', (code) => resolve(code))
      child!.kill(signal)
    })
  return {
    get running() {
      return running()
    },
    start: () =>
      new Promise((resolve, reject) => {
        const started = spawn(process.execPath, ['--conditions=@glovebox/source', script, ...args], {
          env: { PATH: process.env.PATH, NODE_NO_WARNINGS: '1', XDG_CONFIG_HOME: '/nonexistent', ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        child = started
        started.once('error', reject)
        started.once('exit', (code, signal) =>
          reject(new Error(`it ended with ${code ?? signal} before it was ready:\n${lines.slice(-3).join('\n')}`)),
        )
        started.stderr.setEncoding('utf8').on('data', keep)
        started.stdout.setEncoding('utf8').on('data', (text: string) => {
          keep(text)
          if (/^ready/m.test(text)) resolve()
        })
      }),
    kill: () => end('SIGKILL').then(() => undefined),
    stop: () => end('SIGTERM'),
    log: () => lines.join('\n'),
  }
}
