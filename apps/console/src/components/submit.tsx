import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { reasonOf } from '../api/http.ts'
import { Note } from './states.tsx'

interface SubmitProps {
  readonly children: ComponentChildren
  readonly action: string
  /** What is said when it worked. */
  readonly done: string
  readonly run: (form: FormData) => Promise<unknown>
  readonly class?: string
}

/** A form that says whether it worked. */
export function Submit({ children, action, done, run, class: name = 'inline-form' }: SubmitProps): JSX.Element {
  const [said, setSaid] = useState<{ readonly text: string; readonly bad: boolean }>()
  const [busy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    setBusy(true)
    try {
      await run(new FormData(form))
      form.reset()
      setSaid({ text: done, bad: false })
    } catch (error) {
      setSaid({ text: reasonOf(error), bad: true })
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={submit} class="stack-s">
      <div class={name}>
        {children}
        <button type="submit" class="button" disabled={busy}>
          {action}
        </button>
      </div>
      <span role="status" class="small soft">
        {said && !said.bad ? said.text : ''}
      </span>
      {said?.bad && <Note bad>{said.text}</Note>}
    </form>
  )
}

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly required?: boolean
  readonly pattern?: string
  readonly title?: string
  readonly value?: string
  readonly id: string
}

/** A line of text in a form. */
export function Field({ name, label, id, value, ...rest }: FieldProps): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} name={name} class="input" autocomplete="off" spellcheck={false} defaultValue={value} {...rest} />
    </div>
  )
}

export function textOf(form: FormData, name: string): string {
  return String(form.get(name) ?? '').trim()
}
