import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startS3 } from '../../test/s3.ts'

/** It is about 10 MB; a busy machine clears garbage later. Whole or in parts in memory it would be 200. */
const limit = 64 * 2 ** 20

/** Bytes that a set of 200 MB takes beyond one of 40 MB. */
function extra(s3 = ''): Record<string, number> {
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-memory-'))
  const child = join(import.meta.dirname, '../../test/memory-child.ts')
  const args = ['--expose-gc', '--conditions=@glovebox/source', child, directory, '200', s3]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Record<string, number>
}

test('200 MB of keys in files take less than 64 MB of memory: whole, in parts, read again', () => {
  const found = extra()
  expect(Object.keys(found)).toEqual(['whole', 'parts', 'read'])
  for (const [way, bytes] of Object.entries(found)) expect(bytes, way).toBeLessThan(limit)
})

test('and in S3', async () => {
  const s3 = await startS3()
  try {
    for (const [way, bytes] of Object.entries(extra(JSON.stringify(s3.options()))))
      expect(bytes, way).toBeLessThan(limit)
  } finally {
    await s3.stop()
  }
})
