import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { reasonOf } from '../api/http.ts'
import { Dialog } from './dialog.tsx'
import { Note } from './states.tsx'

interface ConfirmProps {
  readonly label: string
  readonly title: string
  /** What will be gone, and whether it comes back. */
  readonly children: ComponentChildren
  readonly action: string
  /** A word to type first, for what cannot be taken back. */
  readonly word?: string
  readonly run: () => Promise<unknown>
}

/** A button that asks before it does what cannot be taken back. */
export function Confirm({ label, title, children, action, word, run }: ConfirmProps): JSX.Element {
  const [open, setOpen] = useState(false)
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<string>()
  const [busy, setBusy] = useState(false)
  const close = (): void => {
    setOpen(false)
    setTyped('')
    setError(undefined)
  }
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      await run()
      close()
    } catch (thrown) {
      setError(reasonOf(thrown))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <button type="button" class="button danger tiny" onClick={() => setOpen(true)}>
        {label}
      </button>
      {open && (
        <Dialog title={title} onClose={close}>
          <form onSubmit={submit}>
            <div>{children}</div>
            {word !== undefined && (
              <div class="field">
                <label for="confirm-word">
                  Type <code>{word}</code> to confirm
                </label>
                <input
                  id="confirm-word"
                  class="input"
                  autocomplete="off"
                  value={typed}
                  onInput={(event) => setTyped(event.currentTarget.value)}
                />
              </div>
            )}
            {error && <Note bad>{error}</Note>}
            <div class="actions">
              <button type="button" class="button" onClick={close}>
                Keep it
              </button>
              <button type="submit" class="button danger" disabled={busy || (word !== undefined && typed !== word)}>
                {action}
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  )
}
