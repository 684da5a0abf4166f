import type { JSX } from 'preact'
import type { Example } from '../api/models.ts'

interface ChoicesProps {
  readonly legend: string
  readonly items: readonly Example[]
  readonly chosen: number | undefined
  readonly onPick: (i: number) => void
  /** What stands on a button; default: the name. */
  readonly text?: (item: Example) => string
}

/** Examples to begin with, as buttons. */
export function Choices({ legend, items, chosen, onPick, text }: ChoicesProps): JSX.Element | null {
  if (items.length === 0) return null
  return (
    <fieldset class="plain">
      <legend class="label">{legend}</legend>
      <div class="choices">
        {items.map((item, i) => (
          <button
            type="button"
            key={item.name}
            class={text ? 'choice long' : 'choice'}
            aria-pressed={chosen === i}
            onClick={() => onPick(i)}
          >
            {text?.(item) ?? item.name}
          </button>
        ))}
      </div>
    </fieldset>
  )
}
