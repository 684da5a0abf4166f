import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Env } from './context.ts'
import type { Define } from './route.ts'
import { anyObject } from './schemas.ts'
import { serverName, serverVersion } from './version.ts'

/** `GET /v2/openapi.json`, made of the schemas that requests are checked by. */
export function defineDocument(app: OpenAPIHono<Env>, define: Define): void {
  let document: ReturnType<typeof app.getOpenAPI31Document> | undefined
  define(
    {
      method: 'get',
      path: '/v2/openapi.json',
      id: 'openapi',
      tag: 'Administration',
      summary: 'This document',
      need: 'public',
      replies: { 200: { description: 'OpenAPI 3.1.', content: anyObject('OpenApi', 'An OpenAPI document.') } },
    },
    ({ c }) => {
      document ??= app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: serverName,
          version: serverVersion,
          description:
            'Private predictions: the server computes on ciphertexts and never holds a secret key. Queries and replies are binary; use @glovebox/client.',
          license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
        },
      })
      return c.json(document)
    },
  )
}
