import { GloveboxError } from '@glovebox/he'
import type { Blob } from '../model-folder.ts'
import type { Api } from './api.ts'

/** What a service takes in one part. */
const partBytes = 8 * 2 ** 20
const attempts = 5

/**
 * Uploads a blob by its digest, unless it is there; what a broken connection has left is taken up where it ended. Gives how many bytes went over.
 */
export async function uploadBlob(
  api: Api,
  { sha256, bytes }: Blob,
  onProgress: (done: number) => void = () => undefined,
  pauseMs = 100,
): Promise<number> {
  const path = `/v2/blobs/${sha256}`
  let sent = 0
  for (let attempt = 1; ; attempt++) {
    try {
      const head = await api.request('HEAD', path, { accept: [404] })
      if (head.status !== 404) return sent
      let offset = offsetOf(head.headers, bytes.length) ?? 0
      while (offset < bytes.length) {
        const part = bytes.subarray(offset, offset + partBytes)
        const answer = await api.request('PATCH', path, {
          body: part,
          headers: {
            'content-type': 'application/octet-stream',
            'upload-offset': String(offset),
            'upload-length': String(bytes.length),
          },
          accept: [409],
        })
        const next = offsetOf(answer.headers, bytes.length)
        if (answer.status === 201) {
          sent += part.length
          onProgress(bytes.length)
          return sent
        }
        if (next === undefined || (answer.status !== 409 && next <= offset))
          throw new GloveboxError('malformed', `the server at ${api.url} did not say how much of the upload it has`)
        if (answer.status !== 409) sent += part.length
        else if (next === offset)
          throw new GloveboxError('unavailable', `the server at ${api.url} takes no more of the upload`)
        offset = next
        onProgress(offset)
      }
      // All bytes are there, and it has said so in another way.
      if ((await api.request('HEAD', path, { accept: [404] })).status !== 404) return sent
      throw new GloveboxError('unavailable', `the server at ${api.url} has all of an upload, but did not take it`)
    } catch (error) {
      if (!(error instanceof GloveboxError && error.code === 'unavailable') || attempt === attempts) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs * 2 ** attempt))
    }
  }
}

function offsetOf(headers: Headers, most: number): number | undefined {
  const text = headers.get('upload-offset')
  if (text === null || !/^\d{1,15}$/.test(text)) return undefined
  const offset = Number(text)
  return offset <= most ? offset : undefined
}
