import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const node = ['--conditions=@glovebox/source', main]
// Colours and bars depend on the terminal that the tests run in; children have none. Compiled code is kept from one to the next.
const { FORCE_COLOR: _, ...environment } = process.env
const own = mkdtempSync(join(tmpdir(), 'glovebox-state-'))
afterAll(() => rmSync(own, { recursive: true, force: true }))
const env = {
  ...environment,
  NO_COLOR: '1',
  NODE_COMPILE_CACHE: join(tmpdir(), 'glovebox-test-cache'),
  // What commands remember of each other, and the data of a service that names none, are of these tests only.
  XDG_STATE_HOME: join(own, 'state'),
  XDG_DATA_HOME: join(own, 'data'),
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A process of the command from its sources, for tests that end it themselves. */
export function start(more: NodeJS.ProcessEnv, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...node, ...args], { env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Runs `glovebox` from its sources as a process of its own. */
export function glovebox(...args: readonly string[]): Promise<Finished> {
  return finish(start({}, ...args))
}

export function gloveboxWith(more: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Finished> {
  return finish(start(more, ...args))
}

function finish(child: ChildProcess): Promise<Finished> {
  let [stdout, stderr] = ['', '']
  child.stdout!.on('data', (text) => {
    stdout += text
  })
  child.stderr!.on('data', (text) => {
    stderr += text
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
}

/** Runs it and throws, with what it said, where it does not end with code 0. */
export async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await glovebox(...args)
  if (code !== 0) throw new Error(`glovebox ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

export interface RunningServer {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
  /** The lines of its log so far. */
  readonly lines: readonly Record<string, unknown>[]
  kill(signal: NodeJS.Signals): Promise<number | null>
}

const running = new Set<ChildProcess>()
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** `glovebox serve` until it is killed or the tests of the file are over. */
export function serve(...args: readonly string[]): Promise<RunningServer> {
  return serveWith({}, ...args)
}

export function serveWith(more: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<RunningServer> {
  const child = spawn(process.execPath, [...node, 'serve', ...args], {
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  const lines: Record<string, unknown>[] = []
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      running.delete(child)
      reject(new Error(`the server ended with ${code}`))
    })
    createInterface({ input: child.stdout! }).on('line', (text) => {
      const line = JSON.parse(text)
      lines.push(line)
      if (line.msg !== 'listening') return
      const kill = (signal: NodeJS.Signals): Promise<number | null> => {
        child.kill(signal)
        return ended
      }
      resolve({ url: line.url, port: Number(new URL(line.url).port), child, lines, kill })
    })
  })
}

/** A folder for the tests of a file; gone when they are. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
