import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSetParams } from '@glovebox/psi'
import { createOprfKey, createSet, openSet } from '@glovebox/psi/sender'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { inside } from '../../test/inside.ts'

// The next epoch of a set, and changes of the one that is there.

const folder = testFolder()
const at = (name: string): string => join(folder, name)
const set = at('threats')
const csv = 'note,host,what\r\nx,evil.example,phishing\r\ny,worse.example,malware\r\n'
const said = async (...args: string[]): Promise<string> => {
  const { stdout, stderr } = await inside('breach', ...args)
  return stderr + stdout
}
const info = async (): Promise<Record<string, unknown>> => JSON.parse(await said('info', set, '--json'))

test('the next epoch is what the set was; changes of this one are said to be lost, and refused meanwhile', async () => {
  writeFileSync(at('list.csv'), csv)
  writeFileSync(at('more.csv'), 'what,host,note\nspam,third.example,z\n')
  writeFileSync(at('plain.txt'), 'fourth.example\n')
  const options = [
    '--kind',
    'domains',
    '--labels',
    'what',
    '--column',
    'host',
    '--label-bytes',
    '12',
    '--name',
    'hosts',
  ]
  await said('build', at('list.csv'), '-o', set, ...options, '--verifiable', '--prefix-bits', '2', '--hardening', '8')
  const before = await info()

  // A set with labels takes none without.
  for (const list of ['more.csv', 'plain.txt'])
    await expect(said('insert', set, at(list))).rejects.toThrow(
      /"hosts" has labels: insert takes CSV and needs --labels/,
    )
  await expect(said('remove', set, at('more.csv'), '--column', 'host')).rejects.toThrow(/needs --labels/)
  expect(await said('insert', set, at('more.csv'), '--labels', 'what')).toMatch(
    /1 domain inserted, 0 replaced; now 3 domains\n/,
  )
  expect(await said('remove', set, at('plain.txt'))).toMatch(/0 domains removed, 1 unknown; now 3 domains\n/)

  for (const [option, value, message] of [
    ['--kind', 'passwords', /was built with --kind domains/],
    ['--prefix-bits', '3', /with --prefix-bits 2/],
    ['--no-prefix', '', /with --prefix-bits 2/],
    ['--hardening', 'none', /with --hardening 8/],
    ['--label-bytes', '13', /with --label-bytes 12/],
    ['--name', 'other', /with --name hosts/],
  ] as const) {
    const more = [option, value].filter((text) => text !== '')
    await expect(said('build', at('list.csv'), '-o', set, '--rotate', ...more)).rejects.toThrow(message)
  }

  const text = await said('build', at('list.csv'), '-o', set, '--rotate')
  expect(text).toMatch(/^epoch 1 was changed by insert or remove .* without those changes\n/)
  expect(text).toMatch(/epoch 2 of "hosts", 2 domains/)
  expect(text).toMatch(/next: npx glovebox breach prune/)
  const after = await info()
  expect(after).toMatchObject({ epoch: 2, items: 2, name: 'hosts', kind: 'domains', oprf: { mode: 'voprf' } })
  expect(after.params).toEqual(before.params)
  const cost = { algorithm: 'scrypt', N: 8, r: 8, p: 1 }
  expect([before.hardening, after.hardening]).toMatchObject([cost, cost])
  expect((after.hardening as { salt: string }).salt).not.toBe((before.hardening as { salt: string }).salt)
  expect((after.oprf as { publicKey: string }).publicKey).not.toBe((before.oprf as { publicKey: string }).publicKey)
  expect(await said('build', at('list.csv'), '-o', set, '--rotate')).not.toMatch(/was changed/)

  // As a build leaves it that was stopped.
  {
    using current = openSet(join(set, 'epoch-0003'), { readOnly: true })
    using key = createOprfKey({ epoch: 4, mode: 'voprf' })
    const params = createSetParams(current.params.literal)
    createSet(join(set, 'epoch-0004'), { ...identity(current), params, key }).close()
  }
  for (const edit of [['insert', '--labels', 'what'], ['remove']])
    await expect(said(edit[0]!, set, at('more.csv'), ...edit.slice(1))).rejects.toThrow(/epoch 4 of .* is being built/)
  expect(await said('build', at('list.csv'), '-o', set)).toMatch(/going on with epoch 4/)
  await said('insert', set, at('more.csv'), '--labels', 'what')
}, 60_000)

test('a set without labels refuses CSV', async () => {
  const plain = at('plain')
  writeFileSync(at('one.txt'), 'hunter2\n')
  await said('build', at('one.txt'), '-o', plain, '--hardening', 'none')
  await expect(said('insert', plain, at('list.csv'), '--labels', 'what')).rejects.toThrow(/leave out --labels/)
  await expect(said('insert', plain, at('list.csv'), '--column', 'host')).rejects.toThrow(/add --labels COLUMN/)
  await expect(said('build', at('list.csv'), '-o', plain, '--rotate', '--labels', 'what')).rejects.toThrow(
    /was built without --labels/,
  )
  expect(await said('insert', plain, at('one.txt'))).toMatch(/0 passwords inserted, 1 replaced; now 1 password\n/)
  writeFileSync(at('empty.txt'), '')
  await expect(said('build', at('empty.txt'), '-o', at('none'))).rejects.toThrow(/empty.txt has no lines/)
})

test('a plan takes counts as people write them, and names its options', async () => {
  const json = async (items: string): Promise<unknown> =>
    JSON.parse(await said('plan', '--items', items, '--json')).params
  expect(await json('1e4')).toEqual(await json('10,000'))
  await expect(said('plan', '--items', '1.5')).rejects.toThrow(/Expected an integer/)
  await expect(said('plan', '--items', '1e6', '--memory', '1')).rejects.toThrow(/raise --memory, or split/)
})

function identity({ name, kind, hardening, origin }: ReturnType<typeof openSet>) {
  return { name, kind, hardening, origin }
}
