import { Readable } from 'node:stream'
import type { Context } from 'hono'
import type { FileName, OpenFile } from '../registry/registry.ts'
import type { Env, Services } from './context.ts'
import { modelPaths, versionOf } from './oip.ts'
import type { Define } from './route.ts'
import { digestSchema } from './schemas.ts'

const files: readonly (readonly [path: string, file: FileName, type: string, id: string, summary: string])[] = [
  [
    'client',
    'client.gbx',
    'application/octet-stream',
    'clientPart',
    'The client part: what a client encrypts and decrypts with',
  ],
  ['card', 'card.md', 'text/markdown; charset=utf-8', 'modelCard', 'The model card'],
  ['examples', 'examples.json', 'application/json', 'modelExamples', 'Inputs to try the model with'],
]

/** Public files of versions. The server part is not among them. */
export function defineFiles(define: Define, { registry }: Services): void {
  for (const [base, params, suffix] of modelPaths)
    for (const [path, file, type, id, summary] of files)
      define(
        {
          method: 'get',
          path: `${base}/${path}`,
          id: `${id}${suffix}`,
          tag: 'Models',
          summary,
          need: 'any',
          params,
          replies: {
            200: {
              description:
                'The file. "glovebox-model-version" says of which version it is, "etag" its SHA-256 (of the client part: the digest of the program).',
              content: type.split(';')[0]!,
            },
            304: { description: 'As "if-none-match" has it.' },
          },
        },
        async ({ c, principal, params }) => {
          const version = await registry.resolve(principal, params.name, versionOf(params))
          c.header('glovebox-model-version', String(version.version))
          const reference = version.files[file]
          const etag = `"${file === 'client.gbx' ? version.digest : (reference?.sha256 ?? '')}"`
          c.header('etag', etag)
          c.header('cache-control', 'private, no-cache')
          if (reference && c.req.header('if-none-match') === etag) return c.body(null, 304)
          return sendFile(c, await registry.file(principal, params.name, String(version.version), file), type)
        },
      )
  define(
    {
      method: 'get',
      path: '/v2/blobs/{sha256}',
      id: 'getBlob',
      tag: 'Models',
      summary: 'A public file of a version that the caller may use, by its digest; never a server part',
      need: 'any',
      params: { sha256: digestSchema },
      replies: { 200: { description: 'The file.', content: 'application/octet-stream' } },
    },
    async ({ c, principal, params }) => {
      const file = await registry.blob(principal, params.sha256)
      c.header('etag', `"${params.sha256}"`)
      c.header('cache-control', 'private, max-age=31536000, immutable')
      return sendFile(c, file, 'application/octet-stream')
    },
  )
}

/** A stream of known length. */
export function sendFile(c: Context<Env>, { bytes, body }: Pick<OpenFile, 'bytes' | 'body'>, type: string): Response {
  c.header('content-type', type)
  c.header('content-length', String(bytes))
  if (c.req.method === 'HEAD') return c.body(null, 200)
  return c.body(Readable.toWeb(Readable.from(body, { objectMode: false })) as ReadableStream<Uint8Array>, 200)
}
