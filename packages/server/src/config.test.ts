import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ConfigError, isLoopback, readConfig } from './config.ts'
import { defaultLimits } from './http/limits.ts'

const admin = 'a-long-admin-token-that-nobody-guesses'

function problemsOf(...args: Parameters<typeof readConfig>): readonly string[] {
  try {
    readConfig(...args)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

test('without anything: this machine only, embedded, no tokens', () => {
  expect(readConfig({}, {})).toMatchObject({
    host: '127.0.0.1',
    port: 8080,
    tokens: false,
    threads: 1,
    limits: defaultLimits,
    origins: [],
    trustProxy: false,
    logLevel: 'info',
  })
})

test('the environment is read, and options win', () => {
  const environment = {
    GLOVEBOX_PORT: '9000',
    GLOVEBOX_THREADS: '3',
    GLOVEBOX_ORIGINS: 'https://a.example, https://b.example:8443',
    GLOVEBOX_TRUST_PROXY: 'true',
    GLOVEBOX_TOKENS: 'true',
    GLOVEBOX_QUERY_BYTES: '8MiB',
    GLOVEBOX_REQUESTS_PER_MINUTE: '0',
    DATABASE_URL: 'postgres://u:p@db/x',
    S3_BUCKET: 'b',
    S3_ENDPOINT: 'http://minio:9000',
    GLOVEBOX_DATA: '',
  }
  expect(readConfig({ port: 9100, limits: { queue: 5 } }, environment)).toMatchObject({
    port: 9100,
    threads: 3,
    origins: ['https://a.example', 'https://b.example:8443'],
    trustProxy: true,
    data: undefined,
    limits: { queryBytes: 8 * 2 ** 20, queue: 5, requestsPerMinute: 0 },
    s3: { bucket: 'b', endpoint: 'http://minio:9000', region: 'us-east-1' },
  })
})

test('sets are folders by name, or a text of them', () => {
  expect(readConfig({}, {}).sets).toEqual({})
  expect(readConfig({}, { GLOVEBOX_SETS: 'passwords=/data/a, mail.2=b=c' }).sets).toEqual({
    passwords: '/data/a',
    'mail.2': 'b=c',
  })
  expect(readConfig({ sets: { passwords: 'x' } }, { GLOVEBOX_SETS: 'no=/x' }).sets).toEqual({ passwords: 'x' })
  for (const sets of ['passwords', 'Upper=x', '../x=y', 'x='])
    expect(problemsOf({ sets }, {}).join(), sets).toContain('"sets" (GLOVEBOX_SETS)')
})

test('all problems at once, each with its option and its variable', () => {
  const problems = problemsOf(
    { port: 'x', threads: 0, tlsCert: '/c' },
    {
      DATABASE_URL: 'mysql://x',
      GLOVEBOX_ORIGINS: 'https://a.example/path',
      GLOVEBOX_QUEUE: '-1',
      S3_ENDPOINT: 'http://m',
      GLOVEBOX_LOG_LEVEL: 'loud',
      GLOVEBOX_TOKENS: 'maybe',
    },
  )
  const named = [
    'port',
    'threads',
    'databaseUrl',
    'origins',
    'limits.queue',
    's3Endpoint',
    'logLevel',
    'tokens',
    'tlsCert',
  ]
  for (const name of named)
    expect(
      problems.filter((problem) => problem.includes(`"${name}"`)),
      name,
    ).toHaveLength(1)
  expect(problems).toHaveLength(named.length)
  expect(problems.find((problem) => problem.includes('port'))).toContain('GLOVEBOX_PORT')
})

test('a limit that there is not is a problem', () => {
  expect(problemsOf({ limits: { querybytes: 5 } as object }, {})).toEqual([
    expect.stringContaining('"limits.querybytes"'),
  ])
})

describe('other machines', () => {
  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.org'])('%s needs a first token', (host) => {
    expect(problemsOf({ host }, {})).toEqual([expect.stringContaining('GLOVEBOX_ADMIN_TOKEN')])
    expect(readConfig({ host }, { GLOVEBOX_ADMIN_TOKEN: admin }).tokens).toBe(true)
    expect(readConfig({ host, tokens: true }, {}).tokens).toBe(true)
  })

  test('are never let in without tokens', () => {
    expect(problemsOf({ host: '0.0.0.0', tokens: false }, { GLOVEBOX_ADMIN_TOKEN: admin })).toEqual([
      expect.stringContaining('cannot be false'),
    ])
  })

  test('are behind a proxy, and every page is somewhere else', () => {
    expect(problemsOf({ trustProxy: true }, {})).toEqual([expect.stringContaining('GLOVEBOX_TRUST_PROXY')])
    expect(problemsOf({ origins: '*' }, {})).toEqual([expect.stringContaining('GLOVEBOX_ORIGINS')])
    expect(problemsOf({ trustProxy: true, origins: '*', tokens: true }, {})).toEqual([])
  })

  test('whoever sets an admin token on loopback means it', () => {
    expect(readConfig({}, { GLOVEBOX_ADMIN_TOKEN: admin }).tokens).toBe(true)
  })
})

test.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['[::1]', true],
  ['localhost', true],
  ['app.localhost', true],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['0.0.0.0', false],
  ['', false],
])('loopback: %s is %s', (host, yes) => {
  expect(isLoopback(host)).toBe(yes)
})

test('what is taken has to fit into memory', () => {
  const limits = { keyBytes: 2 ** 20, keyMemory: 2 ** 19, queryBytes: 100, receiving: 99 }
  expect(problemsOf({ limits }, {})).toEqual([
    expect.stringMatching(/"limits.keyBytes".*"limits.keyMemory"/),
    expect.stringMatching(/"limits.queryBytes".*"limits.receiving"/),
  ])
  expect(readConfig({ limits: { keyMemory: 1000 } }, {}).limits).toMatchObject({ keyMemory: 1000, keyBytes: 1000 })
})

test('PostgreSQL alone is no place for objects', () => {
  expect(problemsOf({}, { DATABASE_URL: 'postgres://db/x' })).toEqual([expect.stringContaining('S3_BUCKET')])
  expect(problemsOf({ data: '/d' }, { DATABASE_URL: 'postgres://db/x' })).toEqual([])
})

test('secrets are never printed', () => {
  const config = readConfig(
    { data: '/d' },
    { GLOVEBOX_ADMIN_TOKEN: admin, DATABASE_URL: 'postgres://u:hunter2@db/x', REDIS_URL: 'redis://:hunter3@r' },
  )
  for (const shown of [
    JSON.stringify(config),
    inspect(config, { depth: 9, showHidden: true }),
    `${config.adminToken}`,
  ]) {
    expect(shown).not.toMatch(/hunter|nobody/)
    expect(shown).toContain('[secret]')
  }
  expect(config.database?.reveal()).toBe('postgres://u:hunter2@db/x')
  // Nor in what is said of wrong ones.
  expect(
    JSON.stringify(problemsOf({ adminToken: 'short-hunter4', databaseUrl: 'mysql://u:hunter5@x' }, {})),
  ).not.toContain('hunter')
})
