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
