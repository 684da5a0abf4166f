import type { JSX } from 'preact'
import type { SetKind, SetSummary } from '../api/sets.ts'
import { Browser, Found, NotFound } from '../components/icons.tsx'
import { showCount } from '../format.ts'
import type { Question } from './ask.tsx'
import type { Answer } from './types.ts'

const things: Readonly<Record<SetKind, string>> = {
  passwords: 'passwords',
  credentials: 'pairs of user and password',
  domains: 'domains',
  bytes: 'items',
}

/** The answer in a sentence. */
export function headlineOf(set: SetSummary, { found }: Answer): string {
  const secret = set.kind === 'passwords' || set.kind === 'credentials'
  if (!secret) return found ? 'It is in the list' : 'It is not in the list'
  return found ? 'This password has leaked' : 'Not among the leaked ones'
}

interface VerdictProps {
  readonly set: SetSummary
  readonly answer: Answer
  readonly question: Question
}

export function Verdict({ set, answer, question }: VerdictProps): JSX.Element {
  const { found, label } = answer
  return (
    <section class="sheet verdict" data-found={found ? 'yes' : 'no'} aria-labelledby="verdict-title" ref={intoView}>
      <h2 class="side-title" id="verdict-title">
        <Browser /> The answer, decrypted here
      </h2>
      <div class="verdict-in">
        {found ? <Found /> : <NotFound />}
        <div class="stack-s">
          <p class="verdict-headline" data-testid="answer">
            {headlineOf(set, answer)}
          </p>
          {label && <p class="verdict-label">{labelText(label)}</p>}
          <p>{adviceOn(set, found, question)}</p>
        </div>
      </div>
    </section>
  )
}

function adviceOn(set: SetSummary, found: boolean, { characters }: Question): string {
  const all = `about ${showCount(set.items)} ${things[set.kind]}`
  switch (set.kind) {
    case 'passwords':
      if (found)
        return `It is one of ${all} that are known from breaches, and those are what attackers try first. Change it wherever you use it.`
      return characters < 12
        ? `None of ${all} is it. That does not make it strong: ${characters} characters are few, and what is not in a list can be guessed.`
        : `None of ${all} is it. Use it in one place only, and it stays that way.`
    case 'credentials':
      return found
        ? `This pair is one of ${all} from breaches: somebody can sign in with it. Change it now.`
        : `None of ${all} is this one.`
    default:
      return found ? `It is one of ${all}.` : `None of ${all} is it.`
  }
}

/** Text as lists have it, filled up with zeros; else bytes in hexadecimal. */
function labelText(label: Uint8Array): string {
  const end = label.findLastIndex((byte) => byte !== 0) + 1
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(label.subarray(0, end)).replace(/\p{Cc}+/gu, ' ')
  } catch {
    return Array.from(label, (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

/** The answer is below what it was asked with. */
function intoView(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' })
}
