import type { JSX } from 'preact'
import { Scroll } from '../components/scroll.tsx'
import { showMs } from '../format.ts'
import type { Trace } from '../private/types.ts'

interface Part {
  readonly id: string
  readonly name: string
  readonly where: string
  readonly ms: number
}

/** Where the time of a prediction went, in order. What was not measured is left out. */
export function partsOf(trace: Trace): Part[] {
  const { keygenMs, uploadMs, encryptMs, roundTripMs, computeMs, waitMs = 0, warmMs = 0, decryptMs } = trace
  const network = computeMs === undefined ? undefined : Math.max(0, roundTripMs - computeMs - waitMs - warmMs)
  const parts: [string, string, string, number | undefined][] = [
    ['keys', 'Making keys', 'this browser', keygenMs],
    ['upload', 'Uploading evaluation keys', 'network', uploadMs],
    ['encrypt', 'Preparing and encrypting', 'this browser', encryptMs],
    [
      'network',
      network === undefined ? 'Network and server' : 'Network and HTTP',
      'network, server',
      network ?? roundTripMs,
    ],
    ['wait', 'Waiting for a thread', 'server', waitMs || undefined],
    ['warm', 'Preparing model and keys', 'server', warmMs || undefined],
    ['compute', 'Computing on ciphertexts', 'server', computeMs],
    ['decrypt', 'Decrypting', 'this browser', decryptMs],
  ]
  return parts.flatMap(([id, name, where, ms]) => (ms === undefined ? [] : [{ id, name, where, ms }]))
}

function share(part: number): string {
  return part > 0 && part < 0.01 ? '< 1 %' : `${Math.round(100 * part)} %`
}

interface TimesProps {
  readonly trace: Trace
  /** Since the page was opened. */
  readonly first: boolean
}

export function Times({ trace, first }: TimesProps): JSX.Element {
  const parts = partsOf(trace)
  const total = parts.reduce((sum, { ms }) => sum + ms, 0)
  return (
    <section class="sheet stack-s" aria-labelledby="times-title">
      <div class="row spread">
        <h2 id="times-title">Where {showMs(total)} went</h2>
        {trace.keygenMs !== undefined && <span class="small soft">keys are made once; the next one is faster</span>}
      </div>
      <div class="time" aria-hidden="true">
        {parts.map(({ id, ms }) => (
          <span key={id} class={`bg-${id}`} style={{ flexGrow: ms, flexBasis: 0 }} />
        ))}
      </div>
      <Scroll label="Parts of the time of this prediction">
        <table class="table small">
          <caption class="unseen">Parts of the time of this prediction</caption>
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
      {(first || (trace.warmMs ?? 0) > 1) && (
        <p class="small soft">The first run of a model is slower: code is compiled, and what it needs is read.</p>
      )}
    </section>
  )
}
