import { fileURLToPath } from 'node:url'

// From sources the command is started from sources again, and from the build likewise.
const fromSources = import.meta.url.endsWith('.ts')
const script = fileURLToPath(new URL(fromSources ? '../main.ts' : '../../bin/glovebox.js', import.meta.url))
const flags = fromSources ? ['--conditions=@glovebox/source'] : process.execArgv

/** Arguments of Node that run `glovebox` with these arguments. */
export function commandLine(...args: readonly string[]): string[] {
  return [...flags, script, ...args]
}
