import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../packages/server/src/config.ts'
import { defaultLimits, type Limits } from '../packages/server/src/http/limits.ts'
import { createMetrics } from '../packages/server/src/observe/metrics.ts'
import { configVariables } from './config-variables.ts'

// What docs/service.md and the threat model say of the service is what the code has.

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const page = read('docs/service.md')

describe('the options of docs/service.md', () => {
  const rows = new Map(
    [...page.matchAll(/^\| `([A-Z][A-Z0-9_]+)` \| (.*?) \|/gm)].map(([, name, value]) => [name!, value!]),
  )
  const variables = configVariables()

  test('are those of config.ts, all of them', () => {
    expect([...rows.keys()].sort()).toEqual([...variables.keys()].sort())
  })

  test('can be set, by the names that are told', () => {
    const bad = Object.fromEntries([...variables.keys()].map((name) => [name, '\u0000 no']))
    const message = (() => {
      try {
        readConfig({}, bad)
      } catch (error) {
        return (error as Error).message
      }
      return ''
    })()
    // A text may be anything.
    const texts = [
      'GLOVEBOX_HOST',
      'GLOVEBOX_DATA',
      'S3_BUCKET',
      'AWS_REGION',
      'GLOVEBOX_TLS_CERT',
      'GLOVEBOX_TLS_KEY',
      'GLOVEBOX_CONSOLE',
    ]
    for (const name of variables.keys()) if (!texts.includes(name)) expect(message).toContain(`(${name})`)
  })

  test('have the defaults that are told', () => {
    const units: Record<string, number> = {
      '': 1,
      MiB: 2 ** 20,
      KiB: 2 ** 10,
      GiB: 2 ** 30,
      days: 86_400_000,
      minutes: 60_000,
      seconds: 1000,
    }
    const config: Record<string, unknown> = { ...readConfig({}, {}) }
    let looked = 0
    for (const [name, told] of rows) {
      const [, digits, unit] = /^(\d+) ?(|[KMG]iB|days|minutes|seconds)$/.exec(told) ?? []
      const option = variables.get(name)!
      const limit = /^limits\.(.*)$/.exec(option)?.[1] as keyof Limits | undefined
      if (limit !== undefined) expect(digits, `${name} has a number`).toBeDefined()
      if (digits === undefined) continue
      expect(Number(digits) * units[unit!]!, name).toBe(limit === undefined ? config[option] : defaultLimits[limit])
      looked++
    }
    expect(looked).toBeGreaterThan(20)
    expect(rows.get('GLOVEBOX_HOST')).toBe(config.host)
    expect(rows.get('GLOVEBOX_LOG_LEVEL')).toBe(config.logLevel)
    expect(rows.get('GLOVEBOX_TRUST_PROXY')).toBe(String(config.trustProxy))
  })
})

test('the metrics of docs/service.md are those that there are', async () => {
  const text = await createMetrics('1').text()
  const there = new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name!))
  const told = new Set([...page.matchAll(/`(glovebox_[a-z_]+)(?:\{[a-z,]+\})?`/g)].map(([, name]) => name!))
  expect([...told].sort()).toEqual([...there].sort())
})

describe('the threat model of the service', () => {
  const section = (path: string, from: RegExp): string => {
    const text = read(path)
    const start = text.search(from)
    expect(start, `${path} has ${from}`).toBeGreaterThan(0)
    return text.slice(start).split(/\n## /)[0]!
  }
  const rows = (heading: RegExp): string[] =>
    section('SECURITY.md', heading)
      .split(/\n### /)[0]!
      .split('\n')
      .filter((line) => line.startsWith('| ') && !/^\| (attack|---)/.test(line))

  test.each([
    ['the service', /^### Against whom it stands, and which test holds it/m],
    ['sets', /^### Against whom sets stand, and which test holds it/m],
  ])('has a test for each line of %s, which exists', (_, heading) => {
    expect(rows(heading).length).toBeGreaterThan(15)
    for (const row of rows(heading)) {
      const named = [...row.matchAll(/`((?:packages|test|apps)\/[\w./-]+(?:\.test|-suite)\.ts)`(?:: "([^"]+)")?/g)]
      expect(named.length, row).toBeGreaterThan(0)
      for (const [, path, title] of named) {
        expect(existsSync(join(root, path!)), `${path} of: ${row}`).toBe(true)
        if (title !== undefined) expect(read(path!), `${path} has no such test`).toContain(title)
      }
    }
  })
})
