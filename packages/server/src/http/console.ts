import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import type { Context } from 'hono'
import type { Env } from './context.ts'

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  webmanifest: 'application/manifest+json',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
  txt: 'text/plain; charset=utf-8',
}

/** The page may compile WebAssembly and run workers of its own, threads too (COOP, COEP); it may speak to this server alone. */
const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
}

interface StaticFile {
  readonly body: Uint8Array<ArrayBuffer>
  readonly type: string
  readonly etag: string
  /** Its name holds a hash of what is in it. */
  readonly hashed: boolean
}

/** Larger folders are no console. */
const mostBytes = 64 * 2 ** 20

/** Answers with a file of the console, or its page; undefined where that is not what was asked for. */
export type Console = (c: Context<Env>) => Response | undefined

/**
 * The files of a folder, read once: what is served is what was in it, and no path leads out of it. A page (a GET that takes HTML and is no file) is
 * index.html. Throws GloveboxError `not-found` where there is none.
 */
export function openConsole(folder: string): Console {
  const files = new Map<string, StaticFile>()
  let total = 0
  let names: string[]
  try {
    names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  } catch (cause) {
    throw new GloveboxError('not-found', `the folder of the console (GLOVEBOX_CONSOLE) ${folder} cannot be read`, {
      cause,
    })
  }
  for (const name of names) {
    const body = new Uint8Array(readFileSync(name))
    total += body.length
    if (total > mostBytes)
      throw new GloveboxError('too-large', `the folder of the console ${folder} has more than ${mostBytes} bytes`)
    const path = `/${name.slice(join(folder, '/').length).replaceAll('\\', '/')}`
    const type = types[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ''] ?? 'application/octet-stream'
    const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`
    files.set(path, { body, type, etag, hashed: path.startsWith('/assets/') })
  }
  const page = files.get('/index.html')
  if (!page) throw new GloveboxError('not-found', `the folder of the console ${folder} has no index.html: build it`)

  return (c) => {
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return undefined
    const { path } = c.req
    const wantsPage = path === '/' || (c.req.header('accept') ?? '').includes('text/html')
    const file = files.get(path) ?? (wantsPage && !path.startsWith('/assets/') ? page : undefined)
    if (!file) return undefined
    for (const [name, value] of Object.entries(pageHeaders)) c.header(name, value)
    c.header('content-type', file.type)
    c.header('etag', file.etag)
    c.header('cache-control', file.hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    if (c.req.header('if-none-match') === file.etag) return c.body(null, 304)
    c.header('content-length', String(file.body.length))
    return c.req.method === 'HEAD' ? c.body(null) : c.body(file.body)
  }
}
