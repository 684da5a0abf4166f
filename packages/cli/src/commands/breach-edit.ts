import { GloveboxError } from '@glovebox/he'
import type { EvaluationPool, PsiSet } from '@glovebox/psi/sender'
import type { Command } from 'commander'
import { paddedEntries } from '../breach/entries.ts'
import type { List, ListEntry } from '../breach/list.ts'
import { countOf, leftOut } from '../breach/report.ts'
import { showCount } from '../terminal/format.ts'

interface EditOptions {
  readonly labels?: string
  readonly column?: string
  readonly json?: boolean
}

/** Insert and remove. */
export function addBreachEdit(breach: Command): void {
  addEdit(breach, 'insert', 'add the items of a list to a set', insert)
  addEdit(breach, 'remove', 'take the items of a list out of a set', remove)
}

type Edit = (set: PsiSet, list: List, pool: EvaluationPool) => Promise<Readonly<Record<string, number>>>

function addEdit(breach: Command, name: string, summary: string, edit: Edit): void {
  const command = breach
    .command(name)
    .summary(summary)
    .description(
      `${summary[0]!.toUpperCase()}${summary.slice(1)}: all of them or none. A server that has the set notices in seconds.`,
    )
    .argument('<folder>', 'of the set')
    .argument('<list>', 'a file with an item a line, by gzip or not; - for standard input')
  command
    .option('--labels <column>', 'of a set with labels: the list is CSV, and this column holds them')
    .option('--column <name>', 'of CSV: the column of the items (default: that of the build, or the first other one)')
    .option('--json', 'print one JSON object')
    .action(async (folder: string, path: string, options: EditOptions) => {
      const [{ createEvaluationPool }, { openToChange }, { openSource }, { readList }, { columnsOf }] =
        await Promise.all([
          import('@glovebox/psi/sender'),
          import('../breach/set-folder.ts'),
          import('../breach/lines.ts'),
          import('../breach/list.ts'),
          import('../breach/wanted.ts'),
        ])
      using set = await openToChange(folder)
      if (
        options.labels === undefined &&
        set.params.labelBytes > 0 &&
        (name === 'insert' || options.column !== undefined)
      )
        throw new GloveboxError(
          'parameters-mismatch',
          `the set "${set.name}" has labels: ${name} takes CSV and needs --labels COLUMN, the column that has them`,
        )
      if (options.labels !== undefined && set.params.labelBytes === 0)
        throw new GloveboxError(
          'parameters-mismatch',
          `the set "${set.name}" has no labels: leave out --labels, and give a list with an item a line`,
        )
      // Of a set with labels too, a list to be removed may have an item a line.
      const plain = options.labels === undefined && options.column === undefined
      const { labels, column } = plain ? options : columnsOf(set, options)
      const source = await openSource(path)
      const list = readList(source, {
        kind: set.kind,
        ...(labels !== undefined && { labels }),
        ...(column !== undefined && { column }),
      })
      const key = set.readKey()
      await using pool = createEvaluationPool({ key, hardening: set.hardening })
      key[Symbol.dispose]()
      const done = await edit(set, list, pool)
      const { items } = set
      if (options.json) process.stdout.write(`${JSON.stringify({ ...done, items, lines: list.counts.lines })}\n`)
      else {
        const said = Object.entries(done).map(
          ([what, count], i) => `${i === 0 ? countOf(set.kind, count) : showCount(count)} ${what}`,
        )
        process.stdout.write(`${folder}: ${said.join(', ')}; now ${countOf(set.kind, items)}\n`)
        const left = leftOut(list.counts)
        if (left) process.stdout.write(`${left}\n`)
      }
    })
}

async function insert(set: PsiSet, list: List, pool: EvaluationPool): Promise<Readonly<Record<string, number>>> {
  const entries: ListEntry[] = []
  for await (const entry of paddedEntries(list, set.params.labelBytes)) entries.push(entry)
  const { inserted, replaced } = await set.insert(entries, (items) => pool.evaluate(items))
  return { inserted, replaced }
}

async function remove(set: PsiSet, list: List, pool: EvaluationPool): Promise<Readonly<Record<string, number>>> {
  const items: Uint8Array[] = []
  for await (const { item } of list) items.push(item)
  const { removed, unknown } = await set.remove(items, (some) => pool.evaluate(some))
  return { removed, unknown: unknown.length }
}
