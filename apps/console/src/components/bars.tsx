import type { JSX } from 'preact'
import { short } from '../format.ts'

export interface Bar {
  readonly name: string
  readonly value: number
  readonly shown: string
  readonly best?: boolean
}

interface BarsProps {
  readonly caption: string
  readonly bars: readonly Bar[]
  /** Length of a whole track; default: the largest value. */
  readonly whole?: number
  readonly heads: readonly [string, string]
}

/** A table whose values are bars as well, so that everybody reads the same. */
export function Bars({ caption, bars, whole, heads }: BarsProps): JSX.Element {
  const most = whole ?? Math.max(1e-9, ...bars.map(({ value }) => Math.abs(value)))
  return (
    <table class="bars">
      <caption class="unseen">{caption}</caption>
      <thead class="unseen">
        <tr>
          <th scope="col">{heads[0]}</th>
          <td />
          <th scope="col">{heads[1]}</th>
        </tr>
      </thead>
      <tbody>
        {bars.map(({ name, value, shown, best }) => (
          <tr key={name} class={best ? 'best' : ''}>
            <th scope="row">{name}</th>
            <td class="track" aria-hidden="true">
              <span class="bar" style={{ width: `${(100 * Math.max(0, value)) / most}%` }} />
            </td>
            <td class="number">{shown}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Contributions around a middle: what lowers to the left, what raises to the right. */
export function Diverging({
  caption,
  values,
}: {
  readonly caption: string
  readonly values: readonly { readonly name: string; readonly value: number }[]
}): JSX.Element {
  const most = Math.max(1e-9, ...values.map(({ value }) => Math.abs(value)))
  return (
    <table class="bars">
      <caption class="unseen">{caption}</caption>
      <thead class="unseen">
        <tr>
          <th scope="col">Feature</th>
          <td />
          <th scope="col">Contribution</th>
        </tr>
      </thead>
      <tbody>
        {values.map(({ name, value }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="track" aria-hidden="true">
              <span class="diverging">
                <span
                  class={value < 0 ? 'bar minus' : 'bar plus'}
                  style={{ width: `${(100 * Math.abs(value)) / most}%` }}
                />
              </span>
            </td>
            <td class="number">
              {value > 0 ? '+' : value < 0 ? '−' : ''}
              {short(Math.abs(value))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
