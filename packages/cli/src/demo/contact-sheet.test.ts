import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode } from 'fast-png'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { writeSheet } from './contact-sheet.ts'

const folder = testFolder()

test('pictures stand in rows, in frames of what they were judged, above bars as long as their shares', async () => {
  const path = join(folder, 'new', 'sheet.png')
  const grey = { pixels: [10, 10, 200, 200], side: 2, share: 0.25, right: true }
  const red = { pixels: [255, 0, 0], side: 1, channels: 3 as const, share: 1, right: false }
  await writeSheet(path, [grey, red])
  const { width, height, data, channels } = decode(readFileSync(path))
  expect([width, height, channels]).toEqual([2 * 128 + 10, 136 + 10, 3])
  const at = (x: number, y: number): number[] => Array.from(data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3))
  const [paper, frames] = [at(2, 2), [at(11, 11), at(139, 11)]]
  expect(frames[0]![1]).toBeGreaterThan(frames[0]![0]!)
  expect(frames[1]![0]).toBeGreaterThan(frames[1]![1]!)
  expect(at(20, 14)).toEqual([10, 10, 10])
  expect(at(20, 120)).toEqual([200, 200, 200])
  expect(at(200, 60)).toEqual([255, 0, 0])
  const bar = (x: number): number[] => at(x, 10 + 118 + 4)
  expect(bar(12 + 20)).not.toEqual(bar(12 + 40))
  expect(bar(140)).toEqual(bar(250))
  expect(at(132, 60)).toEqual(paper)
})
