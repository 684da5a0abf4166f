import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultLimits } from '../packages/server/src/http/limits.ts'

/** Environment variable → option, of all that config.ts reads: from its table, and one for each limit. */
export function configVariables(): ReadonlyMap<string, string> {
  const source = readFileSync(join(import.meta.dirname, '../packages/server/src/config.ts'), 'utf8')
  const table = /^const settings = \{$([\s\S]*?)^\} as const/m.exec(source)?.[1]
  if (table === undefined) throw new Error('config.ts has no table of settings any more')
  const found = [...table.matchAll(/^ {2}(\w+): \[\s*'([A-Z][A-Z0-9_]+)'/gm)]
  if (found.length !== table.match(/^ {2}\w+: \[/gm)?.length) throw new Error('the table of settings cannot be read')
  const limits = Object.keys(defaultLimits).map((name) => [limitVariable(name), `limits.${name}`] as const)
  return new Map([...found.map(([, option, variable]) => [variable!, option!] as const), ...limits])
}

export function limitVariable(name: string): string {
  return `GLOVEBOX_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`
}
