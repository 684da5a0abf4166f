import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { SetSummary } from '../api/sets.ts'
import { ClosedBox, Server } from '../components/icons.tsx'
import { Pixels } from '../components/pixels.tsx'
import { Scroll } from '../components/scroll.tsx'
import { showBytes, showCount, showMs } from '../format.ts'
import { entropy, hexDump, noisePicture } from '../private/wire.ts'
import { bodiesOf, isBlinded, isKeys, isQuery } from './sent.ts'
import type { Answer, SentRequest, Trace } from './types.ts'

/** In hexadecimal. */
const hexBytes = 256
/** Of a query: its frame comes first and is no secret, the ciphertexts follow. */
const frameBytes = 256
const pictureBytes = 3600

interface SeenProps {
  readonly set: SetSummary
  readonly answer: Answer | undefined
}

/** What leaves this browser and what the server sees of a check: taken from the very bytes that were sent. */
export function Seen({ set, answer }: SeenProps): JSX.Element {
  return (
    <section class="sheet there stack" aria-labelledby="seen-title">
      <h2 class="side-title" id="seen-title">
        <Server /> There: what the server sees
      </h2>
      {answer ? (
        <SeenBytes set={set} trace={answer.trace} />
      ) : (
        <div class="waiting-there">
          <ClosedBox />
          <p>
            Nothing yet. It will get a point that could belong to any {nameOf(set)} at all, then a ciphertext, and
            compare that with everything in its list, without learning with what.
          </p>
        </div>
      )}
    </section>
  )
}

function SeenBytes({ set, trace }: { readonly set: SetSummary; readonly trace: Trace }): JSX.Element {
  const blinded = trace.sent.find(isBlinded)
  const query = trace.sent.find(isQuery)
  const keys = trace.sent.find(isKeys)
  const { asked, came } = bodiesOf(trace)
  return (
    <div class="stack">
      <dl class="facts">
        <dt>You sent</dt>
        <dd data-testid="upload-bytes" data-bytes={asked}>
          {showBytes(asked)} ({showCount(asked)} bytes){keys && `, and ${showBytes(keys.bytes)} of keys, once`}
        </dd>
        <dt>Came back</dt>
        <dd>{showBytes(came)}, encrypted under your key</dd>
        <dt>Compared with</dt>
        <dd>
          {set.params.prefixBits === 0
            ? `all of about ${showCount(set.items)} entries`
            : `one of ${showCount(2 ** set.params.prefixBits)} buckets, of about ${showCount(set.items)} entries in all`}
          {trace.ms.compare > 0 && ` in ${showMs(trace.ms.compare)}`}
        </dd>
        <dt>Told of {set.kind === 'passwords' ? 'your password' : 'what you asked'}</dt>
        <dd>
          <strong>
            {set.params.prefixBits === 0 ? 'nothing' : `${set.params.prefixBits} bits of a pseudorandom number`}
          </strong>
        </dd>
        <dt>The answer</dt>
        <dd>
          <strong>it never knows</strong>
        </dd>
      </dl>
      {blinded && <Blinded request={blinded} />}
      {query && <Query request={query} />}
      <details>
        <summary>All requests of this check</summary>
        <Scroll label="Requests of this check" class="hex">
          <pre>{trace.sent.map(lineOf).join('\n')}</pre>
        </Scroll>
      </details>
      <p class="small soft">
        It also learns your network address, when you ask, and how many things: the same for every one.
      </p>
    </div>
  )
}

/** First message: a point, blinded anew every time. */
function Blinded({ request }: { readonly request: SentRequest }): JSX.Element {
  return (
    <div class="stack-s">
      <h3>First: a blinded point</h3>
      <Scroll label="The blinded point in hexadecimal" class="hex">
        <pre data-testid="blinded">{hexDump(request.head, Math.min(64, request.head.length))}</pre>
      </Scroll>
      <p class="small soft">
        {showCount(request.bytes)} bytes: a hash to a curve, times a random number of this browser. Asked again, it is
        another point.
      </p>
    </div>
  )
}

/** Second message: ciphertexts. */
function Query({ request }: { readonly request: SentRequest }): JSX.Element {
  const shown = useMemo(() => request.head.subarray(frameBytes, frameBytes + pictureBytes), [request])
  return (
    <div class="stack-s">
      <h3>Then: an encrypted query</h3>
      <div class="noise">
        <figure>
          <Pixels picture={noisePicture(shown)} label="Bytes of the query as grey pixels: noise" />
        </figure>
        <p class="small soft noise-words">
          {showCount(shown.length)} of its {showCount(request.bytes)} bytes, a pixel each. {entropy(shown).toFixed(2)}{' '}
          bits of entropy per byte; as many random bytes have {(8 - 255 / (2 * shown.length * Math.LN2)).toFixed(2)}.
        </p>
      </div>
      <details>
        <summary>The bytes in hexadecimal</summary>
        <Scroll label="Bytes of the query in hexadecimal" class="hex">
          <pre data-testid="query">{hexDump(shown, hexBytes)}</pre>
        </Scroll>
      </details>
    </div>
  )
}

function lineOf({ method, path, bytes, replyBytes, ms }: SentRequest): string {
  const short = path.replace(/([0-9a-f]{8})[0-9a-f]{24,}/, '$1…')
  return `${method} ${short}\n  ${showCount(bytes)} bytes, ${showCount(replyBytes)} back, ${showMs(ms)}`
}

function nameOf({ kind }: SetSummary): string {
  return kind === 'passwords' ? 'password' : kind === 'domains' ? 'domain' : kind === 'credentials' ? 'pair' : 'item'
}
