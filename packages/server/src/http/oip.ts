import { z } from '@hono/zod-openapi'
import type { Principal } from '../access/principal.ts'
import type { ModelVersion } from '../registry/model-version.ts'
import type { Services } from './context.ts'
import { Refusal } from './errors.ts'
import { createReadiness } from './readiness.ts'
import type { Define } from './route.ts'
import { anyObject, nameSchema, versionSchema } from './schemas.ts'
import { serverName, serverVersion } from './version.ts'

/** What can be asked for: programs in CKKS and in BFV, which travel alike. */
const modelExtensions = ['he.ckks', 'he.bfv', 'binary_tensor_data', 'model_repository']
const tag = 'Open Inference Protocol'
const json = (description: string, content: z.ZodType) => ({ 200: { description, content } })

const metadataSchema = z
  .object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(z.object({ name: z.string(), datatype: z.literal('BYTES'), shape: z.array(z.int()) })),
    outputs: z.array(z.object({ name: z.string(), datatype: z.literal('BYTES'), shape: z.array(z.int()) })),
    parameters: anyObject(
      'ModelParameters',
      'version, digest of the program, params of the scheme, input_shape, output_shape, packing, needs_keys, kind, client_bytes, server_bytes.',
    ),
  })
  .openapi('ModelMetadata')
const readySchema = z.object({ ready: z.boolean() })
/** Clients ask for "ready"; the text of the protocol calls it "live" here, too. */
const serverReady = readySchema.extend({ live: z.boolean() })
const modelsSchema = z
  .object({ models: z.array(anyObject('ModelSummary', 'name, description, tags, aliases, versions.')) })
  .openapi('Models')

/** Health, metadata and what can be asked about models, after the Open Inference Protocol. */
export function defineOip(define: Define, services: Services): void {
  const { registry, metrics } = services
  const ready = createReadiness(services)
  const extensions = [...modelExtensions, ...(services.sets?.size ? ['sets'] : [])]
  define(
    {
      method: 'get',
      path: '/v2',
      id: 'serverMetadata',
      tag,
      summary: 'Name, version and extensions of the server',
      need: 'public',
      replies: json(
        'The server.',
        z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) }),
      ),
    },
    ({ c }) => c.json({ name: serverName, version: serverVersion, extensions }),
  )
  define(
    {
      method: 'get',
      path: '/v2/health/live',
      id: 'live',
      tag,
      summary: 'Whether the process answers',
      need: 'public',
      replies: json('It does.', z.object({ live: z.boolean() })),
    },
    ({ c }) => c.json({ live: true }),
  )
  define(
    {
      method: 'get',
      path: '/v2/health/ready',
      id: 'ready',
      tag,
      summary:
        'Whether requests should come here: threads run, the database and the objects answer, no stop was asked for',
      need: 'public',
      replies: { ...json('Ready.', serverReady), 503: { description: 'Not ready.', content: serverReady } },
    },
    async ({ c }) => {
      const yes = await ready()
      return c.json({ ready: yes, live: yes }, yes ? 200 : 503)
    },
  )
  define(
    {
      method: 'get',
      path: '/v2/models',
      id: 'listModels',
      tag: 'Models',
      summary: 'Models that the caller may use, with their versions, aliases and tags',
      need: 'any',
      query: { next: z.string().max(500).optional() },
      replies: json('The first 1000; "next" leads on.', modelsSchema),
    },
    async ({ c, principal, query }) => {
      const { items, next } = await registry.searchModels(principal, { limit: 1000, next: query.next })
      const models = items.map(({ name, description, tags, aliases, versions }) => ({
        name,
        description,
        tags,
        aliases: Object.fromEntries(Object.entries(aliases).map(([alias, version]) => [alias, String(version)])),
        versions: versions.map((version) => ({
          version: String(version.version),
          stage: version.stage,
          description: version.description,
          tags: version.tags,
          created: version.createdAt,
          ...facts(version),
        })),
      }))
      return c.json({ models, ...(next !== undefined && { next }) })
    },
  )
  define(
    {
      method: 'post',
      path: '/v2/repository/index',
      id: 'repositoryIndex',
      tag,
      summary: 'All versions that the caller may use (model repository extension)',
      need: 'any',
      body: z.object({ ready: z.boolean().optional() }).optional(),
      replies: json(
        'An entry for each version.',
        z.array(z.object({ name: z.string(), version: z.string(), state: z.string(), reason: z.string() })),
      ),
    },
    async ({ c, principal }) => {
      const { items } = await registry.searchVersions(principal, { limit: 1000 })
      return c.json(items.map(({ name, version }) => ({ name, version: String(version), state: 'READY', reason: '' })))
    },
  )

  for (const [path, params, suffix] of modelPaths) {
    define(
      {
        method: 'get',
        path,
        id: `modelMetadata${suffix}`,
        tag,
        summary: 'What a model takes and gives, and the parameters of its encryption',
        need: 'any',
        params,
        replies: json('The model.', metadataSchema),
      },
      async ({ c, principal, params }) => {
        const version = await registry.resolve(principal, params.name, versionOf(params))
        const { versions } = await registry.getModel(principal, params.name)
        return c.json(
          metadata(
            version,
            versions.map((each) => String(each.version)),
          ),
        )
      },
    )
    define(
      {
        method: 'get',
        path: `${path}/ready`,
        id: `modelReady${suffix}`,
        tag,
        summary: 'Whether the model can be asked here',
        need: 'any',
        params,
        replies: {
          ...json('Ready.', readySchema),
          503: { description: 'Not ready.', content: readySchema },
        },
      },
      async ({ c, principal, params }) => {
        const { name } = await registry.resolve(principal, params.name, versionOf(params))
        const yes = await ready()
        return c.json({ name, ready: yes }, yes ? 200 : 503)
      },
    )
    define(
      {
        method: 'get',
        path: `${path}/stats`,
        id: `modelStats${suffix}`,
        tag: 'Models',
        summary: 'Predictions and times of the model on this replica, all versions together; for its owner and admins',
        need: 'any',
        params,
        replies: json(
          'Counts since the start, milliseconds of the last predictions.',
          anyObject('ModelStats', 'name, requests, failed, margin_bits, times by stage.'),
        ),
      },
      async ({ c, principal, params }) => {
        const { name } = await registry.resolve(principal, params.name, versionOf(params))
        await requireOwner(services, principal, name)
        const { models } = await metrics.stats()
        const found = models.find((model) => model.name === name)
        return c.json(found ?? { name, requests: 0, failed: 0, margin_bits: null, stages: {} })
      },
    )
  }
}

// A type, as an interface is no Record.
type ModelParams = { readonly name: z.ZodType<string>; readonly version: z.ZodType<string> }

/** A model by its name, whose address has no version, and by its name and version. */
export const modelPaths: readonly (readonly [path: string, params: ModelParams, suffix: string])[] = [
  ['/v2/models/{name}', { name: nameSchema } as ModelParams, ''],
  ['/v2/models/{name}/versions/{version}', { name: nameSchema, version: versionSchema }, 'Version'],
]

/** The version that an address names. */
export function versionOf(params: { readonly version: string }): string | undefined {
  return params.version as string | undefined
}

/** How often a model is asked is its owner's matter. */
async function requireOwner({ registry }: Services, principal: Principal, name: string): Promise<void> {
  if (principal.scopes.has('admin')) return
  const { tenant } = await registry.getModel(principal, name)
  if (tenant !== principal.tenant) throw new Refusal(403, 'unauthorised', 'statistics are for the owner of a model')
}

function facts({ digest, packing, needsKeys, kind, inputShape, outputShape, files }: ModelVersion): object {
  return {
    digest,
    packing,
    needs_keys: needsKeys,
    kind: kind ?? null,
    input_shape: inputShape,
    output_shape: outputShape,
    client_bytes: files['client.gbx'].bytes,
    server_bytes: files['server.gbx'].bytes,
  }
}

function metadata(version: ModelVersion, versions: readonly string[]): object {
  const { name, params } = version
  return {
    name,
    versions,
    platform: `glovebox_${params.scheme}`,
    inputs: [{ name: 'query', datatype: 'BYTES', shape: [1] }],
    outputs: [{ name: 'reply', datatype: 'BYTES', shape: [1] }],
    parameters: { version: String(version.version), params, ...facts(version) },
  }
}
