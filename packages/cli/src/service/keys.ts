import { fileStorage } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import type { Api } from './api.ts'

/** Keys of this user, of what is kept here and what the service has; times in milliseconds since 1970. */
export interface KeySet {
  /** Of the evaluation keys. */
  readonly digest: string
  /** By which they are kept here; null where they are not. */
  readonly id: string | null
  /** A model that they are for, where the service knows one. */
  readonly model: string | null
  /** Of the evaluation keys at the service. */
  readonly bytes: number | null
  readonly made: number | null
  /** When a prediction replaces them by new ones. */
  readonly hereUntil: number | null
  /** When the service deletes them, unless they are used again; null where it has none. */
  readonly thereUntil: number | null
}

interface Held {
  readonly digest: string
  readonly model: string | null
  readonly bytes: number
  readonly created: number
  readonly expires: number
}

/** What the client replaces keys after where nobody says otherwise. */
const keptMs = 30 * 86_400_000

export interface KeyList {
  /** The last made first. */
  readonly keys: readonly KeySet[]
  /** Whether a service answered; what it has is not known otherwise. */
  readonly reached: boolean
}

/** Where no service answers, what is kept here is told all the same, with a warning. */
export async function listKeys(api: Api): Promise<KeyList> {
  const kept = new Map((await fileStorage().list()).map((set) => [set.digest, set]))
  const answer = await atService(api)
  const held = new Map(answer?.map((set) => [set.digest, set]))
  const digests = [...new Set([...kept.keys(), ...held.keys()])]
  const keys = digests
    .map((digest): KeySet => {
      const [here, there] = [kept.get(digest), held.get(digest)]
      return {
        digest,
        id: here?.id ?? null,
        model: there?.model ?? null,
        bytes: there?.bytes ?? null,
        made: here?.created ?? there?.created ?? null,
        hereUntil: here ? here.created + keptMs : null,
        thereUntil: there?.expires ?? null,
      }
    })
    .sort((a, b) => (b.made ?? 0) - (a.made ?? 0))
  return { keys, reached: answer !== undefined }
}

async function atService(api: Api): Promise<readonly Held[] | undefined> {
  try {
    return (await api.json<{ keys: Held[] }>('GET', '/v2/keys')).keys
  } catch (error) {
    if (!(error instanceof GloveboxError && error.code === 'unavailable')) throw error
    process.stderr.write(`warning: ${error.message}\n`)
    return undefined
  }
}

/** The secret key first: without it, what is at the service is worth nothing. */
export async function forgetKeys(api: Api, { id, digest, thereUntil }: KeySet): Promise<void> {
  if (id !== null) await fileStorage().delete(id)
  if (thereUntil !== null) await api.request('DELETE', `/v2/keys/${digest}`, { accept: [404] })
}
