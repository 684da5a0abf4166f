import { afterEach, expect, test, vi } from 'vitest'
import { digest, digestAsync } from './digest.ts'
import { decodeFrame, encodeFrame, encodeFrameAsync } from './frame.ts'

afterEach(() => vi.unstubAllGlobals())

const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i * 31)

test.each(['with Web Crypto', 'without'])('digests and frames are the same, waited for or not: %s', async (how) => {
  if (how === 'without') vi.stubGlobal('crypto', { getRandomValues: () => undefined })
  expect(await digestAsync(bytes)).toEqual(digest(bytes))
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  expect(await digestAsync(shared)).toEqual(digest(bytes))
  const owner = new Uint8Array(32).fill(7)
  const frame = await encodeFrameAsync('query', owner, bytes)
  expect(frame).toEqual(encodeFrame('query', owner, bytes))
  expect(decodeFrame(frame, 'query', { owner }).body.remaining).toBe(bytes.length)
  await expect(digestAsync('text' as never)).rejects.toThrow('"bytes" expected a Uint8Array')
})
