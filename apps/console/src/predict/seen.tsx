import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { ClosedBox, Server } from '../components/icons.tsx'
import { Pixels } from '../components/pixels.tsx'
import { Scroll } from '../components/scroll.tsx'
import { plural, showBytes, showCount, showMs } from '../format.ts'
import type { Chosen } from '../inputs/types.ts'
import type { ModelInfo, Trace } from '../private/types.ts'
import { entropy, hexDump, noisePicture, wireOf } from '../private/wire.ts'

/** Of a ciphertext, in hexadecimal. */
const hexBytes = 256
/** The frame and its digest come first and are no secret; then ciphertext. */
const pictureBytes = 3600
/** Characters of an input. */
const shownWords = 1500

interface SeenProps {
  readonly info: ModelInfo
  readonly trace: Trace | undefined
  readonly chosen: Chosen | undefined
}

/** What leaves this browser and what the server sees of a prediction: taken from the very bytes that were sent. */
export function Seen({ info, trace, chosen }: SeenProps): JSX.Element {
  return (
    <section class="sheet there stack" aria-labelledby="seen-title">
      <h2 class="side-title" id="seen-title">
        <Server /> There: what the server sees
      </h2>
      {trace ? (
        <SeenBytes info={info} trace={trace} chosen={chosen} />
      ) : (
        <div class="waiting-there">
          <ClosedBox />
          <p>
            Nothing yet. It will get ciphertexts, compute on them with its model, and send back a ciphertext that only
            you can open.
          </p>
        </div>
      )}
    </section>
  )
}

interface SeenBytesProps extends SeenProps {
  readonly trace: Trace
}

function SeenBytes({ info, trace, chosen }: SeenBytesProps): JSX.Element {
  const { header, noise } = useMemo(() => wireOf(trace.query), [trace])
  const shown = noise.subarray(Math.max(0, noise.length - pictureBytes))
  const bits = entropy(shown)
  const { uploadBytes, replyBytes, keyBytes, keysDigest, computeMs } = trace
  return (
    <div class="stack">
      <dl class="facts">
        <dt>Query</dt>
        <dd data-testid="upload-bytes" data-bytes={uploadBytes}>
          {showBytes(uploadBytes)} ({showCount(uploadBytes)} bytes) for {plural(info.inputSize, 'encrypted number')}
        </dd>
        <dt>Reply</dt>
        <dd>
          {showBytes(replyBytes)} ({showCount(replyBytes)} bytes), encrypted under your key
        </dd>
        <dt>Evaluation keys</dt>
        <dd>
          {keyBytes > 0
            ? `${showBytes(keyBytes)}, sent once`
            : keysDigest
              ? 'uploaded before, known by their digest'
              : 'none needed'}
          {keysDigest && (
            <>
              <br />
              <code>{keysDigest.slice(0, 16)}…</code>
            </>
          )}
        </dd>
        <dt>Computed for</dt>
        <dd>{computeMs === undefined ? 'it does not say' : showMs(computeMs)}</dd>
        <dt>Your input</dt>
        <dd>
          <strong>never</strong>
        </dd>
      </dl>
      <div class="noise">
        <figure class="mine">
          {chosen?.picture ? (
            <Pixels picture={chosen.picture} label="Your input as a picture, which stayed in this browser" />
          ) : (
            <Scroll label="Your input, which stayed in this browser" class="yours">
              <pre>{chosen?.words?.slice(0, shownWords) ?? '–'}</pre>
            </Scroll>
          )}
          <figcaption>Yours, for comparison: it stayed in your browser.</figcaption>
        </figure>
        <figure>
          <Pixels picture={noisePicture(shown)} label="Bytes of the query as grey pixels: noise" />
          <figcaption>
            What was sent: {showCount(shown.length)} of its bytes, a pixel each. {bits.toFixed(2)} bits of entropy per
            byte; as many random bytes have {(8 - 255 / (2 * shown.length * Math.LN2)).toFixed(2)}.
          </figcaption>
        </figure>
      </div>
      <details>
        <summary>The bytes in hexadecimal</summary>
        <Scroll label="Bytes of the query in hexadecimal" class="hex">
          <pre>{hexDump(shown, hexBytes)}</pre>
        </Scroll>
      </details>
      <details>
        <summary>Its header, in the clear</summary>
        <Scroll label="Header of the request" class="hex json">
          <pre>{pretty(header)}</pre>
        </Scroll>
      </details>
      <p class="small soft">
        It also learns your network address, the model that you asked for, when, and these sizes; they are the same for
        every input.
      </p>
    </div>
  )
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2)
  } catch {
    return json
  }
}
