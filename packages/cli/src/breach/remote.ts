import { GloveboxError } from '@glovebox/he'
import type { Item, ItemKind } from '@glovebox/psi'
import { connectSet, type Timings } from '@glovebox/psi/receiver'
import { hardenNode, openSodiumGroup } from '@glovebox/psi/sender'
import { type Api, needsToken } from '../service/api.ts'
import type { Question } from './questions.ts'

/** Answers in the order of the questions, and what they took. */
export interface Asked {
  readonly answers: readonly {
    readonly breached: boolean
    /** Text as the list had it, or bytes in hexadecimal where it is none. */
    readonly label?: string
    readonly entry?: Question['entry']
  }[]
  readonly uploadBytes: number
  readonly downloadBytes: number
  readonly totalMs: number
  /** In which the server computed, as it says. */
  readonly serverMs: number | undefined
  /** Queries tell which bucket of the list they are about. */
  readonly bucketsTold: boolean
}

/** A set of a server that answers questions. */
export interface RemoteQuestions extends Disposable {
  readonly name: string
  readonly kind: ItemKind
  ask(questions: readonly Question[], onProgress: (stage: string, done: number, total: number) => void): Promise<Asked>
}

interface RemoteOptions {
  readonly set?: string
  readonly publicKey?: string
  /** False: sets that are told a prefix are refused. */
  readonly prefix?: boolean
}

const stages = { harden: 'slow-hashing', oprf: 'blinding', query: 'asking' } as const

/** A server that is away for longer is an error: somebody waits. */
const retryMs = 10_000

export async function openRemoteSet(
  api: Api,
  { set: named, publicKey, prefix }: RemoteOptions,
): Promise<RemoteQuestions> {
  const { url, token } = api
  const name = await nameOf(api, named)
  const set = await connectSet(url, {
    name,
    retryMs,
    harden: hardenNode,
    group: await openSodiumGroup(),
    ...(token !== undefined && { token }),
    ...(publicKey !== undefined && { publicKey }),
    ...(prefix === false && { maxPrefixBits: 0 }),
  }).catch((error: unknown) => Promise.reject(explained(error, api)))
  return {
    name: set.description.name,
    kind: set.description.kind,
    async ask(questions, onProgress) {
      const began = performance.now()
      const { uploadBytes, downloadBytes } = set.traffic
      const before = serverTime(set.timings)
      const items: Item[] = questions.flatMap((question) => question.items)
      const results = await set.check(items, {
        onProgress: ({ stage, done, total }) => onProgress(stages[stage], done, total),
      })
      let at = 0
      const answers = questions.map(({ items: own, entry }) => {
        const found = results.slice(at, at + own.length).filter((result) => result.found)
        at += own.length
        const label = found[0]?.label
        return { breached: found.length > 0, ...(label && { label: labelText(label) }), ...(entry && { entry }) }
      })
      const after = set.traffic
      const serverMs = serverTime(set.timings) - before
      return {
        answers,
        uploadBytes: after.uploadBytes - uploadBytes,
        downloadBytes: after.downloadBytes - downloadBytes,
        totalMs: performance.now() - began,
        serverMs: serverMs > 0 ? serverMs : undefined,
        bucketsTold: set.params.prefixBits > 0,
      }
    },
    [Symbol.dispose]: () => set[Symbol.dispose](),
  }
}

/** The OPRF and the queries. */
function serverTime({ evaluate, server }: Timings): number {
  return evaluate + server
}

/** The set that is named, or the one of a server that has one. A server that is not there is not waited for. */
async function nameOf(api: Api, named: string | undefined): Promise<string> {
  const { sets } = await api
    .json<{ sets: readonly { readonly name: string }[] }>('GET', '/v2/sets')
    .catch((error: unknown) => Promise.reject(explained(error, api)))
  const names = Array.isArray(sets) ? sets.map((set) => String(set?.name)) : []
  const found = named === undefined ? names.length === 1 && names[0] : names.find((name) => name === named)
  if (found) return found
  const listed = names
    .slice(0, 20)
    .join(', ')
    .replace(/\p{Cc}+/gu, ' ')
  throw new GloveboxError(
    'not-found',
    names.length === 0
      ? `the server at ${api.url} has no set: npx glovebox breach serve FOLDER serves one`
      : named === undefined
        ? `the server at ${api.url} has several sets: choose one by --set: ${listed}`
        : `the server at ${api.url} has no set "${named}"; there are: ${listed}`,
  )
}

/** With what there is to do here. */
function explained(error: unknown, { url, token }: Api): unknown {
  if (!(error instanceof GloveboxError)) return error
  const { code, message, cause } = error
  if (code === 'unauthorised' && token === undefined) return needsToken(url)
  if (code !== 'unavailable' || !message.includes('cannot be reached')) return error
  const [said] = message.split(': start one')
  return new GloveboxError(
    code,
    `${said}: start one with npx glovebox breach serve FOLDER, or name one by --server or GLOVEBOX_SERVER`,
    { cause },
  )
}

/** Lists' labels are text, filled up with zeros. */
export function labelText(label: Uint8Array): string {
  const text = label.subarray(0, label.findLastIndex((byte) => byte !== 0) + 1)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text)
  } catch {
    return Buffer.from(label).toString('hex')
  }
}
