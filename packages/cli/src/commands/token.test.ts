import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { compileTiny, tinySamples } from '../../../client/test/tiny.ts'
import { testFolder } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'
import { testService } from '../../test/service.ts'

const admin = 'an-admin-token-for-tests-0123456789'
const service = testService({ adminToken: admin })
const folder = testFolder()
const at = (name: string): string => join(folder, name)
const model = folder

beforeAll(() => {
  const tiny = compileTiny()
  writeFileSync(at('client.gbx'), tiny.client)
  writeFileSync(at('server.gbx'), tiny.server)
  writeFileSync(at('x.json'), JSON.stringify(tinySamples(1)))
})

const withAdmin = async (...args: string[]) => {
  process.env.GLOVEBOX_TOKEN = admin
  try {
    return await inside(...args)
  } finally {
    delete process.env.GLOVEBOX_TOKEN
  }
}
const create = (tenant: string, scope: string, file: string) =>
  withAdmin('token', 'create', '--tenant', tenant, '--scope', scope, '-o', at(file))

test('without a token it is said where one goes', async () => {
  await expect(inside('push', model, '--name', 'tiny')).rejects.toThrow(
    /it needs a token, in the variable GLOVEBOX_TOKEN or a file named by --token-file$/,
  )
})

test('tokens do what their scopes say, until they are revoked, and are shown nowhere', async () => {
  const { stdout } = await create('hospital', 'push,predict', 'push.token')
  expect(stdout).toMatch(/push\.token: token \S+ of hospital; use it by --token-file/)
  await create('hospital', 'predict', 'predict.token')
  await create('stranger', 'predict', 'strange.token')
  expect(statSync(at('push.token')).mode & 0o777).toBe(0o600)
  const use = (file: string, ...args: string[]) => inside(...args, '--token-file', at(file))
  expect((await use('push.token', 'push', model, '--name', 'tiny')).stdout).toMatch(/^tiny@1/)
  await expect(use('predict.token', 'push', model, '--name', 'tiny')).rejects.toThrow(/push/)
  expect((await use('predict.token', 'predict', 'tiny', '--input', at('x.json'))).stdout).toMatch(/^sample 0: /)
  await expect(use('strange.token', 'predict', 'tiny', '--input', at('x.json'))).rejects.toThrow(
    'there are: none that you may use',
  )
  await use('push.token', 'push', model, '--name', 'tiny', '--public')
  expect((await use('strange.token', 'predict', 'tiny', '--input', at('x.json'))).stdout).toMatch(/^sample 0: /)
  await expect(use('push.token', 'token', 'list')).rejects.toThrow(/admin/)

  const listed = await withAdmin('token', 'list', '--json')
  const { tokens } = JSON.parse(listed.stdout)
  expect(
    tokens.map(({ tenant, scopes }: { tenant: string; scopes: string[] }) => `${tenant} ${[...scopes].sort()}`).sort(),
  ).toEqual(['hospital predict', 'hospital predict,push', 'stranger predict'])
  const { id } = tokens.find(({ tenant }: { tenant: string }) => tenant === 'stranger')
  expect((await withAdmin('token', 'revoke', id)).stdout).toBe(`token ${id} is worth nothing any more\n`)
  await expect(use('strange.token', 'models')).rejects.toThrow(/says: /)
  expect((await withAdmin('token', 'list')).stdout).toMatch(new RegExp(`^${id} .*revoked`, 'm'))

  const secret = readFileSync(at('push.token'), 'utf8').trim()
  expect(secret).toMatch(/^gbx_[\w-]{43}$/)
  for (const text of [listed.stdout, ...service.lines]) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain(admin)
  }
})

test('a token for the screen is on it alone, once', async () => {
  const { stdout, stderr } = await withAdmin(
    'token',
    'create',
    '--tenant',
    'x',
    '--scope',
    'predict',
    '--expires',
    '0.5',
  )
  expect(stdout).toMatch(/^gbx_[\w-]{43}\n$/)
  expect(stderr).not.toContain(stdout.trim())
})

test('a file that others can read is warned of', async () => {
  writeFileSync(at('open.token'), admin)
  chmodSync(at('open.token'), 0o644)
  const { stderr } = await inside('models', '--token-file', at('open.token'))
  expect(stderr).toMatch(/open\.token can be read by others: chmod 600/)
  writeFileSync(at('odd.token'), 'two words')
  await expect(inside('models', '--token-file', at('odd.token'))).rejects.toThrow(/odd\.token expected a token/)
})

test('who may not push to a name is told that it is taken, and how its tenant pushes', async () => {
  await create('first', 'push', 'first.token')
  await create('second', 'push', 'second.token')
  const use = (file: string, ...more: string[]) => inside('push', model, '--token-file', at(file), ...more)
  await use('first.token', '--name', 'hidden')
  await expect(use('second.token', '--name', 'hidden')).rejects.toThrow(
    /the name "hidden" is taken at .*tenant "second".*token create --tenant local --scope push/,
  )
  await use('first.token', '--name', 'open', '--public')
  await expect(use('second.token', '--name', 'open', '--force')).rejects.toThrow(
    /is of the tenant "first".*token create --tenant first --scope push/,
  )
  // Nothing was refused on the way of who may.
  const before = service.lines.length
  await use('first.token', '--name', 'hidden', '--force')
  expect(service.lines.slice(before).filter((line) => JSON.parse(line).level >= 40)).toEqual([])
})
