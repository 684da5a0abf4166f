import type { JSX } from 'preact'
import { showMs } from '../format.ts'
import { Scroll } from './scroll.tsx'

/** A part of a time; `id` names its colour. */
export interface TimePart {
  readonly id: string
  readonly name: string
  readonly where: string
  readonly ms: number
}

/** The whole as a bar, and its parts in a table. */
export function TimeParts({ parts, of }: { readonly parts: readonly TimePart[]; readonly of: string }): JSX.Element {
  const total = parts.reduce((sum, { ms }) => sum + ms, 0)
  return (
    <>
      <div class="time" aria-hidden="true">
        {parts.map(({ id, ms }) => (
          <span key={id} class={`bg-${id}`} style={{ flexGrow: ms, flexBasis: 0 }} />
        ))}
      </div>
      <Scroll label={`Parts of the time of ${of}`}>
        <table class="table small">
          <caption class="unseen">Parts of the time of {of}</caption>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col" class="wide-only">
                Where
              </th>
              <th scope="col" class="number">
                Time
              </th>
              <th scope="col" class="number">
                Share
              </th>
            </tr>
          </thead>
          <tbody>
            {parts.map(({ id, name, where, ms }) => (
              <tr key={id}>
                <th scope="row">
                  <span class={`swatch bg-${id}`} aria-hidden="true" />
                  {name}
                </th>
                <td class="wide-only">{where}</td>
                <td class="number">{showMs(ms)}</td>
                <td class="number">{share(ms / total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}

function share(part: number): string {
  return part > 0 && part < 0.01 ? '< 1 %' : `${Math.round(100 * part)} %`
}
