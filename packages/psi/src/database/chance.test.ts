import { expect, test } from 'vitest'
import { itemsPerTable } from '../hashing/cuckoo.ts'
import type { SetParamsLiteral } from '../params/params.ts'
import { batchSet, friendlySet, matrixSet } from '../params/presets.ts'
import { createSetParams } from '../params/set-params.ts'
import { requireNoChance } from './chance.ts'

/** With one function a query has one item, in one bin. */
const single: SetParamsLiteral = { ...friendlySet(), powers: { ...friendlySet().powers!, hashFunctions: 1 } }

/** log2 of what a run finds by chance: items asked for at once, rows that each is looked up in, chance in a row. */
function chanceOf(literal: SetParamsLiteral, asked: number, rows: number, itemsPerRow: number): number {
  const { feltsPerItem, feltBits } = createSetParams(literal)
  return Math.log2(asked * rows) + feltsPerItem * (Math.log2(itemsPerRow) - feltBits)
}

test.each<[string, SetParamsLiteral, (bins: number, bundles: number) => [number, number]]>([
  [
    'a table of as many items as find places, each in one bin',
    batchSet(),
    (b, bundles) => [itemsPerTable(3, b), bundles],
  ],
  ['one item in one bin', single, (_, bundles) => [1, bundles]],
  ['one item in all bins', friendlySet(), (bins, bundles) => [1, bins * bundles]],
  ['one item in all columns', matrixSet(1000), (bins, bundles) => [1, bins * bundles]],
])('is counted for %s', (_, literal, runOf) => {
  const params = createSetParams(literal)
  const { itemsPerBin: itemsPerRow } = params
  const at = (bundles: number): number => chanceOf(literal, ...runOf(params.bins, bundles), itemsPerRow)
  // The most bundles that are allowed, by the definition.
  const most = Math.floor(2 ** (-40 - at(1)))
  expect(most).toBeGreaterThan(0)
  requireNoChance(params, { bundles: most, itemsPerRow }, 1)
  expect(() => requireNoChance(params, { bundles: most + 1, itemsPerRow }, 1)).toThrow(
    expect.objectContaining({ code: 'unsupported' }),
  )
})
