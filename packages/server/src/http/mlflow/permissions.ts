import { GloveboxError } from '@glovebox/he'
import { z } from '@hono/zod-openapi'
import type { Services } from '../context.ts'
import type { Define } from '../route.ts'
import { anyObject, nameSchema } from '../schemas.ts'
import { at, empty, modelsPath, write } from './words.ts'

const username = z.string().openapi({ description: 'A tenant, or "*" for all.' })
const permissionSchema = anyObject('RegisteredModelPermission', 'name, user_id, permission (READ).')

/** Who may use a model. */
export function definePermissions(define: Define, { registry }: Services): void {
  const permission = `${modelsPath}/permissions`
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
