import { GloveboxError } from '@glovebox/he'
import type { ListEntry } from './list.ts'

/** Entries as a set takes them: labels filled up with zeros to one length. @throws GloveboxError `too-large` for a label that is longer. */
export async function* paddedEntries(list: AsyncIterable<ListEntry>, labelBytes: number): AsyncGenerator<ListEntry> {
  let position = 0
  for await (const { item, label } of list) {
    position++
    if (labelBytes === 0) yield { item }
    else {
      const text = label ?? new Uint8Array(0)
      if (text.length > labelBytes)
        throw new GloveboxError(
          'too-large',
          `the label of item ${position} has ${text.length} bytes, and those of the set ${labelBytes}: shorten it, or build a set with --label-bytes ${text.length}`,
        )
      const padded = new Uint8Array(labelBytes)
      padded.set(text)
      yield { item, label: padded }
    }
  }
}

/** The same entries. @throws GloveboxError `malformed` at the end where there were none: a set of nothing answers "not in the list" to everybody. */
export async function* atLeastOne(entries: AsyncIterable<ListEntry>, name: string): AsyncGenerator<ListEntry> {
  let none = true
  for await (const entry of entries) {
    none = false
    yield entry
  }
  if (none) throw new GloveboxError('malformed', `${name} has no item that the set could take: nothing is built of it`)
}
