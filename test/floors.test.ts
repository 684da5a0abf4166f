import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findCircle, importsOf, packages, pathTo, shipped, sources } from './import-graph.ts'

// The house of ARCHITECTURE.md, held up: who may import whom.

const floors = [
  'base',
  'params',
  'kernels',
  'backend',
  'ring',
  'rlwe',
  'schemes',
  'interchange',
  'circuits',
  'multiparty',
]
const he = 'packages/he/src/'
const entries = ['index', 'secret', 'seal', 'seal-secret'].map((name) => `${he}${name}.ts`)

function floorOf(path: string): number {
  const floor = floors.indexOf(path.slice(he.length).split('/')[0]!)
  if (floor < 0) throw new Error(`${path} is on no floor: one of ${floors.join(', ')} expected`)
  return floor
}

/** ckks of schemes/ckks/encoder.ts, shared of schemes/context.ts. */
function schemeOf(path: string): string | undefined {
  const [floor, first, second] = path.slice(he.length).split('/')
  return floor === 'schemes' ? (second === undefined ? 'shared' : first) : undefined
}

/** Within schemes: CKKS, BFV and BGV do not know each other; BFV and BGV stand on `integer`, all on what lies in schemes itself. */
function sideways(from: string | undefined, to: string | undefined): boolean {
  if (from === undefined || to === undefined || from === to || to === 'shared') return false
  return !(to === 'integer' && (from === 'bfv' || from === 'bgv'))
}

describe('the floors of he', () => {
  const own = shipped('he').filter(({ path }) => !entries.includes(path))

  test('there is something to look at', () => {
    expect(own.length).toBeGreaterThan(40)
    expect(own.flatMap(({ imports }) => imports).filter(({ target }) => target).length).toBeGreaterThan(100)
  })

  test('a file imports its own floor or a lower one, never up, and never another scheme', () => {
    const wrong = own.flatMap(({ path, imports }) =>
      imports.flatMap(({ target, specifier }) => {
        if (target === undefined) return []
        if (!target.startsWith(he) || entries.includes(target)) return [`${path} → ${specifier}`]
        const up = floorOf(target) > floorOf(path)
        return up || sideways(schemeOf(path), schemeOf(target)) ? [`${path} → ${target}`] : []
      }),
    )
    expect(wrong).toEqual([])
  })

  test('what is imported exists', () => {
    const missing = [...sources.values()].flatMap(({ path, imports }) =>
      imports
        .filter(
          ({ target }) =>
            target?.startsWith('packages/') &&
            !target.includes('.generated.') &&
            target.includes('/src/') &&
            !sources.has(target),
        )
        .map(({ specifier }) => `${path} → ${specifier}`),
    )
    expect(missing).toEqual([])
  })

  test('the entries without secrets reach nothing that holds, makes or needs one', () => {
    const secrets = [
      'secret',
      'rlwe/secret-key',
      'rlwe/secret-wire',
      'rlwe/keygen',
      'rlwe/decrypt',
      'rlwe/encrypt-symmetric',
      'seal-secret',
      'interchange/seal-secret-key',
    ].map((name) => `${he}${name}.ts`)
    for (const secret of secrets) expect(sources.has(secret), secret).toBe(true)
    for (const entry of ['index.ts', 'seal.ts'])
      expect(
        pathTo([`${he}${entry}`], (path) => secrets.includes(path)),
        entry,
      ).toBeUndefined()
    expect(
      pathTo([`${he}secret.ts`], (path) => path === secrets[1]),
      'the search itself finds what is there',
    ).toEqual([`${he}secret.ts`, secrets[1]])
  })

  test('nothing touches Node or the DOM outside backend/platform-*.ts', () => {
    const globals = [
      'process',
      'Buffer',
      'window',
      'document',
      'navigator',
      'location',
      'self',
      'localStorage',
      '__dirname',
      '__filename',
      'Deno',
      'Bun',
    ]
    const touches = new RegExp(
      `['"]node:|(?<![.\\w$'"])(?:${globals.join('|')})\\s*[.([]|globalThis\\.(?:${globals.join('|')})\\b|(?<![.\\w])require\\(`,
    )
    for (const bad of [
      "import fs from 'node:fs'",
      'process.env',
      'window.foo',
      'x = document.title',
      'new Worker(globalThis.process)',
      'require("fs")',
      'Buffer.from(x)',
    ]) {
      expect(touches.test(bad), bad).toBe(true)
    }
    for (const good of [
      'reader.require(3)',
      'reader.ensure(3)',
      'this.process(x)',
      'const documents = 3',
      'globalThis.crypto',
    ])
      expect(touches.test(good), good).toBe(false)
    const found = shipped('he').filter(
      ({ path, text }) => !/\/backend\/platform-[^/]+\.ts$/.test(path) && touches.test(text),
    )
    expect(found.map(({ path, text }) => `${path}: ${touches.exec(text)![0]}`)).toEqual([])
  })

  test('depends on three small packages of somebody else', () => {
    const foreign = new Set(
      shipped('he').flatMap(({ imports }) =>
        imports
          .filter(({ target }) => target === undefined)
          .map(({ specifier }) => specifier.split('/').slice(0, 2).join('/')),
      ),
    )
    const allowed = ['@noble/hashes', 'debug', 'fflate']
    expect([...foreign].filter((name) => !allowed.includes(name))).toEqual([])
  })
})

describe('the floors of ml', () => {
  const ml = 'packages/ml/src/'
  // Passes and analyses look at the same graphs; compiling uses everything.
  const order = [
    ['tensor'],
    ['approximation'],
    ['graph'],
    ['model'],
    ['import'],
    ['layout'],
    ['passes', 'analysis'],
    ['program'],
    ['run'],
    ['train'],
    ['compile'],
  ]
  const level = (path: string): number => {
    const found = order.findIndex((names) => names.includes(path.slice(ml.length).split('/')[0]!))
    if (found < 0) throw new Error(`${path} is on no floor: one of ${order.flat().join(', ')} expected`)
    return found
  }

  test('a file imports its own floor or a lower one', () => {
    const own = shipped('ml').filter(({ path }) => path.slice(ml.length).includes('/'))
    const up = own.flatMap(({ path, imports }) =>
      imports
        .filter(({ target }) => target?.startsWith(ml) && level(target) > level(path))
        .map(({ target }) => `${path} → ${target}`),
    )
    expect(up).toEqual([])
  })
})

describe('the floors of server', () => {
  const server = 'packages/server/src/'
  // Files by name where they are on another floor than their folder, or in none.
  const order = [
    ['observe', 'access/principal.ts', 'closers.ts'],
    ['store'],
    ['access', 'registry', 'keys'],
    ['compute'],
    ['jobs'],
    // Sets are routes, too; what serves them stands on all of it.
    ['http', 'sets', 'config.ts', 'config-values.ts', 'secret.ts'],
    [
      'stores.ts',
      'announce.ts',
      'listen.ts',
      'service.ts',
      'serve.ts',
      'jobs/worker.ts',
      'sets/open.ts',
      'sets/serve.ts',
      'index.ts',
    ],
  ]
  const level = (path: string): number => {
    const own = path.slice(server.length)
    const named = order.findIndex((names) => names.includes(own))
    const found = named >= 0 ? named : order.findIndex((names) => names.includes(own.split('/')[0]!))
    if (found < 0) throw new Error(`${path} is on no floor: one of ${order.flat().join(', ')} expected`)
    return found
  }
  const inner = shipped('server').flatMap(({ path, imports }) =>
    imports.flatMap(({ target, type }) => (target?.startsWith(server) ? [{ path, target, type }] : [])),
  )

  test('a file imports its own floor or a lower one', () => {
    expect(inner.length).toBeGreaterThan(100)
    const up = inner.filter(({ path, target }) => level(target) > level(path))
    expect(up.map(({ path, target }) => `${path} → ${target}`)).toEqual([])
  })

  test('http knows what it serves by interfaces alone', () => {
    const known = (target: string): boolean => level(target) > 0 && level(target) < level(`${server}http/app.ts`)
    const values = inner.filter(({ path, target, type }) => path.startsWith(`${server}http/`) && known(target) && !type)
    expect(values.map(({ path, target }) => `${path} → ${target}`)).toEqual([])
  })

  test('what only a configuration needs is imported when it does: a start is quick', () => {
    const heavy = ['pg', 'bullmq', 'ioredis', '@aws-sdk/client-s3', '@aws-sdk/lib-storage']
    const eager = shipped('server').flatMap(({ path, text, imports }) =>
      heavy
        .filter((name) => {
          const values = imports.filter(({ specifier, type }) => specifier === name && !type)
          return values.length > text.split(`import('${name}')`).length - 1
        })
        .map((name) => `${path} → ${name}`),
    )
    expect(eager).toEqual([])
  })
})

describe('the packages', () => {
  test.each(packages.map(({ folder }) => folder))('%s has no circle of imports', (folder) => {
    expect(findCircle(shipped(folder))).toBeUndefined()
  })

  test.each(['ml', 'server'])('%s reaches neither a secret key nor the client', (folder) => {
    const starts = shipped(folder).map(({ path }) => path)
    expect(pathTo(starts, (path) => path === `${he}secret.ts` || path.startsWith(`${he}rlwe/secret-`))).toBeUndefined()
    expect(pathTo(starts, (path) => path.startsWith('packages/client/'))).toBeUndefined()
  })

  test.each(['ml', 'server'])('%s cannot even name a secret: its compiler sees none', (folder) => {
    const probe = join(import.meta.dirname, `../packages/${folder}/src/probe-${process.pid}.ts`)
    const tsc = join(import.meta.dirname, '../node_modules/.bin/tsc')
    writeFileSync(
      probe,
      "import type { SecretKey } from '@glovebox/he/secret'\nexport const key: SecretKey | undefined = undefined\n" +
        "import { readSealSecretKey } from '@glovebox/he/seal/secret'\nexport const read: unknown = readSealSecretKey\n",
    )
    try {
      const { status, stdout } = spawnSync(tsc, ['-p', join(probe, '../..'), '--noEmit'], { encoding: 'utf8' })
      expect(status).not.toBe(0)
      expect(stdout).toContain("has no exported member 'SecretKey'")
      expect(stdout).toContain("has no exported member 'readSealSecretKey'")
    } finally {
      rmSync(probe)
    }
  })

  test('each declares the packages that it imports', () => {
    const builtIn = /^node:/
    for (const { folder, manifest } of packages) {
      const declared = new Set([manifest.name, ...Object.keys(manifest.dependencies ?? {})])
      const missing = shipped(folder).flatMap(({ path, imports }) =>
        imports
          .filter(({ specifier }) => !specifier.startsWith('.') && !builtIn.test(specifier))
          .map(({ specifier }) =>
            specifier
              .split('/')
              .slice(0, specifier.startsWith('@') ? 2 : 1)
              .join('/'),
          )
          .filter((name) => !declared.has(name))
          .map((name) => `${path} → ${name}`),
      )
      expect(missing).toEqual([])
    }
  })

  test('none reaches into the files of another: only what it exports', () => {
    for (const { folder } of packages) {
      const wrong = shipped(folder).flatMap(({ path, imports }) =>
        imports
          .filter(
            ({ specifier, target }) => specifier.startsWith('.') && !target?.startsWith(`packages/${folder}/src/`),
          )
          .map(({ target }) => `${path} → ${target}`),
      )
      expect(wrong).toEqual([])
    }
  })

  test('none has a file or folder called utils', () => {
    expect([...sources.keys()].filter((path) => path.split('/').some((part) => /^utils?(\.|$)/.test(part)))).toEqual([])
  })
})

test('imports are found in every form, types are told apart', () => {
  const text = [
    "import { a, type B } from './b.ts'",
    "import type { C } from './c.ts'",
    "import * as d from './d.ts'",
    "import e, { f } from 'pkg/e'",
    "import './g.ts'",
    "export { h } from './h.ts'",
    "export type { I } from './i.ts'",
    "export * from './j.ts'",
    "const k = await import('./k.ts')",
    "import {\n  l,\n  m,\n} from '@glovebox/he'",
    "const text = 'not an import from anywhere'",
  ].join('\n')
  expect(
    importsOf('packages/he/src/x.ts', text).map(({ specifier, target, type }) => [specifier, target, type]),
  ).toEqual([
    ['./b.ts', 'packages/he/src/b.ts', false],
    ['./c.ts', 'packages/he/src/c.ts', true],
    ['./d.ts', 'packages/he/src/d.ts', false],
    ['pkg/e', undefined, false],
    ['./g.ts', 'packages/he/src/g.ts', false],
    ['./h.ts', 'packages/he/src/h.ts', false],
    ['./i.ts', 'packages/he/src/i.ts', true],
    ['./j.ts', 'packages/he/src/j.ts', false],
    ['./k.ts', 'packages/he/src/k.ts', false],
    ['@glovebox/he', 'packages/he/src/index.ts', false],
  ])
})
