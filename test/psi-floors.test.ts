import { expect, test } from 'vitest'
import { findCircle, isTest, pathTo, shipped, sources } from './import-graph.ts'

// The floors of psi: parameters, arithmetic and hashing, items and the OPRF, the planner; frames; evaluation and the database; above them, apart, who asks
// and who answers. Entries are index.ts (no secrets, everywhere), receiver.ts (browsers too), sender.ts (Node).
const psi = 'packages/psi/src/'
const he = 'packages/he/src/'
const order = [
  ['params'],
  ['field', 'hashing', 'items'],
  ['oprf'],
  ['plan'],
  ['wire'],
  ['evaluate'],
  ['database'],
  ['receiver', 'sender'],
]
const entries = ['index.ts', 'receiver.ts', 'sender.ts'].map((name) => psi + name)
const own = shipped('psi').filter(({ path }) => !entries.includes(path))
const folderOf = (path: string): string => path.slice(psi.length).split('/')[0]!

function levelOf(path: string): number {
  const level = order.findIndex((names) => names.includes(folderOf(path)))
  if (level < 0) throw new Error(`${path} is on no floor: one of ${order.flat().join(', ')} expected`)
  return level
}

test('a file of psi imports its own floor or a lower one, and the sender nothing of the receiver', () => {
  expect(own.length).toBeGreaterThan(40)
  const wrong = own.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => target?.startsWith(psi))
      .filter(({ target }) => {
        const sideways = new Set([folderOf(path), folderOf(target!)])
        return (
          entries.includes(target!) ||
          isTest(target!) ||
          levelOf(target!) > levelOf(path) ||
          (sideways.has('receiver') && sideways.has('sender'))
        )
      })
      .map(({ target }) => `${path} → ${target}`),
  )
  expect(wrong).toEqual([])
  expect(findCircle(own)).toBeUndefined()
})

test('only the receiver reaches what holds, makes or needs a secret key', () => {
  const secret = (path: string): boolean =>
    path === `${he}secret.ts` || /\/rlwe\/(secret-|keygen|decrypt|encrypt-symmetric)/.test(path)
  for (const entry of ['index.ts', 'sender.ts'])
    expect(
      pathTo([psi + entry], (path) => secret(path) || path.startsWith(`${psi}receiver`)),
      entry,
    ).toBeUndefined()
  expect(pathTo([`${psi}receiver.ts`], secret), 'the search finds what is there').toBeDefined()
})

test('what runs in browsers reaches no module of Node, no libsodium and no database', () => {
  const foreign = (path: string): string[] =>
    (sources.get(path)?.imports ?? [])
      .filter(({ specifier, type }) => !type && /^node:|libsodium/.test(specifier))
      .map(({ specifier }) => specifier)
  for (const entry of ['index.ts', 'receiver.ts'])
    expect(
      pathTo([psi + entry], (path) => foreign(path).length > 0 || /\/(database|sender)\//.test(path)),
      entry,
    ).toBeUndefined()
  expect(pathTo([`${psi}sender.ts`], (path) => foreign(path).includes('node:sqlite'))).toBeDefined()
})

test('what runs in browsers touches no global of Node', () => {
  const touches = /(?<![.\w$'"])(?:process|Buffer|__dirname)\s*[.([]|(?<![.\w])require\(/
  const reached = own.filter(({ path }) =>
    ['index.ts', 'receiver.ts'].some((entry) => pathTo([psi + entry], (each) => each === path) !== undefined),
  )
  expect(reached.length).toBeGreaterThan(15)
  expect(reached.filter(({ text }) => touches.test(text)).map(({ path }) => path)).toEqual([])
  expect(touches.test('x = Buffer.from(y)')).toBe(true)
})
