import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Beside the built files in an installed package, in the build of the command, and where the page itself is built. */
const places = ['../console', '../../dist/console', '../../../../apps/console/dist']

/** The folder of the built console; undefined where it was not built. */
export function consoleFolder(): string | undefined {
  return places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((folder) => existsSync(join(folder, 'index.html')))
}

/** Opens a page where there is a screen; whether it tried to. */
export async function openPage(url: string): Promise<boolean> {
  const { platform, env } = process
  const screen = platform === 'darwin' || platform === 'win32' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
  if (!screen || env.CI) return false
  try {
    const { default: open } = await import('open')
    const child = await open(url)
    child.on('error', () => undefined)
    return true
  } catch {
    return false
  }
}
