import type { JSX } from 'preact'
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { reasonOf } from '../api/http.ts'
import type { SetSummary } from '../api/sets.ts'
import { Browser } from '../components/icons.tsx'
import { Note } from '../components/states.tsx'
import { token, useSession } from '../session.ts'
import { Ask, type Question } from './ask.tsx'
import { Facts } from './facts.tsx'
import { type Checked, History } from './history.tsx'
import { openSet } from './open.ts'
import { Running } from './running.tsx'
import { Seen } from './seen.tsx'
import { CheckTimes } from './times.tsx'
import type { Stage } from './types.ts'
import { headlineOf, Verdict } from './verdict.tsx'

/** Checks that are shown at once. */
const mostShown = 8

/** A private look-up in a set, made in this browser. */
export function Check({ set }: { readonly set: SetSummary }): JSX.Element {
  const session = useSession()
  const asked = useMemo(() => openSet(set.name, token()), [set.name, session])
  const [question, setQuestion] = useState<Question>()
  const [stage, setStage] = useState<Stage>()
  const [checks, setChecks] = useState<readonly Checked[]>([])
  const [current, setCurrent] = useState<Checked>()
  const [stale, setStale] = useState(false)
  const [error, setError] = useState<string>()
  const running = useRef<AbortController>(undefined)
  const next = useRef(1)
  const button = useRef<HTMLButtonElement>(null)
  const onChange = useCallback((changed: Question | undefined) => {
    setQuestion(changed)
    // What stands there is about something else now.
    setStale(true)
  }, [])

  useEffect(
    () => () => {
      running.current?.abort(new Error('closed'))
      asked.close()
    },
    [asked],
  )

  const check = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!question || running.current) return
    const abort = new AbortController()
    running.current = abort
    setError(undefined)
    setCurrent(undefined)
    setStage('harden')
    try {
      const answer = await asked.check(question.items, { signal: abort.signal, onProgress: setStage })
      // The list of what was asked keeps no password.
      const checked: Checked = { turn: next.current++, question: { ...question, items: [] }, answer }
      setCurrent(checked)
      setStale(false)
      setChecks((before) => [checked, ...before].slice(0, mostShown))
    } catch (thrown) {
      setError(abort.signal.aborted ? 'Cancelled: nothing more is sent.' : adviceOf(thrown))
    } finally {
      running.current = undefined
      setStage(undefined)
      // Whoever was on the button to cancel is on nothing now.
      if (document.activeElement === document.body) button.current?.focus({ preventScroll: true })
    }
  }

  return (
    <div class="stack">
      <div class="sides checks">
        <div class="side">
          <section class="sheet stack" aria-labelledby="here-title">
            <h2 class="side-title" id="here-title">
              <Browser /> Here: in your browser
            </h2>
            <form class="stack" onSubmit={check}>
              <Ask kind={set.kind} onChange={onChange} />
              <div class="row">
                <button
                  ref={button}
                  type="submit"
                  class="button main-action"
                  disabled={!question}
                  aria-busy={stage !== undefined}
                >
                  Check privately
                </button>
                {!question && <span class="small soft">Type something first.</span>}
              </div>
            </form>
          </section>
          {stage && <Running stage={stage} set={set} onCancel={() => running.current?.abort(new Error('cancelled'))} />}
          <div role="status" class="unseen">
            {current && !stale && headlineOf(set, current.answer)}
          </div>
          {error && <Note bad>{error}</Note>}
          {current && !stale && <Verdict set={set} answer={current.answer} question={current.question} />}
        </div>
        <div class="side beside">
          <Seen set={set} answer={current?.answer} />
          {checks.length > 1 && <History checks={checks} set={set} />}
        </div>
        {current && <CheckTimes trace={current.answer.trace} first={current.turn === 1} />}
      </div>
      <Facts set={set} />
    </div>
  )
}

/** What happened, and what can be done about it. */
function adviceOf(error: unknown): string {
  const text = reasonOf(error)
  const sentence = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
  switch ((error as { code?: unknown }).code) {
    case 'unavailable':
      return /try again/i.test(text) ? sentence : `${sentence} Try again in a moment.`
    case 'unauthorised':
      return `${sentence} Sign in with a token that may predict.`
    default:
      return sentence
  }
}
