import type { JSX } from 'preact'
import { type TimePart, TimeParts } from '../components/time-parts.tsx'
import { showMs } from '../format.ts'
import type { Trace } from './types.ts'

/** Where the time of a check went, in order. What took none is left out. */
function partsOf({ ms }: Trace): TimePart[] {
  const parts: readonly (readonly [string, string, string, number])[] = [
    ['harden', 'Slow hash', 'this browser', ms.harden],
    ['blind', 'Blinding and unblinding', 'this browser', ms.blind],
    ['wait', 'Its key, blindly', 'server', ms.evaluate],
    ['keys', 'Making keys', 'this browser', ms.keygen],
    ['upload', 'Uploading keys', 'network', ms.keys],
    ['encrypt', 'Encrypting', 'this browser', ms.encrypt],
    ['network', 'Network and HTTP', 'network', ms.network],
    ['compute', 'Comparing, on ciphertexts', 'server', ms.compare],
    ['decrypt', 'Decrypting', 'this browser', ms.decrypt],
  ]
  return parts.filter(([, , , part]) => part > 0).map(([id, name, where, part]) => ({ id, name, where, ms: part }))
}

interface TimesProps {
  readonly trace: Trace
  /** Of this visit. */
  readonly first: boolean
}

export function CheckTimes({ trace, first }: TimesProps): JSX.Element {
  const parts = partsOf(trace)
  return (
    <section class="sheet stack-s" aria-labelledby="times-title">
      <h2 id="times-title">Where {showMs(parts.reduce((sum, { ms }) => sum + ms, 0))} went</h2>
      <TimeParts parts={parts} of="this check" />
      {first && <p class="small soft">The first check is slower: code is compiled, and keys are made and sent once.</p>}
    </section>
  )
}
