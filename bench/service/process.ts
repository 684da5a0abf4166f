import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const built = fileURLToPath(new URL('../../packages/cli/bin/glovebox.js', import.meta.url))
const gcScript = fileURLToPath(new URL('./gc.mjs', import.meta.url))

export interface Memory {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
}

/** `glovebox serve` in a process of its own, as the built package starts it. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string
  readonly pid: number
  /** From the start of the process to the first 200 of its health. */
  readonly readyMs: number
  /** After collecting garbage. */
  memory(): Promise<Memory>
  /** Runs something, and gives the most that was resident meanwhile. */
  peakDuring<T>(run: () => Promise<T>): Promise<{ peak: number; result: T }>
}

/** Throws where the packages were not built. */
export function requireBuilt(): void {
  if (!existsSync(fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url))))
    throw new RangeError('the packages are not built: npm run build')
}

export async function startService(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  command: readonly string[] = ['serve'],
): Promise<ServerProcess> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const started = performance.now()
  const child = spawn(
    process.execPath,
    ['--expose-gc', `--import=${gcScript}`, built, ...command, ...args, '--port', String(port)],
    { env: { ...process.env, GLOVEBOX_LOG_LEVEL: 'warn', ...env }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  )
  let said = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await once(child, 'exit')
    clearTimeout(late)
  }
  try {
    await untilReady(url, child, () => said)
  } catch (error) {
    await stop()
    throw error
  }
  const pid = child.pid!
  return {
    url,
    pid,
    readyMs: performance.now() - started,
    async memory() {
      const answer = once(child, 'message')
      child.send('gc')
      return (await answer)[0] as Memory
    },
    async peakDuring(run) {
      resetPeak(pid)
      let peak = residentOf(pid, 'VmRSS')
      // Where the peak of the kernel cannot be set back, looking often has to do.
      const timer = setInterval(() => {
        peak = Math.max(peak, residentOf(pid, 'VmRSS'))
      }, 2)
      try {
        const result = await run()
        return { peak: canReset ? Math.max(peak, residentOf(pid, 'VmHWM')) : peak, result }
      } finally {
        clearInterval(timer)
      }
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function untilReady(url: string, child: ChildProcess, said: () => string): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; ) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}: ${said()}`)
    const ready = await fetch(`${url}/v2/health/ready`).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (ready) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`the server was not ready after a minute: ${said()}`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

function residentOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return 1024 * Number(kilobytes)
}

let canReset = false
/** proc(5): 5 into clear_refs sets VmHWM to what is resident now. */
function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    canReset = true
  } catch {
    canReset = false
  }
}
