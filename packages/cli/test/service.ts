import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConfigOptions, createLog, openService, readConfig } from '@glovebox/server'
import { afterAll, beforeAll } from 'vitest'

export interface TestService {
  url: string
  /** Lines of its log so far. */
  readonly lines: string[]
  /** What the command keeps: its state, and keys. */
  readonly state: string
}

/** A service in this process, on a free port, with storage of its own; and folders for what the command keeps, gone with it. */
export function testService(options: ConfigOptions = {}): TestService {
  const state = mkdtempSync(join(tmpdir(), 'glovebox-state-'))
  const service: TestService = { url: '', lines: [], state }
  const before = { ...process.env }
  let close = async (): Promise<void> => undefined
  beforeAll(async () => {
    const destination = { write: (line: string) => void service.lines.push(line) }
    const opened = await openService(readConfig({ port: 0, ...options }, {}), createLog({ destination }))
    service.url = opened.url
    close = opened.close
    process.env.XDG_STATE_HOME = state
    process.env.XDG_DATA_HOME = state
    process.env.GLOVEBOX_SERVER = opened.url
  })
  afterAll(async () => {
    for (const name of ['XDG_STATE_HOME', 'XDG_DATA_HOME', 'GLOVEBOX_SERVER', 'GLOVEBOX_TOKEN'])
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    await close()
    rmSync(state, { recursive: true, force: true })
  })
  return service
}
