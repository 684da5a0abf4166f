import { GloveboxError } from '@glovebox/he'
import type { Credential, Item, ItemKind } from '@glovebox/psi'
import type { Entry } from './exports.ts'
import { linesOf, openSource, type Source } from './lines.ts'
import { textItem } from './list.ts'

/** What is asked for: one thing of the user's, in the forms that a list may have it in. */
export interface Question {
  readonly items: readonly Item[]
  /** Of an export: which log-in it is, without its password. */
  readonly entry?: Omit<Entry, 'password'>
}

/** One item a line, of a set of this kind. Lines are bytes; nothing is trimmed but what ends them. */
export async function readQuestions(kind: ItemKind, path = '-'): Promise<Question[]> {
  return questionsIn(kind, await openSource(path))
}

/** Lines that are named in an error. */
const mostNamed = 20

/** @throws GloveboxError `malformed` that names all lines that are wrong, and nothing of what is in them. */
export async function questionsIn(kind: ItemKind, source: Source): Promise<Question[]> {
  const questions: Question[] = []
  const wrong: { readonly number: number; readonly said: string }[] = []
  for await (const { number, bytes } of linesOf(source)) {
    const where = `line ${number} of ${source.name}`
    if (bytes === undefined) wrong.push({ number, said: `${where} is too long: expected ${named[kind]} in each line` })
    else if (bytes.length === 0) wrong.push({ number, said: `${where} is empty: expected ${named[kind]} in each line` })
    else
      try {
        questions.push({ items: formsOf(kind, bytes, where) })
      } catch (error) {
        if (!(error instanceof GloveboxError)) throw error
        wrong.push({ number, said: error.message })
      }
  }
  if (wrong.length === 1) throw new GloveboxError('malformed', wrong[0]!.said)
  if (wrong.length > 1) {
    const numbers = wrong.slice(0, mostNamed).map(({ number }) => number)
    const more = wrong.length > mostNamed ? ` and ${wrong.length - mostNamed} more` : ''
    throw new GloveboxError(
      'malformed',
      `lines ${numbers.join(', ')}${more} of ${source.name} cannot be asked for, and nothing was; the first: ${wrong[0]!.said}`,
    )
  }
  if (questions.length === 0)
    throw new GloveboxError('malformed', `${source.name} is empty: expected ${named[kind]} in each line`)
  return questions
}

/** Log-ins of an export as questions to a set of this kind. */
export function questionsOf(kind: ItemKind, entries: readonly Entry[]): Question[] {
  if (kind !== 'passwords' && kind !== 'credentials')
    throw new GloveboxError(
      'unsupported',
      `the set has ${kind} for items: --file is for sets of passwords or credentials`,
    )
  return entries.flatMap(({ password, ...entry }): Question[] => {
    if (kind === 'passwords') return [{ entry, items: forms(password) }]
    // A pair without a user is no pair.
    if (entry.username.trim() === '') return []
    return [{ entry, items: forms(password).map((form) => ({ user: entry.username, password: form })) }]
  })
}

/** A text that somebody typed. */
export function questionOf(kind: ItemKind, text: string): Question {
  return { items: formsOf(kind, new TextEncoder().encode(text), 'what was typed') }
}

const named: Readonly<Record<ItemKind, string>> = {
  passwords: 'a password',
  credentials: 'user:password',
  domains: 'a domain',
  bytes: 'an item',
}

function formsOf(kind: ItemKind, bytes: Uint8Array, where: string): readonly Item[] {
  if (kind === 'bytes') return [bytes]
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    if (kind === 'passwords') return [bytes]
    throw new GloveboxError('malformed', `${where} is no text in UTF-8: expected ${named[kind]}`)
  }
  if (kind === 'passwords') return forms(text)
  try {
    const item = textItem(kind, text)
    return kind === 'credentials' ? pairs(item as Credential) : [item]
  } catch {
    throw new GloveboxError('malformed', `${where} has no colon: expected ${named[kind]}`)
  }
}

function pairs({ user, password }: Credential): Credential[] {
  return forms(password as string).map((form) => ({ user, password: form }))
}

/** As it is, and composed where that is something else: lists have passwords as services got them, and keyboards differ. */
function forms(password: string): string[] {
  return [...new Set([password, password.normalize('NFC')])]
}
