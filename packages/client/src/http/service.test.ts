import { expect, test } from 'vitest'
import { connect } from '../connect.ts'
import { glovebox } from '../sdk/node.ts'
import { memoryStorage } from '../storage/memory.ts'
import { outsideOf } from '../thread/backend.ts'
import { openService } from './service.ts'

test.each([
  'https://anna:geheim@there',
  'https://geheim@there',
  'https://there/?token=geheim',
  'https://there/#geheim',
  'anna:geheim@there',
  'ftp://anna:geheim@there',
])('an address is host and path, and what else it holds is not repeated: %s', (address) => {
  for (const open of [(url: string) => openService(url, fetch), connect, glovebox]) {
    expect(() => open(address)).toThrow(TypeError)
    expect(() => open(address)).not.toThrow(/geheim/)
  }
})

test('what a server says is one line of text: a terminal obeys nothing in it', async () => {
  const said = 'no\u001b[2Jthing\nhere\u009b31m\u202eback'
  for (const status of [400, 500]) {
    const service = openService('http://there', async () => Response.json({ error: said }, { status }))
    await expect(service.request('GET', '/')).rejects.toMatchObject({
      message: 'the server at http://there says: no [2Jthing here 31m back',
    })
  }
})

test('an answer without end is given up, through a fetch of the caller too', async () => {
  let sent = 0
  const piece = new Uint8Array(2 ** 24)
  const endless = async (): Promise<Response> => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent > 2 ** 29) return controller.error(new Error('it was all read'))
        sent += piece.length
        controller.enqueue(piece)
      },
    })
    return new Response(body)
  }
  const given = outsideOf(endless, undefined).fetch!
  await expect(given({ url: 'http://there', method: 'GET', headers: {}, body: undefined }, {})).rejects.toMatchObject({
    code: 'too-large',
  })
})

test.each(['no JSON', 'null', '3', '{"models": 3}', '{"models": [null]}', '{"models": [{"name": 3}]}'])(
  'a list that is none is said to be malformed: %s',
  async (text) => {
    await using service = glovebox('http://there', {
      worker: false,
      keys: memoryStorage(),
      fetch: async () => new Response(text),
    })
    await expect(service.list()).rejects.toMatchObject({ code: 'malformed' })
  },
)
