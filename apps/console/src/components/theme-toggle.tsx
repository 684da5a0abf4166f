import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { applyTheme, storedTheme, type Theme } from '../theme.ts'

const next: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' }
const names: Readonly<Record<Theme, string>> = { system: 'Auto', light: 'Light', dark: 'Dark' }

/** Light, dark, or as the system has it, in turns. */
export function ThemeToggle(): JSX.Element {
  const [theme, setTheme] = useState(storedTheme())
  const turn = (): void => {
    const chosen = next[storedTheme()]
    applyTheme(chosen)
    setTheme(chosen)
  }
  return (
    <button type="button" class="button slight" onClick={turn}>
      <span class="unseen">Colours: </span>
      {names[theme]}
    </button>
  )
}
