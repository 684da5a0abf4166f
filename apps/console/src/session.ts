import { useEffect, useState } from 'preact/hooks'

/** Who the service takes us for. */
export interface Whoami {
  readonly tenant: string
  readonly scopes: readonly string[]
}

const key = 'glovebox-token'
const changed = 'glovebox-session'

/** For this tab and until it is closed: nothing of it is written to disk for later. */
export function token(): string | undefined {
  return sessionStorage.getItem(key) ?? undefined
}

export function signIn(value: string): void {
  sessionStorage.setItem(key, value)
  dispatchEvent(new Event(changed))
}

export function signOut(): void {
  sessionStorage.removeItem(key)
  dispatchEvent(new Event(changed))
}

/** Counts up with every sign-in and sign-out, for what has to be asked for again. */
export function useSession(): number {
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const next = (): void => setTurn((before) => before + 1)
    addEventListener(changed, next)
    return () => removeEventListener(changed, next)
  }, [])
  return turn
}

/** Whether somebody may, as far as that is known: `admin` may all. */
export function may(who: Whoami | undefined, ...scopes: readonly string[]): boolean {
  return who === undefined || ['admin', ...scopes].some((scope) => who.scopes.includes(scope))
}
