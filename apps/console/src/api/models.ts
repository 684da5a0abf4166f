import { api, apiMaybe, apiText } from './http.ts'

/** A version of a model, as the list of models tells of it. */
export interface VersionSummary {
  readonly version: string
  readonly stage?: string
  readonly description?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly created?: number
  readonly packing?: string
  readonly needs_keys?: boolean
  readonly kind?: string | null
  readonly input_shape?: readonly number[]
  readonly output_shape?: readonly number[]
  readonly client_bytes?: number
  readonly server_bytes?: number
}

/** A model that the caller may use. */
export interface ModelSummary {
  readonly name: string
  readonly description?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly aliases?: Readonly<Record<string, string>>
  readonly versions: readonly VersionSummary[]
}

export interface ServiceInfo {
  readonly name: string
  readonly version: string
  readonly extensions: readonly string[]
}

export async function listModels(signal?: AbortSignal): Promise<ModelSummary[]> {
  const all: ModelSummary[] = []
  let next: string | undefined
  do {
    const query = next === undefined ? '' : `?${new URLSearchParams({ next })}`
    const page = await api<{ models: readonly ModelSummary[]; next?: string }>(`/v2/models${query}`, { signal })
    all.push(...page.models)
    next = page.next
  } while (next !== undefined)
  return all
}

/** The version that is used where none is named: that of the alias "production", else the latest. */
export function defaultVersion({ aliases, versions }: ModelSummary): VersionSummary | undefined {
  const wanted = aliases?.production
  const byNumber = [...versions].sort((a, b) => Number(b.version) - Number(a.version))
  return byNumber.find(({ version }) => version === wanted) ?? byNumber[0]
}

export function aliasesOf({ aliases = {} }: ModelSummary, version: string): string[] {
  return Object.keys(aliases).filter((alias) => aliases[alias] === version)
}

function pathOf(name: string, version: string | undefined): string {
  const path = `/v2/models/${encodeURIComponent(name)}`
  return version === undefined ? path : `${path}/versions/${encodeURIComponent(version)}`
}

export function readCard(name: string, version: string | undefined, signal?: AbortSignal): Promise<string | undefined> {
  return apiText(`${pathOf(name, version)}/card`, signal)
}

/** What a card says in a sentence: what is behind the name in its title, else its first paragraph; without marks. */
export function introductionOf(card: string): string {
  const title = /^#\s+(.*)$/m.exec(card)?.[1] ?? ''
  const paragraphs = card.split(/\n\s*\n/).map((block) => block.trim())
  const paragraph = paragraphs.find((block) => block !== '' && !/^(?:[#|<>*-]|```)/.test(block)) ?? ''
  const about = title.includes(':') ? title.slice(title.indexOf(':') + 1) : paragraph
  const plain = about
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*_]{1,3}/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  return `${plain.slice(0, 1).toUpperCase()}${plain.slice(1, 400)}${plain === '' || /[.!?]$/.test(plain) ? '' : '.'}`
}

/** Inputs that a model can be tried with. */
export interface Examples {
  readonly kind: 'digit' | 'rows' | 'text' | 'photo' | 'numbers'
  readonly source: 'synthetic' | 'public'
  readonly question?: string
  readonly note?: string
  /** Inputs are bytes from 0 to 255. */
  readonly pixels?: true
  readonly shape?: readonly number[]
  readonly columns?: readonly ExampleColumn[]
  /** What one number is, of numbers. */
  readonly describe?: string
  readonly outputs?: readonly { readonly name?: string; readonly unit?: string; readonly digits?: number }[]
  readonly items: readonly Example[]
}

export interface ExampleColumn {
  readonly name: string
  readonly label?: string
  readonly unit?: string
  readonly values?: readonly string[]
  readonly low?: number
  readonly high?: number
}

export interface Example {
  readonly name: string
  readonly input: ExampleInput
  readonly expected?: string
  readonly picture?: Picture
}

export type Row = Readonly<Record<string, number | string | null>>
export type ExampleInput = readonly number[] | Row | string | { readonly bits: string; readonly length: number }

/** Bytes, 1 or 3 for a pixel. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly pixels: readonly number[]
}

export function readExamples(
  name: string,
  version: string | undefined,
  signal?: AbortSignal,
): Promise<Examples | undefined> {
  return apiMaybe<Examples>(`${pathOf(name, version)}/examples`, signal)
}

/** Numbers as they are, or bits, most significant first, as 0 and 1. */
export function numbersOf(input: ExampleInput): number[] | undefined {
  if (Array.isArray(input)) return [...(input as readonly number[])]
  if (typeof input !== 'object' || !('bits' in input) || typeof input.bits !== 'string') return undefined
  const bytes = Uint8Array.from(atob(input.bits), (character) => character.charCodeAt(0))
  return Array.from({ length: Number(input.length) }, (_, i) => (bytes[i >> 3]! >> (7 - (i & 7))) & 1)
}
