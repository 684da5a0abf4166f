import { api } from './http.ts'

// The registry under the paths and words of MLflow: versions are strings, times are in ms.

export interface Tag {
  readonly key: string
  readonly value: string
}

export interface RegisteredModel {
  readonly name: string
  readonly description?: string
  readonly creation_timestamp?: number
  readonly last_updated_timestamp?: number
  readonly tags?: readonly Tag[]
  readonly aliases?: readonly { readonly alias: string; readonly version: string }[]
}

export interface RegisteredVersion {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly creation_timestamp?: number
  readonly current_stage?: string
  readonly status?: string
  readonly source?: string
  readonly tags?: readonly Tag[]
}

export interface Permission {
  /** "*": everybody. */
  readonly tenant: string
  readonly permission: string
}

export const stages: readonly string[] = ['None', 'Staging', 'Production', 'Archived']

const base = '/api/2.0/mlflow'
const models = `${base}/registered-models`
const versions = `${base}/model-versions`
const query = (values: Readonly<Record<string, string>>): string => `?${new URLSearchParams(values)}`

export async function registeredModel(name: string, signal?: AbortSignal): Promise<RegisteredModel> {
  const answer = await api<{ registered_model: RegisteredModel }>(`${models}/get${query({ name })}`, { signal })
  return answer.registered_model
}

export async function registeredVersions(name: string, signal?: AbortSignal): Promise<RegisteredVersion[]> {
  const filter = `name='${name.replaceAll("'", "\\'")}'`
  const found = await api<{ model_versions?: RegisteredVersion[] }>(`${versions}/search${query({ filter })}`, {
    signal,
  })
  return [...(found.model_versions ?? [])].sort((a, b) => Number(b.version) - Number(a.version))
}

export async function permissionsOf(name: string, signal?: AbortSignal): Promise<Permission[]> {
  const path = `${models}/permissions/get${query({ name })}`
  const found = await api<{ registered_model_permissions?: { user_id: string; permission: string }[] }>(path, {
    signal,
  })
  return (found.registered_model_permissions ?? []).map(({ user_id, permission }) => ({ tenant: user_id, permission }))
}

type Body = Readonly<Record<string, unknown>>
const post = (path: string, body: Body): Promise<void> => api(path, { method: 'POST', body })
const patch = (path: string, body: Body): Promise<void> => api(path, { method: 'PATCH', body })
const remove = (path: string, body: Body): Promise<void> => api(path, { method: 'DELETE', body })

export const describeModel = (name: string, description: string): Promise<void> =>
  patch(`${models}/update`, { name, description })
export const deleteModel = (name: string): Promise<void> => remove(`${models}/delete`, { name })
export const setAlias = (name: string, alias: string, version: string): Promise<void> =>
  post(`${models}/alias`, { name, alias, version })
export const deleteAlias = (name: string, alias: string): Promise<void> => remove(`${models}/alias`, { name, alias })
export const grant = (name: string, tenant: string): Promise<void> =>
  post(`${models}/permissions/create`, { name, username: tenant, permission: 'READ' })
export const withdraw = (name: string, tenant: string): Promise<void> =>
  remove(`${models}/permissions/delete`, { name, username: tenant })
export const describeVersion = (name: string, version: string, description: string): Promise<void> =>
  patch(`${versions}/update`, { name, version, description })
export const deleteVersion = (name: string, version: string): Promise<void> =>
  remove(`${versions}/delete`, { name, version })
export const setStage = (name: string, version: string, stage: string): Promise<void> =>
  post(`${versions}/transition-stage`, { name, version, stage, archive_existing_versions: false })

/** Of a version, or of the model where none is given. */
export const setTag = (name: string, version: string | undefined, key: string, value: string): Promise<void> =>
  version === undefined
    ? post(`${models}/set-tag`, { name, key, value })
    : post(`${versions}/set-tag`, { name, version, key, value })
export const deleteTag = (name: string, version: string | undefined, key: string): Promise<void> =>
  version === undefined
    ? remove(`${models}/delete-tag`, { name, key })
    : remove(`${versions}/delete-tag`, { name, version, key })
