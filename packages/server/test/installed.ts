import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Why a test that needs these programs is skipped, or undefined where all are installed. */
export function missing(...programs: readonly string[]): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin']
  const absent = programs.filter((program) => !folders.some((folder) => existsSync(join(folder, program))))
  return absent.length > 0 ? `not installed: ${absent.join(', ')} (Debian's packages)` : undefined
}
