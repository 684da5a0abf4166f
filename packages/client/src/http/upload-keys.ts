import { GloveboxError } from '@glovebox/he'
import { type Clock, delayOf, isPassing, retrying } from './retry.ts'
import { Refusal, type Service } from './service.ts'

/** What goes in one request at once: 4 MiB. */
const wholeBytes = 2 ** 22
/** Of one part, at most what services take: 8 MiB. What a lost connection costs is at most this. A service that takes less gets less, down to 256 KiB. */
const [defaultPartBytes, leastPartBytes] = [2 ** 23, 2 ** 18]
/** For a HEAD, and for a part. */
const headMs = 30_000
const partMs = 120_000
/** Answers in a row that do not take an upload further. */
const mostIdle = 5

export interface UploadOptions {
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Time without progress in which it is tried again. */
  readonly retryMs: number
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Of one part, to begin with; default 8 MiB. */
  readonly partBytes?: number
}

/** Bytes that went up; 0 where the server had the keys. */
export type Uploaded = number

/**
 * Brings evaluation keys to a server, unless they are there. Where the server takes parts, an upload that was broken off goes on where it ended; the bytes
 * are asked for only where any have to go.
 */
export async function uploadKeys(
  service: Service,
  digest: string,
  bytesOf: () => Promise<Uint8Array<ArrayBuffer>>,
  options: UploadOptions,
): Promise<Uploaded> {
  const path = `/v2/keys/${digest}`
  const first = await retrying(() => offsetOf(service, path, options.signal), options)
  if (first === 'whole') return 0
  const bytes = await bytesOf()
  const whole = bytes.length <= Math.min(wholeBytes, options.partBytes ?? wholeBytes) && (first ?? 0) === 0
  if (first === undefined || whole) {
    options.onProgress?.(0, bytes.length)
    await retrying(
      () => service.request('PUT', path, { body: bytes, signal: options.signal, headers: binary }),
      options,
    )
    options.onProgress?.(bytes.length, bytes.length)
    return bytes.length
  }
  return inParts(service, path, bytes, first, options)
}

const binary = { 'content-type': 'application/octet-stream' } as const

/** How much is there: all, so many bytes, or undefined from a server that takes no parts. */
async function offsetOf(
  service: Service,
  path: string,
  signal: AbortSignal | undefined,
): Promise<'whole' | number | undefined> {
  const { status, headers } = await service.request('HEAD', path, { signal, accept: [404], timeoutMs: headMs })
  return status === 404 ? readOffset(headers) : 'whole'
}

function readOffset(headers: Headers): number | undefined {
  const text = headers.get('upload-offset')
  return text !== null && /^[0-9]{1,12}$/.test(text) ? Number(text) : undefined
}

async function inParts(
  service: Service,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  { clock, signal, retryMs, onProgress, partBytes = defaultPartBytes }: UploadOptions,
): Promise<number> {
  let offset = start
  let size = partBytes
  let furthest = start
  let sent = 0
  let idle = 0
  let turn = 0
  let firstFailure: number | undefined
  /** Goes on where the server says; true where all is there. */
  const goOn = (found: number | 'whole' | undefined): boolean => {
    if (found === 'whole') return true
    if (found === undefined || found > bytes.length)
      throw new GloveboxError('malformed', `the server at ${service.url} does not say where the upload goes on`)
    if (found > offset) [turn, firstFailure] = [0, undefined]
    // A server that says now this, now that gets nowhere either.
    if (found > furthest) [furthest, idle] = [found, 0]
    else if (found <= offset && ++idle > mostIdle)
      throw new GloveboxError('unavailable', `the server at ${service.url} takes no more of the evaluation keys`)
    offset = found
    return false
  }
  for (;;) {
    onProgress?.(offset, bytes.length)
    try {
      const body = bytes.subarray(offset, offset + size)
      const headers = { ...binary, 'upload-offset': String(offset), 'upload-length': String(bytes.length) }
      const answer = await service.request('PATCH', path, {
        body,
        headers,
        signal,
        accept: [409],
        timeoutMs: partMs,
      })
      if (answer.status !== 409) sent += body.length
      if (answer.status === 201 || answer.status === 200) break
      if (goOn(readOffset(answer.headers))) break
    } catch (error) {
      if (error instanceof Refusal && error.status === 413 && size / 2 >= leastPartBytes) {
        size /= 2
        continue
      }
      if (!isPassing(error)) throw error
      firstFailure ??= clock.now()
      const delay = delayOf(turn++, error, clock)
      if (clock.now() + delay - firstFailure > retryMs) throw error
      await clock.pause(delay, signal)
      // The part may have arrived, and only its answer been lost.
      try {
        if (goOn(await offsetOf(service, path, signal))) break
      } catch (again) {
        if (!isPassing(again)) throw again
      }
    }
  }
  onProgress?.(bytes.length, bytes.length)
  return sent
}
