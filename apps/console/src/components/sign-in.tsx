import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { whoami } from '../api/admin.ts'
import { reasonOf } from '../api/http.ts'
import { signIn, signOut, token, useSession, type Whoami } from '../session.ts'
import { Dialog } from './dialog.tsx'
import { Note } from './states.tsx'

/** Who we are to the service, and the way to be somebody else. */
export function SignIn(): JSX.Element {
  const session = useSession()
  const [open, setOpen] = useState(false)
  const [who, setWho] = useState<Whoami>()
  useEffect(() => {
    const ask = (): void => setOpen(true)
    addEventListener('glovebox-sign-in', ask)
    return () => removeEventListener('glovebox-sign-in', ask)
  }, [])
  // Asked anew for every token.
  useEffect(() => {
    const abort = new AbortController()
    whoami(abort.signal).then(setWho, () => setWho(undefined))
    return () => abort.abort()
  }, [session])
  const own = token() !== undefined
  return (
    <>
      {own ? (
        <button type="button" class="button slight" onClick={signOut}>
          Sign out<span class="unseen">{who ? ` ${who.tenant}` : ''}</span>
        </button>
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
            It begins with gbx_ and is kept in this tab only, until it is closed. <code>glovebox token create</code>{' '}
            makes one.
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
