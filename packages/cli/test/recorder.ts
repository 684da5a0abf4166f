import { connect, createServer } from 'node:net'

export interface Recorder {
  readonly url: string
  /** Every byte that came from clients, connection after connection. */
  bytes(): Buffer
  close(): void
}

/** Passes bytes on to a server, whatever they are, and keeps all that goes there. */
export function record(target: string): Promise<Recorder> {
  const { hostname, port } = new URL(target)
  const connections: Buffer[][] = []
  const proxy = createServer((client) => {
    const kept: Buffer[] = []
    connections.push(kept)
    const server = connect(Number(port), hostname)
    client.on('data', (bytes) => kept.push(bytes))
    client.pipe(server).pipe(client)
    for (const socket of [client, server]) socket.on('error', () => client.destroy())
  })
  return new Promise((resolve) => {
    proxy.listen(0, '127.0.0.1', () => {
      const address = proxy.address() as { port: number }
      resolve({
        url: `http://127.0.0.1:${address.port}`,
        bytes: () => Buffer.concat(connections.map((chunks) => Buffer.concat(chunks))),
        close: () => proxy.close(),
      })
    })
  })
}
