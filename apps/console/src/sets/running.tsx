import type { JSX } from 'preact'
import type { SetSummary } from '../api/sets.ts'
import type { Stage } from './types.ts'

interface RunningProps {
  readonly stage: Stage
  readonly set: SetSummary
  readonly onCancel: () => void
}

/** What a check that runs is at. */
export function Running({ stage, set, onCancel }: RunningProps): JSX.Element {
  const stages: readonly (readonly [readonly Stage[], string])[] = [
    [['harden', 'blind'], set.hardening.algorithm === 'none' ? 'Blinding it' : 'Slow-hashing and blinding it'],
    [['oprf'], 'The server multiplies it by its key, blindly'],
    [['keygen', 'keys'], 'Encrypting the query under a key of yours'],
    [['query'], 'The server compares with all of its list, blindly'],
    [['decrypt'], 'Decrypting the answer'],
  ]
  const now = stages.findIndex(([own]) => own.includes(stage))
  return (
    <section class="sheet stack-s" aria-label="Progress" ref={once}>
      <p class="unseen" role="status">
        {stages[now]?.[1]}
      </p>
      <ol class="stages">
        {stages.map(([, name], i) => (
          <li key={name} data-state={i < now ? 'done' : i === now ? 'now' : 'next'}>
            <span class="dot" aria-hidden="true" />
            <span>
              {name}
              <span class="unseen">{i < now ? ', done' : ''}</span>
            </span>
          </li>
        ))}
      </ol>
      <div>
        <button type="button" class="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </section>
  )
}

/** Phones show it below what was typed. */
function once(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' })
}
