import { GloveboxError } from '@glovebox/he'
import type { Api } from './api.ts'

// The registry of a service, in MLflow's paths and words.

const base = '/api/2.0/mlflow'

/** A version as MLflow has it: numbers are texts. */
export interface Version {
  readonly name: string
  readonly version: string
  /** sha256: and the digest of the manifest. */
  readonly source?: string
  readonly description?: string
  readonly current_stage?: string
  readonly creation_timestamp?: number
  readonly tags?: readonly Tag[]
  readonly aliases?: readonly string[]
}

export interface Tag {
  readonly key: string
  readonly value: string
}

export interface RegisteredModel {
  readonly name: string
  readonly description?: string
  readonly tags?: readonly Tag[]
  readonly aliases?: readonly { readonly alias: string; readonly version: string }[]
  readonly latest_versions?: readonly Version[]
}

export interface ModelRegistry {
  /** Makes a model, unless it is there already. Gives whether it is new. Throws GloveboxError `exists` for a name that another tenant has. */
  ensure(name: string, description: string | undefined): Promise<boolean>
  get(name: string): Promise<RegisteredModel>
  /** All versions, the highest first. */
  versions(name: string): Promise<Version[]>
  create(version: {
    readonly name: string
    readonly source: string
    readonly description?: string
    readonly tags?: readonly Tag[]
  }): Promise<Version>
  setAlias(name: string, alias: string, version: string): Promise<void>
  /** What an alias names. */
  byAlias(name: string, alias: string): Promise<Version>
  /** For everybody, "*", or a tenant. Gives whether it is new. */
  grant(name: string, tenant: string): Promise<boolean>
}

export function openRegistry(api: Api): ModelRegistry {
  const query = (values: Readonly<Record<string, string>>): string => `?${new URLSearchParams(values)}`
  const isThere = async (name: string): Promise<boolean> => {
    const { registered_models = [] } = await api.json<{ registered_models?: RegisteredModel[] }>(
      'GET',
      `${base}/registered-models/search${query({ filter: `name='${name}'` })}`,
    )
    return registered_models.length > 0
  }
  return {
    async ensure(name, description) {
      if (await isThere(name)) {
        await requirePush(api)
        return false
      }
      try {
        await api.json('POST', `${base}/registered-models/create`, {
          name,
          ...(description !== undefined && { description }),
        })
        return true
      } catch (error) {
        if (!(error instanceof GloveboxError && error.code === 'exists')) throw error
        // Somebody may have made it in between, of the same tenant.
        if (await isThere(name)) return false
        throw await taken(api, name, error)
      }
    },
    async get(name) {
      const { registered_model } = await api.json<{ registered_model: RegisteredModel }>(
        'GET',
        `${base}/registered-models/get${query({ name })}`,
      )
      return registered_model
    },
    async versions(name) {
      const found: Version[] = []
      let page = ''
      do {
        const { model_versions = [], next_page_token = '' } = await api.json<{
          model_versions?: Version[]
          next_page_token?: string
        }>(
          'GET',
          `${base}/model-versions/search${query({ filter: `name='${name}'`, max_results: '1000', ...(page !== '' && { page_token: page }) })}`,
        )
        found.push(...model_versions)
        page = next_page_token
      } while (page !== '')
      return found.sort((a, b) => Number(b.version) - Number(a.version))
    },
    async create(version) {
      const made = api.json<{ model_version: Version }>('POST', `${base}/model-versions/create`, version)
      const { model_version } = await made.catch((error: unknown) => {
        const [, owner] =
          error instanceof GloveboxError ? (/is of the tenant "([\w.-]+)"/.exec(error.message) ?? []) : []
        if (owner === undefined) throw error
        const how = `choose another --name, or push with a token of it: ${tokenOf(owner)}`
        throw new GloveboxError('unauthorised', `${(error as Error).message}; ${how}`, { cause: error })
      })
      return model_version
    },
    async setAlias(name, alias, version) {
      await api.json('POST', `${base}/registered-models/alias`, { name, alias, version })
    },
    async byAlias(name, alias) {
      const { model_version } = await api.json<{ model_version: Version }>(
        'GET',
        `${base}/registered-models/alias${query({ name, alias })}`,
      )
      return model_version
    },
    async grant(name, tenant) {
      return unlessThere(() =>
        api.json('POST', `${base}/registered-models/permissions/create`, {
          name,
          username: tenant,
          permission: 'READ',
        }),
      )
    },
  }
}

/** How an administrator acts for a tenant. */
function tokenOf(tenant: string): string {
  return `npx glovebox token create --tenant ${tenant} --scope push -o ${tenant}.token, then --token-file ${tenant}.token`
}

/** Looking at a model that is there takes less than changing it. */
async function requirePush(api: Api): Promise<void> {
  const { tenant, scopes } = await api.json<{ tenant: string; scopes: readonly string[] }>('GET', '/v2/whoami')
  if (scopes.includes('push') || scopes.includes('admin')) return
  throw new GloveboxError(
    'unauthorised',
    `this token of the tenant "${tenant}" may not push to ${api.url}: it has the scope ${scopes.join(', ')} only`,
  )
}

/** There is such a model, and it is none that the caller may see. */
async function taken(api: Api, name: string, cause: GloveboxError): Promise<GloveboxError> {
  const { tenant } = await api.json<{ tenant: string }>('GET', '/v2/whoami')
  return new GloveboxError(
    'exists',
    `the name "${name}" is taken at ${api.url}, and this token is of the tenant "${tenant}": choose another --name, or push with a token of the tenant that has it. ` +
      `What was pushed while no tokens were needed is of "local": ${tokenOf('local')}`,
    { cause },
  )
}

async function unlessThere(make: () => Promise<unknown>): Promise<boolean> {
  try {
    await make()
    return true
  } catch (error) {
    if (error instanceof GloveboxError && error.code === 'exists') return false
    throw error
  }
}
