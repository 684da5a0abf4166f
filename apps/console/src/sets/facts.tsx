import type { JSX } from 'preact'
import type { SetSummary } from '../api/sets.ts'
import { showCount } from '../format.ts'

/** How a set is asked, for those who want to know. */
export function Facts({ set }: { readonly set: SetSummary }): JSX.Element {
  const { params, hardening, oprf, epoch, items, labels } = set
  const { ringDegree, modulusBits, specialBits } = params.he
  const bits = [...modulusBits, ...specialBits].reduce((sum, own) => sum + own, 0)
  return (
    <details>
      <summary>How this list is asked</summary>
      <dl class="facts">
        <dt>List</dt>
        <dd>
          “{set.name}”, about {showCount(items)} {set.kind}
          {labels > 0 && `, with labels of up to ${labels} bytes`}
        </dd>
        <dt>First, here</dt>
        <dd>
          {hardening.algorithm === 'none'
            ? 'no slow hash'
            : `${hardening.algorithm}${hardening.N ? `, N = ${showCount(hardening.N)}` : ''}`}
          ; then it is hashed to ristretto255 and blinded (RFC 9497, {oprf.mode.toUpperCase()})
        </dd>
        <dt>Then</dt>
        <dd>
          BFV, ring of {showCount(ringDegree)}, {bits} bits in all, method “{params.method}”
        </dd>
        <dt>Told</dt>
        <dd>{params.prefixBits === 0 ? 'nothing' : `the bucket, one of ${showCount(2 ** params.prefixBits)}`}</dd>
        <dt>Key of the server</dt>
        <dd>
          epoch {epoch}, <code class="wrap">{oprf.publicKey}</code>
        </dd>
      </dl>
    </details>
  )
}
