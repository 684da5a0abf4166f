import { z } from '@hono/zod-openapi'
import type { Services } from '../context.ts'
import type { Define } from '../route.ts'
import { nameSchema } from '../schemas.ts'
import {
  alias,
  at,
  description,
  empty,
  fromTags,
  key,
  modelSchema,
  modelsPath,
  oneVersion,
  read,
  searchQuery,
  showModel,
  showVersion,
  tags,
  value,
  version,
  versionSchema,
  write,
} from './words.ts'

const oneModel = z.object({ registered_model: modelSchema })

/** Registered models, their tags and aliases. */
export function defineModels(define: Define, { registry, metrics, announce }: Services): void {
  define(
    {
      ...at('post', `${modelsPath}/create`, 'createRegisteredModel', 'Takes a name for a model', oneModel),
      ...write,
      body: z.object({ name: nameSchema, description: description.optional(), tags }),
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
      ...at('get', `${modelsPath}/get`, 'getRegisteredModel', 'A model', oneModel),
      ...read,
      query: { name: nameSchema },
    },
    async ({ c, principal, query }) =>
      c.json({ registered_model: showModel(await registry.getModel(principal, query.name)) }),
  )
  define(
    {
      ...at('post', `${modelsPath}/rename`, 'renameRegisteredModel', 'Gives a model another name', oneModel),
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
      ...at('patch', `${modelsPath}/update`, 'updateRegisteredModel', 'Describes a model', oneModel),
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
      ...at('delete', `${modelsPath}/delete`, 'deleteRegisteredModel', 'Deletes a model with all its versions', empty),
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
      ...at('get', `${modelsPath}/search`, 'searchRegisteredModels', 'Models by filter', modelPage),
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
        `${modelsPath}/get-latest-versions`,
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
      ...at('post', `${modelsPath}/set-tag`, 'setRegisteredModelTag', 'Sets a tag of a model', empty),
      ...write,
      body: z.object({ name: nameSchema, key, value }),
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
      ...at('delete', `${modelsPath}/delete-tag`, 'deleteRegisteredModelTag', 'Deletes a tag of a model', empty),
      ...write,
      body: z.object({ name: nameSchema, key }),
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
      ...at('post', `${modelsPath}/alias`, 'setAlias', 'Names a version: deploys it under "production"', empty),
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
      ...at('get', `${modelsPath}/alias`, 'getVersionByAlias', 'The version under an alias', oneVersion),
      ...read,
      query: { name: nameSchema, alias },
    },
    async ({ c, principal, query }) =>
      c.json({ model_version: showVersion(await registry.getVersion(principal, query.name, query.alias)) }),
  )
  define(
    {
      ...at('delete', `${modelsPath}/alias`, 'deleteAlias', 'Takes an alias away', empty),
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
}
