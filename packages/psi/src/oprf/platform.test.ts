import { describe, expect, test } from 'vitest'
import { pathTo, sources } from '../../../../test/import-graph.ts'

// What a bundler would put into a page: the entries for browsers lead neither to libsodium, which is a megabyte, nor to Node.

const psi = 'packages/psi/src/'
const foreign = (path: string): boolean =>
  sources
    .get(path)!
    .imports.some(
      ({ specifier, type }) => !type && (specifier.startsWith('node:') || specifier.startsWith('libsodium')),
    )

describe.each(['index', 'receiver'])('%s', (entry) => {
  test('leads neither to libsodium nor to Node', () => {
    expect(pathTo([`${psi}${entry}.ts`], (path) => path.startsWith('packages/psi/') && foreign(path))).toBeUndefined()
  })
})

test('the search itself finds what is there', () => {
  const found = pathTo([`${psi}sender.ts`], (path) => path === `${psi}oprf/sodium-group.ts`)
  expect(found?.at(-1)).toBe(`${psi}oprf/sodium-group.ts`)
  expect(foreign(`${psi}oprf/sodium-group.ts`)).toBe(true)
  expect(foreign(`${psi}items/harden-node.ts`)).toBe(true)
})
