import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import type { Fetch } from '../src/http/service.ts'

/** A file of a bundle. */
export interface BundledFile {
  readonly name: string
  readonly code: string
  readonly gzipped: number
}

/** The client as a page loads it, with its worker, each file minified. The first is that of the page. */
export async function bundleClient(): Promise<BundledFile[]> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    root: import.meta.dirname,
    resolve: { conditions: ['@glovebox/source', 'browser', 'module'] },
    worker: { format: 'es' },
    build: {
      write: false,
      target: 'es2023',
      modulePreload: false,
      rolldownOptions: { input: join(import.meta.dirname, 'browser.entry.ts') },
    },
  })
  const output = Array.isArray(result) ? result[0]! : result
  if (!('output' in output)) throw new Error('vite gave no output')
  return output.output.map((file) => {
    const code = file.type === 'chunk' ? file.code : String(file.source)
    return { name: file.fileName, code, gzipped: gzipSync(code, { level: 9 }).length }
  })
}

export interface Page {
  readonly url: string
  /** Bodies and headers that came for the service, one after the other. */
  readonly sent: Uint8Array[]
  close(): Promise<void>
}

/** Policy of a page that allows no more than the client needs. */
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; base-uri 'none'"

/** Serves a page with the client on it, and beside it the service, on one origin. `isolated`: so that it may share memory. */
export async function servePage(
  files: readonly BundledFile[],
  service: Fetch,
  options: { readonly isolated?: boolean } = {},
): Promise<Page> {
  const sent: Uint8Array[] = []
  const server: Server = createServer(async (request, response) => {
    const path = request.url ?? '/'
    if (path.startsWith('/v2')) {
      const body = await bodyOf(request)
      sent.push(Buffer.from(`${request.method} ${path}\n${JSON.stringify(request.headers)}\n`), body)
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(
          ([name]) => !/^(host|connection|content-length|transfer-encoding)$/.test(name),
        ),
      ) as Record<string, string>
      try {
        const answer = await service(`http://service${path}`, {
          method: request.method!,
          headers,
          ...(body.length > 0 && { body }),
        })
        const bytes = Buffer.from(await answer.arrayBuffer())
        response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(bytes)
      } catch {
        response.destroy()
      }
      return
    }
    if (options.isolated)
      response
        .setHeader('cross-origin-opener-policy', 'same-origin')
        .setHeader('cross-origin-embedder-policy', 'require-corp')
    response.setHeader('content-security-policy', policy)
    const file = files.find(({ name }) => path === `/${name}`)
    response.setHeader('content-type', file ? 'text/javascript' : 'text/html')
    response.end(
      file?.code ?? `<!doctype html><title>page</title><script type="module" src="/${files[0]!.name}"></script>`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new Uint8Array(Buffer.concat(chunks))
}
