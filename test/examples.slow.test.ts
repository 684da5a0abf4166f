import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examples, folders, lines, run, slow } from './run-example.ts'

describe('a longer example', () => {
  test.each(folders.filter((folder) => slow.includes(folder.slice(0, 2))))(
    '%s runs, and its results are right',
    async (folder) => {
      const { code, output } = await run(join(examples, folder, 'main.ts'))
      expect(code, output).toBe(0)
      for (const line of lines[folder.slice(0, 2)]!) expect(output).toMatch(line)
    },
  )
})
