import type { ItemKind } from '@glovebox/psi'
import { showCount } from '../terminal/format.ts'
import type { ListCounts } from './list.ts'

/** Items of a set, of people: "3 passwords". */
export function countOf(kind: ItemKind, count: number): string {
  const items = kind === 'bytes' ? 'items' : kind
  return `${showCount(count)} ${count === 1 ? items.slice(0, -1) : items}`
}

/** What was left out of a list and why, in a line; none where nothing was. Items are in no part of it. */
export function leftOut({ empty, long, wrong, firstWrong }: Readonly<ListCounts>): string | undefined {
  const parts = [
    empty > 0 ? `${showCount(empty)} empty` : undefined,
    long > 0 ? `${showCount(long)} longer than any item` : undefined,
    wrong > 0 ? `${showCount(wrong)} that are no item (first in line ${firstWrong})` : undefined,
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : `lines left out: ${parts.join(', ')}`
}
