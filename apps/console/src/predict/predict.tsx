import type { JSX } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { reasonOf } from '../api/http.ts'
import { type Examples, readExamples } from '../api/models.ts'
import { useLoaded } from '../api/use.ts'
import { Browser } from '../components/icons.tsx'
import { Note, When } from '../components/states.tsx'
import { ModelInput } from '../inputs/input.tsx'
import type { Chosen } from '../inputs/types.ts'
import { openPrivate } from '../private/open.ts'
import type { KeyState, Prediction, PrivateModel, Progress } from '../private/types.ts'
import { token } from '../session.ts'
import { Answer, readingOf } from './answer.tsx'
import { Keyring } from './keyring.tsx'
import { Running } from './progress.tsx'
import { Seen } from './seen.tsx'
import { Times } from './times.tsx'

interface PredictProps {
  readonly name: string
  readonly version: string | undefined
}

/** A private prediction, made in this browser. */
export function Predict({ name, version }: PredictProps): JSX.Element {
  const opened = useLoaded(
    async (signal) => {
      const own = token()
      const [examples, model] = await Promise.all([
        readExamples(name, version, signal),
        openPrivate(
          { url: location.origin, model: name, ...(version !== undefined && { version }), ...(own && { token: own }) },
          signal,
        ),
      ])
      if (signal.aborted) model.close()
      return { examples, model }
    },
    [name, version],
  )
  const model = opened.value?.model
  useEffect(() => () => model?.close(), [model])
  return (
    <When of={opened} what="the public part of the model" ghosts={2}>
      {(value) => <Ready key={`${name} ${version ?? ''}`} {...value} />}
    </When>
  )
}

interface ReadyProps {
  readonly model: PrivateModel
  readonly examples: Examples | undefined
}

interface Done extends Prediction {
  readonly chosen: Chosen
  readonly first: boolean
}

function Ready({ model, examples }: ReadyProps): JSX.Element {
  const { info } = model
  const [chosen, setChosen] = useState<Chosen>()
  const [progress, setProgress] = useState<Progress>()
  const [done, setDone] = useState<Done>()
  const [error, setError] = useState<string>()
  const [held, setHeld] = useState<KeyState>()
  const [heldBefore, setHeldBefore] = useState(false)
  const running = useRef<AbortController>(undefined)
  const first = useRef(true)
  const button = useRef<HTMLButtonElement>(null)
  const onChange = useCallback((next: Chosen | undefined) => setChosen(next), [])

  useEffect(() => {
    model.keys().then(setHeld, () => undefined)
    return () => running.current?.abort()
  }, [model])

  const predict = async (): Promise<void> => {
    if (!chosen || running.current) return
    const abort = new AbortController()
    running.current = abort
    setError(undefined)
    setDone(undefined)
    setHeldBefore(held !== undefined)
    setProgress({ stage: held ? 'encrypt' : 'keys', done: 0, total: 1 })
    try {
      const { pixels, sample } = chosen
      const prediction = await model.predict(sample, { pixels, signal: abort.signal, onProgress: setProgress })
      setDone({ ...prediction, chosen, first: first.current })
      first.current = false
    } catch (thrown) {
      setError(abort.signal.aborted ? 'Cancelled: nothing more is sent.' : adviceOf(thrown))
    } finally {
      running.current = undefined
      setProgress(undefined)
      setHeld(await model.keys().catch(() => undefined))
      // Whoever was on the button to cancel is on nothing now.
      if (document.activeElement === document.body) button.current?.focus({ preventScroll: true })
    }
  }
  const forget = async (): Promise<void> => {
    await model.forgetKeys()
    setHeld(undefined)
    setDone(undefined)
  }

  const reading = done && readingOf(done.answer, examples)
  return (
    <div class="stack">
      {examples?.question && <p class="question">{examples.question}</p>}
      <div class="sides">
        <div class="side">
          <section class="sheet stack" aria-labelledby="here-title">
            <h2 class="side-title" id="here-title">
              <Browser /> Here: in your browser
            </h2>
            <ModelInput info={info} examples={examples} onChange={onChange} />
            {examples?.note && <p class="small soft">{examples.note}</p>}
            <div class="row">
              <button
                ref={button}
                type="button"
                class="button main-action"
                onClick={predict}
                disabled={!chosen}
                aria-busy={progress !== undefined}
              >
                Predict privately
              </button>
              {!chosen && <span class="small soft">Choose or make an input first.</span>}
            </div>
            <Keyring info={info} held={held} onForget={forget} busy={progress !== undefined} />
          </section>
          {progress && (
            <Running
              progress={progress}
              held={heldBefore}
              needsKeys={info.keyCount > 0}
              onCancel={() => running.current?.abort(new Error('cancelled'))}
            />
          )}
          <div role="status" class="unseen">
            {reading && `The answer is ${reading.headline} ${reading.unit ?? ''}`}
          </div>
          {error && <Note bad>{error}</Note>}
          {done && (
            <section class="sheet stack-s" aria-labelledby="answer-title" ref={intoView}>
              <h2 class="side-title" id="answer-title">
                <Browser /> The answer, decrypted here
              </h2>
              <Answer answer={done.answer} examples={examples} expected={done.chosen.expected} />
            </section>
          )}
        </div>
        <div class="side">
          <Seen info={info} trace={done?.trace} chosen={done?.chosen} />
          {done && <Times trace={done.trace} first={done.first} />}
        </div>
      </div>
      <ClientSays model={model} />
    </div>
  )
}

/** The answer is below what it was asked with. */
function intoView(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' })
}

function ClientSays({ model: { info } }: { readonly model: PrivateModel }): JSX.Element {
  const list = (steps: readonly string[]): string => steps.join(', then ')
  return (
    <details>
      <summary>How this model is encrypted</summary>
      <dl class="facts">
        <dt>Packing</dt>
        <dd>{info.packing}</dd>
        <dt>Parameters</dt>
        <dd>
          {info.scheme.toUpperCase()}, ring of {info.ringDegree.toLocaleString('en')}, {info.modulusBits} bits in all
          {info.security && `; security ${info.security}`}
        </dd>
        {info.first.length > 0 && (
          <>
            <dt>First, here</dt>
            <dd>{list(info.first)}</dd>
          </>
        )}
        {info.last.length > 0 && (
          <>
            <dt>Last, here</dt>
            <dd>{list(info.last)}</dd>
          </>
        )}
        <dt>Largest error</dt>
        <dd>
          {(100 * info.relativeError).toPrecision(2)} % of the largest output, by{' '}
          {info.scheme === 'ckks' ? 'encryption' : 'rounding to integers'}
        </dd>
        <dt>Program</dt>
        <dd>
          <code class="wrap">{info.digest}</code>
        </dd>
      </dl>
    </details>
  )
}

/** What happened, and what can be done about it. */
function adviceOf(error: unknown): string {
  const text = reasonOf(error)
  const sentence = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`
  switch ((error as { code?: unknown }).code) {
    case 'unavailable':
      return `${sentence} Nothing was lost: try again in a moment.`
    case 'parameters-mismatch':
      return `${sentence} The model may have been replaced: load this page again.`
    case 'unauthorised':
      return `${sentence} Sign in with a token that may predict.`
    default:
      return sentence
  }
}
