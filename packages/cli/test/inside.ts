import { vi } from 'vitest'
import { createProgram } from '../src/program.ts'

/** What a command printed. */
export interface Printed {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command in this process, which is faster than one of its own; what it throws is thrown. One at a time. */
export async function inside(...args: readonly string[]): Promise<Printed> {
  let [stdout, stderr] = ['', '']
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      stdout += text
      return true
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      stderr += text
      return true
    }),
  ]
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    // Commander's own are on standard error.
    throw error instanceof Error && stderr !== '' ? new Error(`${error.message}\n${stderr}`, { cause: error }) : error
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return { stdout, stderr }
}
