import { useCallback, useEffect, useState } from 'preact/hooks'
import { useSession } from '../session.ts'

/** Something that is being asked for. `value` stays while it is asked for again. */
export interface Loaded<T> {
  readonly value?: T
  readonly error?: unknown
  readonly loading: boolean
  readonly reload: () => void
}

/** Asks when `keys` change, when somebody signs in, and on `reload`. */
export function useLoaded<T>(ask: (signal: AbortSignal) => Promise<T>, keys: readonly unknown[]): Loaded<T> {
  const session = useSession()
  const [turn, setTurn] = useState(0)
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'>>({ loading: true })
  const reload = useCallback(() => setTurn((before) => before + 1), [])
  // `ask` is another one every time, `keys` say what it depends on.
  useEffect(() => {
    const abort = new AbortController()
    setState((before) => ({ ...before, loading: true }))
    ask(abort.signal).then(
      (value) => abort.signal.aborted || setState({ value, loading: false }),
      (error: unknown) => abort.signal.aborted || setState({ error, loading: false }),
    )
    return () => abort.abort()
  }, [session, turn, ...keys])
  return { ...state, reload }
}
