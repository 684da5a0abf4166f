import { z } from '@hono/zod-openapi'
import type { Services } from '../context.ts'
import type { Define } from '../route.ts'
import { nameSchema } from '../schemas.ts'
import {
  at,
  description,
  empty,
  fromTags,
  key,
  oneVersion,
  read,
  searchQuery,
  showVersion,
  tags,
  value,
  version,
  versionSchema,
  versionsPath,
  write,
} from './words.ts'

/** Versions of models, their stages and tags. */
export function defineVersions(define: Define, { registry, announce }: Services): void {
  define(
    {
      ...at(
        'post',
        `${versionsPath}/create`,
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
        tags,
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
      ...at('get', `${versionsPath}/get`, 'getModelVersion', 'A version', oneVersion),
      ...read,
      query: { name: nameSchema, version },
    },
    async ({ c, principal, query }) =>
      c.json({ model_version: showVersion(await registry.getVersion(principal, query.name, Number(query.version))) }),
  )
  define(
    {
      ...at('patch', `${versionsPath}/update`, 'updateModelVersion', 'Describes a version', oneVersion),
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
        `${versionsPath}/delete`,
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
      ...at('get', `${versionsPath}/search`, 'searchModelVersions', 'Versions by filter', versionPage),
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
        `${versionsPath}/transition-stage`,
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
      ...at('post', `${versionsPath}/set-tag`, 'setModelVersionTag', 'Sets a tag of a version', empty),
      ...write,
      body: z.object({ name: nameSchema, version, key, value }),
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
      ...at('delete', `${versionsPath}/delete-tag`, 'deleteModelVersionTag', 'Deletes a tag of a version', empty),
      ...write,
      body: z.object({ name: nameSchema, version, key }),
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
        `${versionsPath}/get-download-uri`,
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
}
