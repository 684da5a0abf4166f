import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { tinyPowers } from '../../test/clear.ts'
import { createSetParams } from '../params/set-params.ts'
import { layOut } from './layout.ts'
import type { TagTable } from './tag-table.ts'

/** Items of which each four have their first element in common, and nothing else. */
function foursomes(count: number): TagTable {
  const words = new Uint32Array(4 * count)
  for (let i = 0; i < count; i++) {
    words[4 * i] = (((i + 1) << 16) | (i >> 2)) >>> 0
    for (let j = 1; j < 4; j++) words[4 * i + j] = (i + 1) * 0x10001
  }
  const none = new Uint32Array(0)
  return { count, words, prefixes: new Uint16Array(0), x: none, y: none, labels: new Uint8Array(2 * count) }
}

test.each([48, 47, 44, 20])(
  '%i items in 48 places: none is lost, and none is beside one with an equal element',
  (count) => {
    const params = createSetParams(tinyPowers({ labelBytes: 2 }))
    const table = foursomes(count)
    let oneBundle = 0
    for (let run = 0; run < 80; run++) {
      const { binRows, rowStarts, order } = layOut(params, table, randomBytes(32))
      expect([...order].sort((a, b) => a - b)).toEqual([...new Array(count).keys()])
      expect([binRows.length, binRows.at(-1), rowStarts.at(-1)]).toEqual([13, rowStarts.length - 1, count])
      for (let row = 0; row + 1 < rowStarts.length; row++) {
        const items = order.subarray(rowStarts[row], rowStarts[row + 1])
        expect(items.length).toBeLessThanOrEqual(4)
        expect(new Set(items.map((item) => item >> 2)).size).toBe(items.length)
      }
      if (binRows[1] === 1) oneBundle++
    }
    // A second bundle is for want of places only, and costs another ciphertext.
    expect(oneBundle).toBeGreaterThan(count === 48 ? 0 : count === 47 ? 10 : 60)
  },
)
