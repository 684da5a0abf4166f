import { z } from '@hono/zod-openapi'
import type { ModelVersion, RegisteredModel } from '../../registry/registry.ts'
import type { Method, Reply } from '../route.ts'
import { integerText, timeSchema } from '../schemas.ts'

// The words of MLflow's registry: versions are texts there.

interface Tag {
  readonly key: string
  readonly value: string
}

/** A version as MLflow shows it. */
interface Version {
  readonly name: string
  readonly version: string
  readonly creation_timestamp: number
  readonly last_updated_timestamp: number
  readonly current_stage: string
  readonly description: string
  readonly source: string
  readonly run_id: string
  readonly status: 'READY'
  readonly tags: Tag[]
  readonly aliases: string[]
}

/** A model as MLflow shows it. */
interface Model {
  readonly name: string
  readonly creation_timestamp: number
  readonly last_updated_timestamp: number
  readonly description: string
  readonly latest_versions: Version[]
  readonly tags: Tag[]
  readonly aliases: { readonly alias: string; readonly version: string }[]
}

/** Of a tag. */
export const key: z.ZodType<string> = z.string().min(1).max(250)
/** Of a tag. */
export const value: z.ZodType<string> = z.string().max(5000)
const tag = z.object({ key, value })
export const tags: z.ZodType<Tag[] | undefined> = z.array(tag).max(200).optional()
export const description: z.ZodType<string> = z.string().max(100_000)
export const version: z.ZodType<string> = z.string().regex(/^\d{1,9}$/, 'expected the number of a version')
export const alias: z.ZodType<string> = z.string().min(1).max(128)
export const empty: z.ZodType = z.object({})

export const versionSchema: z.ZodType<Version> = z
  .object({
    name: z.string(),
    version: z.string(),
    creation_timestamp: timeSchema,
    last_updated_timestamp: timeSchema,
    current_stage: z.string(),
    description: z.string(),
    source: z.string(),
    run_id: z.string(),
    status: z.literal('READY'),
    tags: z.array(tag),
    aliases: z.array(z.string()),
  })
  .openapi('ModelVersion')
export const modelSchema: z.ZodType<Model> = z
  .object({
    name: z.string(),
    creation_timestamp: timeSchema,
    last_updated_timestamp: timeSchema,
    description: z.string(),
    latest_versions: z.array(versionSchema),
    tags: z.array(tag),
    aliases: z.array(z.object({ alias: z.string(), version: z.string() })),
  })
  .openapi('RegisteredModel')

export const oneVersion: z.ZodType = z.object({ model_version: versionSchema })

/** Of a search: a type, as an interface is no Record. */
type SearchQuery = {
  readonly filter: z.ZodType<string | undefined>
  readonly max_results: z.ZodType<number | undefined>
  readonly page_token: z.ZodType<string | undefined>
  readonly order_by: z.ZodType<string | undefined>
}
export const searchQuery: SearchQuery = {
  filter: z.string().max(2000).optional(),
  max_results: integerText(1, 1000),
  page_token: z.string().max(500).optional(),
  order_by: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'Taken and left aside: by name, the highest version first.' }),
}

export const modelsPath: string = '/api/2.0/mlflow/registered-models'
export const versionsPath: string = '/api/2.0/mlflow/model-versions'
export const write: { readonly need: 'push' } = { need: 'push' }
export const read: { readonly need: 'any' } = { need: 'any' }

/** What all routes have. */
interface Common {
  readonly method: Method
  readonly path: string
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly replies: Record<number, Reply>
}

export function at(method: Method, path: string, id: string, summary: string, content: z.ZodType): Common {
  const replies: Record<number, Reply> = { 200: { description: 'Done.', content } }
  return { method, path, id, tag: 'Registry (MLflow)', summary, replies }
}

export function fromTags(tags: readonly Tag[] | undefined): Record<string, string> | undefined {
  return tags && Object.fromEntries(tags.map(({ key, value }) => [key, value]))
}

function toTags(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }))
}

export function showVersion(version: ModelVersion): Version {
  return {
    name: version.name,
    version: String(version.version),
    creation_timestamp: version.createdAt,
    last_updated_timestamp: version.updatedAt,
    current_stage: version.stage,
    description: version.description,
    source: `sha256:${version.manifest}`,
    run_id: '',
    status: 'READY',
    tags: toTags(version.tags),
    aliases: [...version.aliases],
  }
}

export function showModel(model: RegisteredModel): Model {
  // As MLflow has it: the highest version of each stage.
  const latest = model.versions.filter(
    (version, i) => model.versions.findIndex(({ stage }) => stage === version.stage) === i,
  )
  return {
    name: model.name,
    creation_timestamp: model.createdAt,
    last_updated_timestamp: model.updatedAt,
    description: model.description,
    latest_versions: latest.map(showVersion),
    tags: toTags(model.tags),
    aliases: Object.entries(model.aliases).map(([alias, version]) => ({ alias, version: String(version) })),
  }
}
