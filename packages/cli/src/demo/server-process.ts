import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { GloveboxError } from '@glovebox/he'

/** `glovebox serve` as a process of its own on a free port of this machine. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string
  readonly pid: number
}

// From sources the server is started from sources too, and from the build likewise.
const fromSources = import.meta.url.endsWith('.ts')
const script = fileURLToPath(new URL(fromSources ? '../main.ts' : '../../bin/glovebox.js', import.meta.url))
const flags = fromSources ? ['--conditions=@glovebox/source'] : process.execArgv

const startLimitMs = 60_000

/**
 * Starts the server with the models of some folders and waits until it listens. It ends when it is disposed of, when this process exits, and, since the pipe to its
 * standard input closes then, even when this process is killed.
 */
export async function startServer(folders: string | readonly string[], threads: number): Promise<ServerProcess> {
  const command = [
    ...flags,
    script,
    'serve',
    ...[folders].flat(),
    '--port',
    '0',
    '--threads',
    String(threads),
    '--stop-with-stdin',
  ]
  const child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'pipe'] })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    process.off('exit', kill)
    kill()
    await ended
  }
  try {
    return { url: await listening(child), pid: child.pid!, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The address from the server's log. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let complaints = ''
    const fail = (reason: string): void =>
      reject(new GloveboxError('unavailable', `the server did not start: ${complaints.trim() || reason}`))
    const timer = setTimeout(() => fail(`it did not listen within ${startLimitMs / 1000} s`), startLimitMs)
    child.once('error', (error) => fail(error.message))
    child.once('close', (code) => fail(`it ended with code ${code}`))
    child.stderr!.on('data', (text) => {
      complaints += text
    })
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const { msg, url } = parseLine(line)
      if (msg !== 'listening' || typeof url !== 'string') return
      clearTimeout(timer)
      resolve(url)
    })
  })
}

function parseLine(line: string): { msg?: unknown; url?: unknown } {
  try {
    return JSON.parse(line)
  } catch {
    return {}
  }
}
