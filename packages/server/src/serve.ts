import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GloveboxError } from '@glovebox/he'
import { createAdaptorServer } from '@hono/node-server'
import type { Logger } from 'pino'
import { openPool } from './compute/pool.ts'
import { createApp } from './http/app.ts'
import { defaultLimits, type Limits } from './http/limits.ts'
import { createRegistry, type Model } from './registry/registry.ts'

/** What `serve` may be told. */
export interface ServeOptions {
  /** Default 127.0.0.1: only this machine. There is no TLS here; put a proxy in front before opening it to others. */
  readonly host?: string
  /** Default 8080; 0 takes a free one. */
  readonly port?: number
  /** Threads that compute; default 1. */
  readonly threads?: number
  /** What it accepts; default: `defaultLimits`. */
  readonly limits?: Partial<Limits>
}

/** A service that listens. */
export interface Service {
  /** With the port that was really taken. */
  readonly url: string
  /** Takes no more requests, lets those that run finish (10 s at most), then ends the threads. */
  close(): Promise<void>
}

const graceMs = 10_000

/** Serves models over HTTP. Throws GloveboxError `unavailable` where the port cannot be had. */
export async function serve(models: readonly Model[], log: Logger, options: ServeOptions = {}): Promise<Service> {
  const { host = '127.0.0.1', port = 8080, threads = 1 } = options
  const limits: Limits = { ...defaultLimits, ...options.limits }
  const registry = createRegistry(models)
  const compute = openPool(models, { threads, queue: limits.queue, keyMemory: limits.threadKeyMemory }, log)
  const app = createApp(registry, compute, log, limits)
  const server = createAdaptorServer({ fetch: app.fetch, hostname: host }) as Server
  try {
    await Promise.all([listen(server, host, port), compute.started])
  } catch (error) {
    server.close()
    await compute.close()
    throw error
  }
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    async close() {
      const late = setTimeout(() => server.closeAllConnections(), graceMs)
      await new Promise((resolve) => server.close(resolve))
      clearTimeout(late)
      await compute.close()
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
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
