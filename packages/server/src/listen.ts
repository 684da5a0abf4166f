import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { GloveboxError } from '@glovebox/he'
import { createAdaptorServer } from '@hono/node-server'
import type { Config } from './config.ts'

/** A port that takes requests. */
export interface Door {
  /** With the port that was really taken. */
  readonly url: string
  /** Takes no more connections and lets requests finish; after `drainMs` those left are cut off. */
  close(drainMs: number): Promise<void>
}

/** For the headers of a request; bodies have clocks of their own (http/body.ts). */
const headersMs = 20_000
/** Longer than proxies keep theirs: a connection is not closed under a request that is on its way. */
const keepAliveMs = 75_000
const lookMs = 50
/** For a connection that has begun to ask, or to shake hands, when the door is closed. */
const silentMs = 1000

/** Listens with HTTP, or HTTPS with certificates. Throws GloveboxError `unavailable` where the port cannot be had, `malformed` for certificates that cannot be used. */
export async function listen(
  fetch: (request: Request, bindings: never) => Response | Promise<Response>,
  { host, port, tls }: Pick<Config, 'host' | 'port' | 'tls'>,
): Promise<Door> {
  const options = { headersTimeout: headersMs, requestTimeout: 0, keepAliveTimeout: keepAliveMs }
  const certificates = tls && (await readCertificates(tls))
  const server = create(() =>
    createAdaptorServer({
      fetch: fetch as Parameters<typeof createAdaptorServer>[0]['fetch'],
      hostname: 'localhost',
      ...(certificates
        ? { createServer: createTlsServer, serverOptions: { ...options, ...certificates } }
        : { serverOptions: options }),
    }),
  )
  const sockets = new Set<Socket>()
  const asked = new WeakSet<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  server.on(tls ? 'secureConnection' : 'connection', keep)
  // Below TLS, where a handshake may hang.
  const below = new Set<Socket>()
  if (tls)
    server.on('connection', (socket: Socket) => {
      below.add(socket)
      socket.once('close', () => below.delete(socket))
    })
  server.on('request', ({ socket }) => asked.add(socket))
  await bind(server, host, port)
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    async close(drainMs) {
      const began = performance.now()
      const closed = new Promise((resolve) => server.close(resolve))
      const look = (): void => {
        // One that has answered its last request is kept alive otherwise, and one that never asked counts as busy.
        server.closeIdleConnections()
        const over = performance.now() - began
        if (over >= drainMs) for (const socket of below) socket.destroy()
        for (const socket of sockets)
          if (over >= drainMs || (!asked.has(socket) && (socket.bytesRead === 0 || over > silentMs))) socket.destroy()
      }
      look()
      const looking = setInterval(look, lookMs)
      await closed
      clearInterval(looking)
    },
  }
}

function create(make: () => unknown): Server {
  try {
    return make() as Server
  } catch (cause) {
    throw new GloveboxError('malformed', 'the certificate and the key of TLS cannot be used together, or are no PEM', {
      cause,
    })
  }
}

async function readCertificates({
  cert,
  key,
}: NonNullable<Config['tls']>): Promise<{ cert: Buffer; key: Buffer; minVersion: 'TLSv1.2' }> {
  const read = (file: string): Promise<Buffer> =>
    readFile(file).catch((cause: NodeJS.ErrnoException) => {
      throw new GloveboxError('malformed', `the file ${file} of TLS cannot be read: ${cause.code}`, { cause })
    })
  return { cert: await read(cert), key: await read(key), minVersion: 'TLSv1.2' }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = {
        EADDRINUSE: 'it is in use',
        EACCES: 'this user may not open it',
        EADDRNOTAVAIL: 'this machine has no such address',
      }[cause.code ?? '']
      reject(
        reason
          ? new GloveboxError('unavailable', `port ${port} of ${host} cannot be opened: ${reason}`, { cause })
          : cause,
      )
    })
    server.listen(port, host, resolve)
  })
}
