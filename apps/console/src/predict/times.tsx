import type { JSX } from 'preact'
import { type TimePart, TimeParts } from '../components/time-parts.tsx'
import { showMs } from '../format.ts'
import type { Trace } from '../private/types.ts'

/** Where the time of a prediction went, in order. What was not measured is left out. */
export function partsOf(trace: Trace): TimePart[] {
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
      <TimeParts parts={parts} of="this prediction" />
      {(first || (trace.warmMs ?? 0) > 1) && (
        <p class="small soft">The first run of a model is slower: code is compiled, and what it needs is read.</p>
      )}
    </section>
  )
}
