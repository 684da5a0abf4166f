import { expect, test } from 'vitest'
import { shipped } from './import-graph.ts'

// The floors of the client: what speaks HTTP and what keeps keys know nothing of each other; keys and queries, files of their own, stand on HTTP for `connect`; a session
// brings all together, in whichever thread; threads carry it; the SDK is what a program sees.
const client = 'packages/client/src/'
const order = [['http', 'storage'], [''], ['session'], ['thread'], ['sdk']]
const entries = ['index.ts', 'browser.ts'].map((name) => client + name)

function levelOf(path: string): number {
  const [folder, file] = path.slice(client.length).split('/')
  const name = file === undefined ? '' : folder!
  const level = order.findIndex((names) => names.includes(name))
  if (level < 0) throw new Error(`${path} is on no floor: one of ${order.flat().join(', ')} expected`)
  return level
}

const own = shipped('client').filter(({ path }) => !entries.includes(path))

test('a file of the client imports its own floor or a lower one', () => {
  expect(own.length).toBeGreaterThan(30)
  const up = own.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => target?.startsWith(client) && levelOf(target) > levelOf(path))
      .map(({ target }) => `${path} → ${target}`),
  )
  expect(up).toEqual([])
})

test('what speaks HTTP reaches no key', () => {
  const reaching = own.filter(
    ({ path, imports }) =>
      path.startsWith(`${client}http/`) &&
      imports.some(({ specifier, target }) => specifier === '@glovebox/he/secret' || target?.includes('/storage/')),
  )
  expect(reaching.map(({ path }) => path)).toEqual([])
})

test('what a page loads before its worker holds no key: it imports values of no session and no storage', () => {
  // Of http it may: that reaches no key, as the test before says.
  const page = [
    'sdk/glovebox.ts',
    'sdk/model.ts',
    'sdk/options.ts',
    'sdk/browser.ts',
    'thread/open-browser.ts',
    'thread/backend.ts',
    'thread/channel.ts',
    'thread/errors.ts',
  ]
  const found = page.flatMap((name) =>
    own
      .find(({ path }) => path === client + name)!
      .imports.filter(
        ({ target, type }) => !type && target?.startsWith(client) && !/\/(sdk|thread|http)\//.test(target),
      ),
  )
  expect(found.map(({ specifier }) => specifier)).toEqual([])
})
