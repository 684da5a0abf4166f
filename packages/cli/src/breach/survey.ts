import { GloveboxError } from '@glovebox/he'
import { openSource, type Source } from './lines.ts'
import { type ListOptions, readList } from './list.ts'

/** What has to be known of a list before a set of it can be begun. */
export interface Survey {
  /** Items, with those that come twice; of a long list lines. */
  readonly items: number
  /** Bytes of the longest label. */
  readonly labelBytes: number
}

/** From so many bytes on it is lines that are counted, where there are no labels to be measured. */
const longBytes = 2 ** 20

/**
 * Reads a list once from its beginning to its end.
 * @throws GloveboxError `malformed` for a list without items.
 */
export async function surveyList(
  path: string,
  options: ListOptions,
  onProgress: (done: number, total: number) => void,
): Promise<Survey> {
  const source = await openSource(path)
  if (options.labels === undefined && (source.bytes ?? 0) >= longBytes)
    return { items: await countLines(source, onProgress), labelBytes: 0 }
  const list = readList(source, options)
  let labelBytes = 0
  let seen = 0
  for await (const { label } of list) {
    if (label && label.length > labelBytes) labelBytes = label.length
    if (++seen % 65_536 === 0 && source.bytes !== undefined) onProgress(source.read(), source.bytes)
  }
  const { items, lines } = list.counts
  if (items === 0)
    throw new GloveboxError(
      'malformed',
      lines === 0
        ? `${source.name} has no lines: expected an item in each`
        : `${source.name} has no item that a set of ${options.kind} could take in its ${lines} line${lines === 1 ? '' : 's'}`,
    )
  return { items, labelBytes }
}

async function countLines(source: Source, onProgress: (done: number, total: number) => void): Promise<number> {
  let lines = 1
  for await (const chunk of source.chunks()) {
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) lines++
    onProgress(source.read(), source.bytes!)
  }
  return lines
}
