import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One exchange as whoever stands at the server sees it. */
export interface Exchange {
  readonly method: string
  readonly path: string
  /** Names and values in the order in which they came. */
  readonly headers: readonly string[]
  readonly body: Buffer
  readonly status: number
  readonly replyHeaders: readonly string[]
  readonly replyBytes: number
}

export interface RecordingProxy extends AsyncDisposable {
  readonly url: string
  /** What was said since the last look. */
  take(): Exchange[]
}

const whole = async (stream: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Hands all on to a server on this machine, and writes it down. */
export async function openRecordingProxy(target: string): Promise<RecordingProxy> {
  let said: Exchange[] = []
  const { port: targetPort } = new URL(target)
  const server = createServer(async (incoming, outgoing) => {
    const body = await whole(incoming)
    const { method, url, rawHeaders } = incoming
    const answered = request(
      { host: '127.0.0.1', port: targetPort, method, path: url, headers: rawHeaders },
      async (answer) => {
        const reply = await whole(answer)
        said.push({
          method: method!,
          path: url!,
          headers: rawHeaders,
          body,
          status: answer.statusCode!,
          replyHeaders: answer.rawHeaders,
          replyBytes: reply.length,
        })
        outgoing.writeHead(answer.statusCode!, answer.rawHeaders)
        outgoing.end(reply)
      },
    )
    answered.on('error', () => outgoing.destroy())
    answered.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const all = said
      said = []
      return all
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
