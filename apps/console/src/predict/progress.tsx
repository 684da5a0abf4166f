import type { JSX } from 'preact'
import type { Progress, Stage } from '../private/types.ts'

/** Stages in the order in which they come, in words. */
const stages: readonly (readonly [Stage, string])[] = [
  ['keys', 'Making your keys'],
  ['upload', 'Uploading the evaluation keys'],
  ['encrypt', 'Encrypting your input'],
  ['infer', 'The server computes, blindly'],
  ['decrypt', 'Decrypting the answer'],
]

interface RunningProps {
  readonly progress: Progress
  /** Keys were there already. */
  readonly held: boolean
  readonly needsKeys: boolean
  readonly onCancel: () => void
}

/** What a prediction that runs is at. */
export function Running({ progress, held, needsKeys, onCancel }: RunningProps): JSX.Element {
  const shown = stages.filter(
    ([stage]) =>
      !((stage === 'keys' && held) || (stage === 'upload' && (!needsKeys || (held && progress.stage !== 'upload')))),
  )
  const now = shown.findIndex(([stage]) => stage === progress.stage)
  const text = stages.find(([stage]) => stage === progress.stage)?.[1] ?? 'Starting'
  return (
    <section class="sheet stack-s" aria-label="Progress" ref={once}>
      <p class="unseen" role="status">
        {text}
      </p>
      <ol class="stages">
        {shown.map(([stage, name], i) => (
          <li key={stage} data-state={i < now ? 'done' : i === now ? 'now' : 'next'}>
            <span class="dot" aria-hidden="true" />
            <span>
              {name}
              <span class="unseen">{i < now ? ', done' : ''}</span>
            </span>
            {i === now && progress.total > 1 && (
              <span class="small soft">{Math.round((100 * progress.done) / progress.total)} %</span>
            )}
          </li>
        ))}
      </ol>
      <progress
        aria-label={text}
        max={1}
        {...(progress.total > 1 && progress.stage !== 'infer' ? { value: progress.done / progress.total } : {})}
      />
      <div>
        <button type="button" class="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </section>
  )
}

/** Long forms push it out of sight. */
function once(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' })
}
