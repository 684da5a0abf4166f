import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examples, folders, lines, run, slow } from './run-example.ts'

describe('an example', () => {
  test.concurrent.each(folders.filter((folder) => !slow.includes(folder.slice(0, 2))))(
    '%s runs, and its results are right',
    async (folder) => {
      const { code, output } = await run(join(examples, folder, 'main.ts'))
      expect(code, output).toBe(0)
      const expected = lines[folder.slice(0, 2)]
      expect(expected, `lines expected of ${folder}`).toBeDefined()
      for (const line of expected!) expect(output).toMatch(line)
    },
  )

  test('is found by its number, and a number that there is not is told', async () => {
    const { code, output } = await run(join(examples, 'run.ts'), '99')
    expect(code).toBe(1)
    expect(output).toContain('no example begins with "99"')
  })

  test('imports public entries only, and has its line in the list', () => {
    const list = readFileSync(join(examples, 'README.md'), 'utf8')
    for (const folder of folders) {
      expect(list).toContain(`(${folder}/main.ts)`)
      for (const file of readdirSync(join(examples, folder))) {
        const source = readFileSync(join(examples, folder, file), 'utf8')
        for (const [, from] of source.matchAll(/from '([^']+)'/g))
          expect(from, `${folder}/${file}`).toMatch(
            /^(@glovebox\/[a-z-]+(\/[a-z-]+)*|node:[a-z_/]+|node-seal|eth-phishing-detect\/src\/config\.json|\.\.?\/[a-z-]+\.ts)$/,
          )
      }
    }
  })
})
