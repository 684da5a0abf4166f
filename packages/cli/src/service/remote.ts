import { connect, type RemoteModel } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import type { Api } from './api.ts'
import { listModels, notThere } from './listed.ts'
import type { ModelName } from './model-name.ts'

/** A model of a service, at the version that was named. Throws GloveboxError `not-found` that names those that are there. */
export async function openRemote(api: Api, named: ModelName): Promise<RemoteModel> {
  const { name, version } = named
  const own = `/v2/models/${encodeURIComponent(name)}/`
  const connection = connect(api.url, {
    ...(api.token !== undefined && { token: api.token }),
    // Every address of the model, with its version.
    ...(version !== undefined && {
      fetch: (url, init) => fetch(url.replace(own, `${own}versions/${encodeURIComponent(version)}/`), init),
    }),
  })
  try {
    return await connection.model(name)
  } catch (error) {
    if (!(error instanceof GloveboxError && error.code === 'not-found')) throw error
    const models = await listModels(api).catch(() => undefined)
    if (!models) throw error
    throw new GloveboxError('not-found', notThere(api, models, named), { cause: error })
  }
}
