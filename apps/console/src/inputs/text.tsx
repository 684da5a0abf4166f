import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Choices } from './choices.tsx'
import type { InputProps } from './types.ts'

/** A text to type, or one to begin with. */
export function TextInput({ examples, info, onChange }: InputProps): JSX.Element {
  const [text, setText] = useState('')
  const items = examples?.items.filter(({ input }) => typeof input === 'string') ?? []
  const take = (next: string): void => {
    setText(next)
    const expected = items.find(({ input }) => input === next)?.expected
    onChange(
      next.trim() === ''
        ? undefined
        : { sample: next, pixels: false, words: next, ...(expected !== undefined && { expected }) },
    )
  }
  return (
    <div class="stack-s">
      <div class="field">
        <label for="text-input">Your text</label>
        <textarea
          id="text-input"
          class="input"
          rows={4}
          maxLength={2000}
          value={text}
          placeholder="I love …"
          aria-describedby="text-hint"
          onInput={(event) => take(event.currentTarget.value)}
        />
        <span class="hint" id="text-hint">
          {info.first.length > 0 ? `This page ${info.first.join(', then ')}, and encrypts those.` : 'It stays here.'}
        </span>
      </div>
      <Choices
        legend="or take one of these"
        items={items}
        chosen={items.findIndex(({ input }) => input === text)}
        onPick={(i) => take(String(items[i]!.input))}
        text={({ input }) => String(input)}
      />
    </div>
  )
}
