import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { columnOf, readTable } from './table.ts'

// Labelled tweets, and which of them were held out, as models/sentiment/train.py says it.

const folder = 'sentiment-sentimentr'
const files = ['crowdflower_deflategate', 'crowdflower_products', 'crowdflower_self_driving_cars']
/** Tweets that share so many words in a row are quotes of one another. */
const shingle = 6

export interface Tweet {
  readonly text: string
  readonly label: string
}

interface Wording extends Tweet {
  readonly words: readonly string[]
}

/** Addresses, and names of people, tell nothing about what the next tweet says. */
export function cleanTweet(text: string): string {
  return text.replace(/https?:\S*|@[A-Za-z0-9_]+/g, ' ')
}

/** The tweets that the model was not trained on. */
export async function heldOutTweets(data: string, most: number): Promise<Tweet[]> {
  const found = new Map<string, { text: string; labels: number[]; words: string[] }>()
  for (const file of files) {
    const table = await readTable(join(data, folder, `${file}.csv`))
    const labels = columnOf(table, 'sentiment').map(Number)
    columnOf(table, 'text').forEach((text, i) => {
      const words = wordsOf(text)
      const key = words.join(' ')
      const entry = found.get(key) ?? { text, labels: [], words }
      entry.labels.push(Math.abs(labels[i]!) < 1 ? 0 : Math.sign(labels[i]!))
      found.set(key, entry)
    })
  }
  const wordings: Wording[] = []
  for (const { text, labels, words } of found.values()) {
    const mean = labels.reduce((sum, label) => sum + label, 0) / labels.length
    if (words.length > 0 && Math.abs(mean) >= 0.5)
      wordings.push({ text, words, label: mean > 0 ? 'positive' : 'negative' })
  }
  const groups = groupsOf(wordings)
  return wordings.filter((_, i) => isAside(wordings[groups[i]!]!)).slice(0, most)
}

function wordsOf(text: string): string[] {
  const words = cleanTweet(text)
    .toLowerCase()
    .match(/[\p{L}\p{N}_]+/gu)
  return (words ?? []).filter((word) => [...word].length > 1 && word !== 'rt')
}

/** A fifth of the groups, by a hash of the first wording that the union-find of the training script calls their root. */
function isAside({ words }: Wording): boolean {
  return createHash('sha256').update(words.join(' ')).digest()[0]! % 5 === 0
}

/** Roots of groups of wordings that share a shingle: union-find with the choices of the training script, as the root decides about the group. */
function groupsOf(wordings: readonly Wording[]): number[] {
  const parent = wordings.map((_, i) => i)
  const root = (at: number): number => {
    let i = at
    while (parent[i] !== i) {
      parent[i] = parent[parent[i]!]!
      i = parent[i]!
    }
    return i
  }
  const seen = new Map<string, number>()
  wordings.forEach(({ words }, i) => {
    for (let j = 0; j < Math.max(1, words.length - shingle + 1); j++) {
      const part = words.slice(j, j + shingle).join(' ')
      const other = seen.get(part) ?? i
      seen.set(part, other)
      parent[root(i)] = root(other)
    }
  })
  return wordings.map((_, i) => root(i))
}
