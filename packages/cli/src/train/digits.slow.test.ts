import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'
import { readFolder } from '../model-folder.ts'

const folder = testFolder()
const train = async (seed: number, out: string) =>
  JSON.parse((await inside('train', 'digits-linear', '--seed', String(seed), '-o', join(folder, out), '--json')).stdout)

test('reads 91.5 % of the test set or more, and the same seed gives the same bytes', async () => {
  const first = await train(1, 'a')
  expect(first.metrics.accuracy).toBeGreaterThanOrEqual(0.915)
  await train(1, 'b')
  await train(2, 'c')
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => readFolder(join(folder, name))))
  expect(a!.manifest.sha256).toBe(b!.manifest.sha256)
  expect(a!.manifest.sha256).not.toBe(c!.manifest.sha256)
  expect(a!.metrics!.accuracy).toBe(first.metrics.accuracy)
  expect(a!.examples!.items.map(({ expected }) => expected)).toEqual([...'0123456789'])
  expect(readFileSync(join(folder, 'a/seven.png')).subarray(1, 4).toString()).toBe('PNG')
})
