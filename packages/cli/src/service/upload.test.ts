import { createHash } from 'node:crypto'
import { GloveboxError } from '@glovebox/he'
import { expect, test } from 'vitest'
import type { Api, ApiAnswer, ApiRequest } from './api.ts'
import { uploadBlob } from './upload.ts'

const part = 8 * 2 ** 20

/** A service that takes parts as the protocol has it, and fails where it is told to: `fail` sees every request, in order. */
function fake(bytes: Uint8Array, fail: (request: number, method: string) => 'before' | 'after' | undefined, here = 0) {
  let held = here
  let whole = false
  let requests = 0
  const received: number[] = []
  const answer = (status: number, offset?: number): ApiAnswer => ({
    status,
    headers: new Headers(offset === undefined ? {} : { 'upload-offset': String(offset) }),
    body: new Uint8Array(),
  })
  const api: Pick<Api, 'request' | 'url'> = {
    url: 'http://fake',
    async request(method: string, _path: string, { body, headers = {} }: ApiRequest = {}) {
      const failure = fail(++requests, method)
      const broken = new GloveboxError('unavailable', 'the line is dead')
      if (failure === 'before') throw broken
      if (method === 'HEAD') return whole ? answer(200) : answer(404, held)
      if (Number(headers['upload-offset']) !== held) return answer(409, held)
      expect(headers['upload-length']).toBe(String(bytes.length))
      expect(Buffer.compare(body!, bytes.subarray(held, held + body!.length))).toBe(0)
      held += body!.length
      received.push(body!.length)
      if (held === bytes.length) whole = true
      if (failure === 'after') throw broken
      return whole ? answer(201, held) : answer(204, held)
    },
  }
  return { api: api as Api, received, isWhole: () => whole, requests: () => requests }
}

const bytes = new Uint8Array(2.5 * part).map((_, i) => i % 251)
const blob = { name: 'x', bytes, sha256: createHash('sha256').update(bytes).digest('hex') }

const upload = (api: Api): Promise<number> => uploadBlob(api, blob, undefined, 1)

test('goes up in parts of at most 8 MiB, once', async () => {
  const { api, received, isWhole } = fake(bytes, () => undefined)
  expect(await upload(api)).toBe(bytes.length)
  expect(received).toEqual([part, part, part / 2])
  expect(isWhole()).toBe(true)
  expect(await upload(api)).toBe(0)
})

test.each([
  ['before a part arrives', 'before'],
  ['after it arrived, with the answer lost', 'after'],
] as const)('a connection that breaks %s is taken up where it ended', async (_, when) => {
  for (const broken of [2, 3, 4]) {
    const { api, received, isWhole } = fake(bytes, (request) => (request === broken ? when : undefined))
    await upload(api)
    expect(received).toEqual([part, part, part / 2])
    expect(isWhole()).toBe(true)
  }
})

test('what an earlier call has left there is not sent again', async () => {
  const { api, received } = fake(bytes, () => undefined, part)
  expect(await upload(api)).toBe(bytes.length - part)
  expect(received).toEqual([part, part / 2])
})

test('gives up after some attempts, and at once where it is refused', async () => {
  const dead = fake(bytes, () => 'before')
  await expect(upload(dead.api)).rejects.toThrow('the line is dead')
  expect(dead.requests()).toBe(5)
  let asked = 0
  const refusing = {
    url: 'http://fake',
    async request(): Promise<never> {
      asked++
      throw new GloveboxError('unauthorised', 'no')
    },
  }
  await expect(upload(refusing as unknown as Api)).rejects.toThrow('no')
  expect(asked).toBe(1)
})
