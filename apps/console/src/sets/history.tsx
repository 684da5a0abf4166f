import type { JSX } from 'preact'
import type { SetSummary } from '../api/sets.ts'
import { Scroll } from '../components/scroll.tsx'
import { showCount, showMs } from '../format.ts'
import type { Question } from './ask.tsx'
import { bodiesOf } from './sent.ts'
import type { Answer } from './types.ts'

/** A question that was answered, in this tab only. */
export interface Checked {
  readonly turn: number
  readonly question: Question
  readonly answer: Answer
}

/** Checks side by side: the answers differ, what left does not. */
export function History({
  checks,
  set,
}: {
  readonly checks: readonly Checked[]
  readonly set: SetSummary
}): JSX.Element {
  const rows = checks.map((checked) => ({ ...checked, ...bodiesOf(checked.answer.trace) }))
  const same = rows.every(({ asked, came }) => asked === rows[0]!.asked && came === rows[0]!.came)
  return (
    <section class="sheet stack-s" aria-labelledby="history-title">
      <h2 id="history-title">Side by side</h2>
      <Scroll label="Checks of this visit">
        <table class="table small">
          <caption class="unseen">Checks of this visit, newest first</caption>
          <thead>
            <tr>
              <th scope="col">You asked</th>
              <th scope="col">Answer</th>
              <th scope="col" class="number">
                Sent
              </th>
              <th scope="col" class="number wide-only">
                Back
              </th>
              <th scope="col" class="number wide-only">
                Server
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ turn, question, answer, asked, came }) => (
              <tr key={turn}>
                <th scope="row" class="asked">
                  {turn}. {question.shown}
                </th>
                <td>{answer.found ? <strong class="found">in the list</strong> : 'not in it'}</td>
                <td class="number">{showCount(asked)} B</td>
                <td class="number wide-only">{showCount(came)} B</td>
                <td class="number wide-only">{showMs(answer.trace.ms.compare)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="small soft">
        {set.params.prefixBits === 0
          ? same
            ? 'To the last byte the same size, whatever you ask and whatever the answer is: the server cannot tell them apart.'
            : 'Sizes differ only where a request was tried again.'
          : 'Sizes are those of the bucket, whatever the answer is: the bucket is all that is told.'}
        {rows.some(({ keys }) => keys > 0) && ' Keys are sent once, and not counted here.'}
      </p>
    </section>
  )
}
