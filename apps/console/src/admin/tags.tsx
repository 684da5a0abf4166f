import type { JSX } from 'preact'
import type { Tag } from '../api/registry.ts'
import { Field, Submit, textOf } from '../components/submit.tsx'

interface TagsProps {
  /** Of whom, for readers of screens. */
  readonly of: string
  readonly id: string
  readonly tags: readonly Tag[]
  readonly onSet: (key: string, value: string) => Promise<unknown>
  readonly onDelete: (key: string) => Promise<unknown>
}

export function Tags({ of, id, tags, onSet, onDelete }: TagsProps): JSX.Element {
  return (
    <div class="stack-s">
      {tags.length > 0 && (
        <ul class="chips">
          {tags.map(({ key, value }) => (
            <li key={key} class="chip">
              {key} <b>{value}</b>
              <button
                type="button"
                class="chip-remove"
                aria-label={`Remove the tag ${key} of ${of}`}
                onClick={() => onDelete(key)}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <Submit action="Set tag" done="The tag is set." run={(form) => onSet(textOf(form, 'key'), textOf(form, 'value'))}>
        <Field id={`${id}-key`} name="key" label="Tag" required />
        <Field id={`${id}-value`} name="value" label="Value" />
      </Submit>
    </div>
  )
}
