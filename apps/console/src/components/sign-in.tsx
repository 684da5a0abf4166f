import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useWhoami, whoami } from '../api/admin.ts'
import { reasonOf } from '../api/http.ts'
import { signIn, signOut, token } from '../session.ts'
import { Dialog } from './dialog.tsx'
import { Note } from './states.tsx'

/** Who we are to the service, and the way to be somebody else. */
export function SignIn(): JSX.Element {
  const who = useWhoami()
  const [open, setOpen] = useState(false)
  useEffect(() => {
    const ask = (): void => setOpen(true)
    addEventListener('glovebox-sign-in', ask)
    return () => removeEventListener('glovebox-sign-in', ask)
  }, [])
  const own = token() !== undefined
  return (
    <>
      {own ? (
        <>
          {who && (
            <span class="who" data-testid="who">
              <b>{who.tenant}</b>{' '}
              <span class="who-may">
                {who.scopes.includes('admin') ? 'administers' : `may ${who.scopes.join(', ')}`}
              </span>
            </span>
          )}
          <button type="button" class="button slight" onClick={signOut}>
            Sign out
          </button>
        </>
      ) : (
        <button type="button" class="button slight" onClick={() => setOpen(true)}>
          {who ? who.tenant : 'Sign in'}
          {who && <span class="unseen">: sign in with another token</span>}
        </button>
      )}
      {open && <SignInDialog onClose={() => setOpen(false)} />}
    </>
  )
}

function SignInDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const [value, setValue] = useState('')
  const [error, setError] = useState<string>()
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    signIn(value.trim())
    try {
      await whoami()
      onClose()
    } catch (thrown) {
      signOut()
      setError(reasonOf(thrown))
    }
  }
  return (
    <Dialog title="Sign in with a token" onClose={onClose}>
      <form onSubmit={submit}>
        <div class="field">
          <label for="token">Token</label>
          <input
            id="token"
            class="input mono"
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            aria-describedby="token-hint"
            value={value}
            onInput={(event) => setValue(event.currentTarget.value)}
          />
          <span class="hint" id="token-hint">
            It is kept in this tab only, until it is closed. <code>glovebox token create</code> makes one. An
            administrator's token may also come from the environment of the service.
          </span>
        </div>
        {error && <Note bad>{error}</Note>}
        <div class="actions">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button main-action">
            Sign in
          </button>
        </div>
      </form>
    </Dialog>
  )
}
