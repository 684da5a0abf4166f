import { GloveboxError } from '@glovebox/he'
import { z } from '@hono/zod-openapi'
import type { ModelVersion, RegisteredModel } from '../registry/registry.ts'
import type { Services } from './context.ts'
import type { Define, Method, Reply } from './route.ts'
import { anyObject, integerText, nameSchema, timeSchema } from './schemas.ts'

// The registry under MLflow's paths and words (REST API 2.0, "registered-models" and "model-versions"): versions are texts there.

const tagSchema = z.object({ key: z.string().min(1).max(250), value: z.string().max(5000) })
const tagsSchema = z.array(tagSchema).max(200).optional()
const description = z.string().max(100_000)
const version = z.string().regex(/^\d{1,9}$/, 'expected the number of a version')
const alias = z.string().min(1).max(128)
const username = z.string().openapi({ description: 'A tenant, or "*" for all.' })
const empty = z.object({})

const versionSchema = z
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
    tags: z.array(tagSchema),
    aliases: z.array(z.string()),
  })
  .openapi('ModelVersion')
const modelSchema = z
  .object({
    name: z.string(),
    creation_timestamp: timeSchema,
    last_updated_timestamp: timeSchema,
    description: z.string(),
    latest_versions: z.array(versionSchema),
    tags: z.array(tagSchema),
    aliases: z.array(z.object({ alias: z.string(), version: z.string() })),
  })
  .openapi('RegisteredModel')
const permissionSchema = anyObject('RegisteredModelPermission', 'name, user_id, permission (READ).')

const oneModel = z.object({ registered_model: modelSchema })
const oneVersion = z.object({ model_version: versionSchema })
const searchQuery = {
  filter: z.string().max(2000).optional(),
  max_results: integerText(1, 1000),
  page_token: z.string().max(500).optional(),
  order_by: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'Taken and left aside: by name, the highest version first.' }),
}

/** All of MLflow's registry that has a meaning here. */
export function defineMlflow(define: Define, { registry, metrics, announce }: Services): void {
  const models = '/api/2.0/mlflow/registered-models'
  const versions = '/api/2.0/mlflow/model-versions'
  const at = (method: Method, path: string, id: string, summary: string, content: z.ZodType) => {
    const replies: Record<number, Reply> = { 200: { description: 'Done.', content } }
    return { method, path, id, tag: 'Registry (MLflow)', summary, replies }
  }
  const write = { need: 'push' } as const
  const read = { need: 'any' } as const

  define(
    {
      ...at('post', `${models}/create`, 'createRegisteredModel', 'Takes a name for a model', oneModel),
      ...write,
      body: z.object({ name: nameSchema, description: description.optional(), tags: tagsSchema }),
      audit: 'model.create',
    },
    async ({ c, principal, body }) => {
      c.set('object', body.name)
      const model = await registry.createModel(principal, { ...body, tags: fromTags(body.tags) })
      return c.json({ registered_model: showModel(model) })
    },
  )
  define(
    {
      ...at('get', `${models}/get`, 'getRegisteredModel', 'A model', oneModel),
      ...read,
      query: { name: nameSchema },
    },
    async ({ c, principal, query }) =>
      c.json({ registered_model: showModel(await registry.getModel(principal, query.name)) }),
  )
  define(
    {
      ...at('post', `${models}/rename`, 'renameRegisteredModel', 'Gives a model another name', oneModel),
      ...write,
      body: z.object({ name: nameSchema, new_name: nameSchema }),
      audit: 'model.rename',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name} → ${body.new_name}`)
      const model = await registry.renameModel(principal, body.name, body.new_name)
      metrics.forget(body.name)
      for (const version of model.versions.slice(0, 1)) announce(version)
      return c.json({ registered_model: showModel(model) })
    },
  )
  define(
    {
      ...at('patch', `${models}/update`, 'updateRegisteredModel', 'Describes a model', oneModel),
      ...write,
      body: z.object({ name: nameSchema, description }),
      audit: 'model.update',
    },
    async ({ c, principal, body }) => {
      c.set('object', body.name)
      return c.json({
        registered_model: showModel(await registry.updateModel(principal, body.name, body.description)),
      })
    },
  )
  define(
    {
      ...at('delete', `${models}/delete`, 'deleteRegisteredModel', 'Deletes a model with all its versions', empty),
      ...write,
      body: z.object({ name: nameSchema }),
      audit: 'model.delete',
    },
    async ({ c, principal, body }) => {
      c.set('object', body.name)
      await registry.deleteModel(principal, body.name)
      metrics.forget(body.name)
      return c.json({})
    },
  )
  const modelPage = z.object({ registered_models: z.array(modelSchema), next_page_token: z.string().optional() })
  define(
    {
      ...at('get', `${models}/search`, 'searchRegisteredModels', 'Models by filter', modelPage),
      ...read,
      query: searchQuery,
    },
    async ({ c, principal, query }) => {
      const { items, next } = await registry.searchModels(principal, {
        filter: query.filter,
        limit: query.max_results,
        next: query.page_token,
      })
      return c.json({ registered_models: items.map(showModel), ...(next !== undefined && { next_page_token: next }) })
    },
  )
  define(
    {
      ...at(
        'post',
        `${models}/get-latest-versions`,
        'getLatestVersions',
        'The highest version in each stage',
        z.object({ model_versions: z.array(versionSchema) }),
      ),
      ...read,
      body: z.object({ name: nameSchema, stages: z.array(z.string().max(64)).max(10).optional() }),
    },
    async ({ c, principal, body }) =>
      c.json({
        model_versions: (await registry.latestVersions(principal, body.name, body.stages)).map(showVersion),
      }),
  )
  define(
    {
      ...at('post', `${models}/set-tag`, 'setRegisteredModelTag', 'Sets a tag of a model', empty),
      ...write,
      body: z.object({ name: nameSchema, ...tagSchema.shape }),
      audit: 'model.tag',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name} ${body.key}`)
      await registry.setTag(principal, body.name, undefined, body.key, body.value)
      return c.json({})
    },
  )
  define(
    {
      ...at('delete', `${models}/delete-tag`, 'deleteRegisteredModelTag', 'Deletes a tag of a model', empty),
      ...write,
      body: z.object({ name: nameSchema, key: tagSchema.shape.key }),
      audit: 'model.untag',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name} ${body.key}`)
      await registry.deleteTag(principal, body.name, undefined, body.key)
      return c.json({})
    },
  )
  define(
    {
      ...at('post', `${models}/alias`, 'setAlias', 'Names a version: deploys it under "production"', empty),
      ...write,
      body: z.object({ name: nameSchema, alias, version }),
      audit: 'alias.set',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name}@${body.alias} = ${body.version}`)
      await registry.setAlias(principal, body.name, body.alias, Number(body.version))
      return c.json({})
    },
  )
  define(
    {
      ...at('get', `${models}/alias`, 'getVersionByAlias', 'The version under an alias', oneVersion),
      ...read,
      query: { name: nameSchema, alias },
    },
    async ({ c, principal, query }) =>
      c.json({ model_version: showVersion(await registry.getVersion(principal, query.name, query.alias)) }),
  )
  define(
    {
      ...at('delete', `${models}/alias`, 'deleteAlias', 'Takes an alias away', empty),
      ...write,
      body: z.object({ name: nameSchema, alias }),
      audit: 'alias.delete',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name}@${body.alias}`)
      await registry.deleteAlias(principal, body.name, body.alias)
      return c.json({})
    },
  )

  define(
    {
      ...at(
        'post',
        `${versions}/create`,
        'createModelVersion',
        'Makes a version of files that were uploaded',
        oneVersion,
      ),
      ...write,
      body: z.object({
        name: nameSchema,
        source: z
          .string()
          .regex(/^sha256:[0-9a-f]{64}$/, 'expected "sha256:" and the digest of a manifest that was uploaded')
          .openapi({ description: 'sha256:<digest of the manifest>' }),
        description: description.optional(),
        tags: tagsSchema,
      }),
      audit: 'version.create',
    },
    async ({ c, principal, body }) => {
      c.set('object', body.name)
      const version = await registry.createVersion(principal, {
        name: body.name,
        manifest: body.source.slice('sha256:'.length),
        description: body.description,
        tags: fromTags(body.tags),
      })
      c.set('object', `${body.name}@${version.version}`)
      announce(version)
      return c.json({ model_version: showVersion(version) })
    },
  )
  define(
    {
      ...at('get', `${versions}/get`, 'getModelVersion', 'A version', oneVersion),
      ...read,
      query: { name: nameSchema, version },
    },
    async ({ c, principal, query }) =>
      c.json({ model_version: showVersion(await registry.getVersion(principal, query.name, Number(query.version))) }),
  )
  define(
    {
      ...at('patch', `${versions}/update`, 'updateModelVersion', 'Describes a version', oneVersion),
      ...write,
      body: z.object({ name: nameSchema, version, description }),
      audit: 'version.update',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name}@${body.version}`)
      const updated = await registry.updateVersion(principal, body.name, Number(body.version), body.description)
      return c.json({ model_version: showVersion(updated) })
    },
  )
  define(
    {
      ...at(
        'delete',
        `${versions}/delete`,
        'deleteModelVersion',
        'Deletes a version; its number is not given again',
        empty,
      ),
      ...write,
      body: z.object({ name: nameSchema, version }),
      audit: 'version.delete',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name}@${body.version}`)
      await registry.deleteVersion(principal, body.name, Number(body.version))
      return c.json({})
    },
  )
  const versionPage = z.object({ model_versions: z.array(versionSchema), next_page_token: z.string().optional() })
  define(
    {
      ...at('get', `${versions}/search`, 'searchModelVersions', 'Versions by filter', versionPage),
      ...read,
      query: searchQuery,
    },
    async ({ c, principal, query }) => {
      const { items, next } = await registry.searchVersions(principal, {
        filter: query.filter,
        limit: query.max_results,
        next: query.page_token,
      })
      return c.json({ model_versions: items.map(showVersion), ...(next !== undefined && { next_page_token: next }) })
    },
  )
  define(
    {
      ...at(
        'post',
        `${versions}/transition-stage`,
        'transitionModelVersionStage',
        'Moves a version to a stage',
        oneVersion,
      ),
      ...write,
      body: z.object({
        name: nameSchema,
        version,
        stage: z.string().max(64),
        // MLflow's clients send texts in places.
        archive_existing_versions: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
      }),
      audit: 'version.stage',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name}@${body.version} → ${body.stage}`)
      const moved = await registry.transitionStage(principal, body.name, Number(body.version), body.stage, {
        archiveExisting: String(body.archive_existing_versions) === 'true',
      })
      return c.json({ model_version: showVersion(moved) })
    },
  )
  define(
    {
      ...at('post', `${versions}/set-tag`, 'setModelVersionTag', 'Sets a tag of a version', empty),
      ...write,
      body: z.object({ name: nameSchema, version, ...tagSchema.shape }),
      audit: 'version.tag',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name}@${body.version} ${body.key}`)
      await registry.setTag(principal, body.name, Number(body.version), body.key, body.value)
      return c.json({})
    },
  )
  define(
    {
      ...at('delete', `${versions}/delete-tag`, 'deleteModelVersionTag', 'Deletes a tag of a version', empty),
      ...write,
      body: z.object({ name: nameSchema, version, key: tagSchema.shape.key }),
      audit: 'version.untag',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name}@${body.version} ${body.key}`)
      await registry.deleteTag(principal, body.name, Number(body.version), body.key)
      return c.json({})
    },
  )
  define(
    {
      ...at(
        'get',
        `${versions}/get-download-uri`,
        'getDownloadUri',
        'Where the manifest of a version is',
        z.object({ artifact_uri: z.string() }),
      ),
      ...read,
      query: { name: nameSchema, version },
    },
    async ({ c, principal, query }) => {
      const { manifest } = await registry.getVersion(principal, query.name, Number(query.version))
      return c.json({ artifact_uri: `sha256:${manifest}` })
    },
  )

  const permission = `${models}/permissions`
  const onePermission = z.object({ registered_model_permission: permissionSchema })
  const granted = z.object({ name: nameSchema, username, permission: z.literal('READ', 'expected "READ"') })
  define(
    {
      ...at(
        'post',
        `${permission}/create`,
        'createPermission',
        'Lets another tenant, or all, use a model',
        onePermission,
      ),
      ...write,
      body: granted,
      audit: 'permission.create',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name} for ${body.username}`)
      await registry.grant(principal, body.name, body.username)
      return c.json({ registered_model_permission: showPermission(body.name, body.username) })
    },
  )
  define(
    {
      ...at(
        'get',
        `${permission}/get`,
        'getPermission',
        'Whether a tenant may use a model of yours; without "username", who may',
        z.union([onePermission, z.object({ registered_model_permissions: z.array(permissionSchema) })]),
      ),
      ...write,
      query: { name: nameSchema, username: username.optional() },
    },
    async ({ c, principal, query }) => {
      const all = await registry.permissions(principal, query.name)
      if (query.username === undefined)
        return c.json({ registered_model_permissions: all.map((user) => showPermission(query.name, user)) })
      if (!all.includes(query.username))
        throw new GloveboxError('not-found', `${query.username} has no permission for "${query.name}"`)
      return c.json({ registered_model_permission: showPermission(query.name, query.username) })
    },
  )
  define(
    {
      ...at(
        'patch',
        `${permission}/update`,
        'updatePermission',
        'There is READ alone: leaves a permission as it is',
        empty,
      ),
      ...write,
      body: granted,
      audit: 'permission.update',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name} for ${body.username}`)
      const all = await registry.permissions(principal, body.name)
      if (!all.includes(body.username))
        throw new GloveboxError('not-found', `${body.username} has no permission for "${body.name}"`)
      return c.json({})
    },
  )
  define(
    {
      ...at('delete', `${permission}/delete`, 'deletePermission', 'Takes a permission back', empty),
      ...write,
      body: z.object({ name: nameSchema, username }),
      audit: 'permission.delete',
    },
    async ({ c, principal, body }) => {
      c.set('object', `${body.name} for ${body.username}`)
      await registry.revoke(principal, body.name, body.username)
      return c.json({})
    },
  )
}

function showPermission(name: string, user: string): { name: string; user_id: string; permission: string } {
  return { name, user_id: user, permission: 'READ' }
}

function fromTags(tags: z.infer<typeof tagsSchema>): Record<string, string> | undefined {
  return tags && Object.fromEntries(tags.map(({ key, value }) => [key, value]))
}

function toTags(tags: Readonly<Record<string, string>>): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }))
}

function showVersion(version: ModelVersion): z.infer<typeof versionSchema> {
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

function showModel(model: RegisteredModel): z.infer<typeof modelSchema> {
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
