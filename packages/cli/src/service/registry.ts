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
  /** Makes a model, unless it is there already. Gives whether it is new. */
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
  return {
    async ensure(name, description) {
      return unlessThere(() =>
        api.json('POST', `${base}/registered-models/create`, {
          name,
          ...(description !== undefined && { description }),
        }),
      )
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
      const { model_version } = await api.json<{ model_version: Version }>(
        'POST',
        `${base}/model-versions/create`,
        version,
      )
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

async function unlessThere(make: () => Promise<unknown>): Promise<boolean> {
  try {
    await make()
    return true
  } catch (error) {
    if (error instanceof GloveboxError && error.code === 'exists') return false
    throw error
  }
}
