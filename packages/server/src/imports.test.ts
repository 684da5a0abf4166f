import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// A type that the server cannot import is the secret key. This follows every import of its sources, types included, through all
// packages, and finds none of the modules that hold, make or use one.

const packages = fileURLToPath(new URL('../../', import.meta.url))
const forbidden = [
  'he/src/secret.ts',
  'he/src/rlwe/secret-key.ts',
  'he/src/rlwe/secret-wire.ts',
  'he/src/rlwe/keygen.ts',
  'he/src/rlwe/decrypt.ts',
  'he/src/rlwe/encrypt-symmetric.ts',
]

function resolveImport(from: string, name: string): string | undefined {
  if (name.startsWith('.')) return resolve(dirname(from), name)
  const [, owner, entry = 'index'] = /^@glovebox\/([a-z]+)(?:\/([a-z]+))?$/.exec(name) ?? []
  return owner && join(packages, owner, 'src', `${entry}.ts`)
}

/** Files reached from the start, each with the file that imports it. */
function reach(start: readonly string[]): Map<string, string> {
  const found = new Map(start.map((file) => [file, 'itself']))
  for (const [file] of found) {
    const imports = readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)
    for (const [, name] of imports) {
      const target = resolveImport(file, name!)
      if (!target || found.has(target)) continue
      if (!existsSync(target)) throw new Error(`${file} imports ${name}, which is not there`)
      found.set(target, file)
    }
  }
  return found
}

const sources = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name))

test.each(['server', 'ml'])('packages/%s reaches no secret key', (owner) => {
  const found = reach(sources(join(packages, owner, 'src')))
  const names = [...found.keys()].map((file) => relative(packages, file))
  expect(names).toContain('he/src/index.ts')
  expect(names.length).toBeGreaterThan(60)
  for (const name of names) {
    expect(forbidden, `${name}, imported by ${relative(packages, found.get(join(packages, name))!)}`).not.toContain(
      name,
    )
    expect(name).not.toMatch(/^client\//)
  }
})

test('and the way of looking does find them where they are used', () => {
  const names = [...reach(sources(join(packages, 'client/src'))).keys()].map((file) => relative(packages, file))
  for (const name of forbidden) expect(names).toContain(name)
})
