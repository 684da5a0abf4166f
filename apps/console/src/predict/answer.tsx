import type { JSX } from 'preact'
import type { Examples } from '../api/models.ts'
import { type Bar, Bars, Diverging } from '../components/bars.tsx'
import { Scroll } from '../components/scroll.tsx'
import { percent, short } from '../format.ts'
import type { AnswerInfo } from '../private/types.ts'

/** Contributions that are shown at once. */
const mostShown = 10

export interface Reading {
  /** The answer in a word or a number. */
  readonly headline: string
  readonly unit?: string
  readonly values: readonly number[]
  readonly names: readonly string[]
  readonly probabilities: boolean
  /** The value that the headline is about; default: the largest. */
  readonly about?: number
  /** What this page did besides what the model says. */
  readonly remark?: string
}

/** An answer as people read it. */
export function readingOf(answer: AnswerInfo, examples: Examples | undefined): Reading {
  const { values, label, probabilities } = answer
  const outputs = examples?.outputs
  // What the examples call the values is for people; classes of a model may be 0 and 1.
  const names = values.map(
    (_, i) => outputs?.[i]?.name ?? answer.names?.[i] ?? (values.length === 1 ? 'value' : String(i)),
  )
  if (probabilities && values.length === 2 && outputs?.[1]?.name !== undefined)
    return { headline: percent(values[1]!), unit: `chance: ${outputs[1].name}`, values, names, probabilities, about: 1 }
  if (examples?.kind === 'digit' && !probabilities && values.length === 10) {
    const shares = softmax(values)
    const best = shares.indexOf(Math.max(...shares))
    const remark = 'Shares are the softmax of the ten decrypted scores, taken here.'
    return { headline: label ?? names[best]!, values: shares, names, probabilities: true, remark }
  }
  const unit = outputs?.[0]?.unit ?? (outputs?.[0]?.name && values.length === 1 ? outputs[0].name : undefined)
  const largest = values.indexOf(Math.max(...values))
  if (label !== undefined) return { headline: label, values, names, probabilities }
  if (values.length === 1 && probabilities)
    return { headline: percent(values[0]!), values, names, probabilities, ...(unit && { unit }) }
  const digits = outputs?.[0]?.digits
  const first = digits === undefined ? short(values[0]!) : values[0]!.toFixed(digits)
  if (probabilities) return { headline: names[largest]!, values, names, probabilities }
  return { headline: first, values, names, probabilities, ...(unit && { unit }) }
}

function softmax(values: readonly number[]): number[] {
  const top = Math.max(...values)
  const powers = values.map((value) => Math.exp(value - top))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

function saysSame({ headline, unit, values, probabilities }: Reading, expected: string): boolean {
  const exact = probabilities ? values.map((value) => `${(100 * value).toFixed(1)} %`) : []
  return [headline, `${headline} ${unit}`, ...exact].includes(expected)
}

interface AnswerProps {
  readonly answer: AnswerInfo
  readonly examples: Examples | undefined
  readonly expected: string | undefined
}

export function Answer({ answer, examples, expected }: AnswerProps): JSX.Element {
  const reading = readingOf(answer, examples)
  const { headline, unit, values, names, probabilities, about, remark } = reading
  const bars: Bar[] = values.map((value, i) => ({
    name: names[i]!,
    value,
    shown: probabilities ? percent(value) : withUnit(value, examples, i),
    best: about === undefined ? value === Math.max(...values) : i === about,
  }))
  const clear = clearValues(expected, values.length)
  const raw = names.every((name, i) => name === String(i))
  return (
    <div class="stack-s">
      <div>
        {answer.label === undefined && !probabilities && values.length > 1 && <p class="soft">{names[0]}</p>}
        <p class="answer-label" data-testid="answer">
          {headline} {unit && <span class="answer-unit">{unit}</span>}
        </p>
        {expected !== undefined && !clear && (
          <p class="small soft">
            The model in the clear says {expected}
            {saysSame(reading, expected) ? ': the same.' : '.'}
          </p>
        )}
      </div>
      {values.length > 1 &&
        (probabilities ? (
          <Bars caption="Probabilities" bars={bars} whole={1} heads={['Class', 'Probability']} />
        ) : raw && values.length <= 40 ? (
          <Diverging caption="Values" values={bars} />
        ) : (
          <Values bars={bars} clear={clear} />
        ))}
      {values.length === 1 && probabilities && (
        <Bars caption="Probability" bars={bars} whole={1} heads={['What', 'Probability']} />
      )}
      {remark && <p class="small soft">{remark}</p>}
      {answer.contributions && (
        <Contributions
          values={answer.contributions.map(({ name, value }) => ({
            name: examples?.columns?.find((column) => column.name === name)?.label ?? name,
            value,
          }))}
        />
      )}
    </div>
  )
}

/** What the model in the clear says of each value, where an example tells it of as many. */
function clearValues(expected: string | undefined, count: number): string[] | undefined {
  const parts = expected?.split(', ') ?? []
  return count > 1 && parts.length === count ? parts : undefined
}

interface ValuesProps {
  readonly bars: readonly Bar[]
  readonly clear: readonly string[] | undefined
}

function Values({ bars, clear }: ValuesProps): JSX.Element {
  return (
    <Scroll label="Values">
      <table class="table small">
        <caption class="unseen">Values</caption>
        <thead>
          <tr>
            <th scope="col">Value</th>
            <th scope="col" class="number">
              Decrypted
            </th>
            {clear && (
              <th scope="col" class="number">
                Model in the clear
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {bars.map(({ name, shown }, i) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{shown}</td>
              {clear && <td class="number">{clear[i]}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

type ContributionList = NonNullable<AnswerInfo['contributions']>

/** The largest first; the others on demand. */
function Contributions({ values }: { readonly values: ContributionList }): JSX.Element {
  const sorted = [...values].sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
  const rest = sorted.slice(mostShown)
  return (
    <div class="stack-s">
      <h3>Why: what each feature adds</h3>
      <Diverging caption="Contributions of features, largest first" values={sorted.slice(0, mostShown)} />
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} smaller ones</summary>
          <Diverging caption="Smaller contributions" values={rest} />
        </details>
      )}
    </div>
  )
}

function withUnit(value: number, examples: Examples | undefined, i: number): string {
  const { unit, digits } = examples?.outputs?.[i] ?? {}
  const shown = digits === undefined ? short(value) : value.toFixed(digits)
  return unit ? `${shown} ${unit}` : shown
}
