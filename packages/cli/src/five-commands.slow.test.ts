import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../../scripts/five-commands.ts', import.meta.url))

test('train, push, push again, test, deploy, predict: from nothing to a private prediction', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=@glovebox/source', script], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  expect([status, stderr]).toEqual([0, ''])
  const [, seconds] = /all of it in ([\d.]+) s/.exec(stdout) ?? []
  // Less than 60 is promised, on a machine that does nothing else.
  console.log(`the five commands took ${seconds} s`)
  const [, right] = /test set: ([\d.]+) % of 10000 right/.exec(stdout) ?? []
  expect(Number(right)).toBeGreaterThanOrEqual(91.5)
})
