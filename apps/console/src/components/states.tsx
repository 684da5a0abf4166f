import type { ComponentChildren, JSX } from 'preact'
import { ApiError, reasonOf } from '../api/http.ts'
import type { Loaded } from '../api/use.ts'
import { token } from '../session.ts'

/** Something to know; read out at once where it is bad. */
export function Note({ bad, children }: { readonly bad?: boolean; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div class={bad ? 'note bad' : 'note'} role={bad ? 'alert' : undefined}>
      {children}
    </div>
  )
}

export function Empty({
  title,
  children,
}: {
  readonly title: string
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children}
    </div>
  )
}

/** Places of what is still being asked for. */
export function Ghosts({ count = 1, what }: { readonly count?: number; readonly what: string }): JSX.Element {
  return (
    <div class="models" role="status">
      <span class="unseen">Loading {what} …</span>
      {Array.from({ length: count }, (_, i) => (
        <div class="ghost" key={i} />
      ))}
    </div>
  )
}

interface WhenProps<T> {
  readonly of: Loaded<T>
  readonly what: string
  readonly ghosts?: number
  readonly children: (value: T) => ComponentChildren
}

/** What was asked for, or its place while it comes, or why it does not. */
export function When<T>({ of, what, ghosts, children }: WhenProps<T>): JSX.Element {
  if (of.error !== undefined) return <Failure error={of.error} what={what} retry={of.reload} />
  if (of.value === undefined && of.loading) return <Ghosts count={ghosts ?? 1} what={what} />
  return <>{children(of.value as T)}</>
}

interface FailureProps {
  readonly error: unknown
  readonly what: string
  readonly retry: () => void
}

/** What went wrong, in words, and what to do about it. */
export function Failure({ error, what, retry }: FailureProps): JSX.Element {
  const refused = refusalOf(error)
  return (
    <div class="note bad stack-s" role="alert">
      <div>
        <strong>{refused ?? `Could not load ${what}`}</strong> {reasonOf(error)}
      </div>
      <div class="row">
        {refused && (
          <button type="button" class="button main-action" onClick={() => dispatchEvent(new Event('glovebox-sign-in'))}>
            Sign in
          </button>
        )}
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      </div>
    </div>
  )
}

/** What another token would help with. Refusals of the client do not tell 401 from 403. */
function refusalOf(error: unknown): string | undefined {
  const { status, code } = error as { readonly status?: unknown; readonly code?: unknown }
  const known = error instanceof ApiError
  if (known ? status !== 401 && status !== 403 : code !== 'unauthorised') return undefined
  if (token() === undefined) return 'A token is needed'
  return known && status === 401 ? 'This token is not known here' : 'Your token does not allow this'
}
