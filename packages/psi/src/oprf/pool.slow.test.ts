import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('threads that have nothing to do keep no process alive', () => {
  const url = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)
  const program = `
    import { createEvaluationPool } from ${url('./pool.ts')}
    import { createOprfKey } from ${url('./key.ts')}
    const pool = createEvaluationPool({ key: createOprfKey(), threads: 2 })
    console.log((await pool.evaluate([Uint8Array.of(1)])).length)`
  const options = { encoding: 'utf8', timeout: 30_000 } as const
  const run = spawnSync(
    process.execPath,
    ['--conditions=@glovebox/source', '--input-type=module', '-e', program],
    options,
  )
  expect([run.status, run.stdout, run.signal]).toEqual([0, '64\n', null])
})
