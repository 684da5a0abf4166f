import type { Api } from './api.ts'

/** A model as `GET /v2/models` has it. */
export interface ListedModel {
  readonly name: string
  readonly description?: string
  readonly aliases?: Readonly<Record<string, string>>
  /** The highest first. */
  readonly versions: readonly {
    readonly version: string
    readonly created?: number
    readonly kind?: string | null
    readonly packing?: string
    readonly tags?: Readonly<Record<string, string>>
  }[]
}

/** All models of a service that the caller may use. */
export async function listModels(api: Api): Promise<ListedModel[]> {
  const all: ListedModel[] = []
  let next: string | undefined
  do {
    const query = next === undefined ? '' : `?${new URLSearchParams({ next })}`
    const page = await api.json<{ models: ListedModel[]; next?: string }>('GET', `/v2/models${query}`)
    all.push(...page.models)
    next = page.next
  } while (next !== undefined)
  return all
}

/** What to say of a model that is not there: which are. */
export function notThere(
  api: Api,
  models: readonly ListedModel[],
  { name, version }: { readonly name: string; readonly version?: string | undefined },
): string {
  const found = models.find((model) => model.name === name)
  if (!found || version === undefined) {
    const names = models.map((model) => model.name)
    const shown = names.slice(0, 20).join(', ') + (names.length > 20 ? ` and ${names.length - 20} more` : '')
    return `there is no model "${name}" at ${api.url}; there are: ${shown || 'none that you may use'}`
  }
  const versions = found.versions.map((each) => each.version).slice(0, 20)
  const aliases = Object.keys(found.aliases ?? {})
  const what = /^\d+$/.test(version) ? 'version' : 'alias'
  return `${name} has no ${what} "${version}" at ${api.url}; there are: ${[...versions, ...aliases].join(', ')}`
}
