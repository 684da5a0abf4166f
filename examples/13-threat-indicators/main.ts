// 13 — Threat indicators: a private look-up
//
// A list of phishing domains is worth asking before a link is opened. But who is asked learns what everybody reads. Here the list is served over HTTP, as a set, and asked
// without telling what for: not the domain, not its hash, not the first bits of the hash.
//
//     npm run example -- 13

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { itemBytes, planSet } from '@glovebox/psi'
import { connectSet, type Fetch } from '@glovebox/psi/receiver'
import {
  createEvaluationPool,
  createOprfKey,
  createSet,
  epochDirectory,
  openSet,
  openSodiumGroup,
} from '@glovebox/psi/sender'
import { createLog, serveSets } from '@glovebox/server'
// The list of npm's eth-phishing-detect, which wallets warn by.
import list from 'eth-phishing-detect/src/config.json' with { type: 'json' }
import { bytes, refusedLater, same, section, show, title, took } from '../print.ts'

title('13  Threat indicators')

const { blacklist, whitelist } = list
section('the list')
show('domains that are known to phish', blacklist.length)
show('for example', blacklist.slice(0, 3).join(', '))

// There are two ways to ask for one item without telling a bit of it. With powers, all of them go up in every query. With a matrix they go up once, in a fifth of the slots, and two rotation keys
// before: dear for who asks once, cheap for a daemon that asks all day. The planner knows both, and what it is told to count decides. With some room to grow:
const plans = [false, true].map((reuseKeys) =>
  planSet({ senderItems: 15_000, receiverItems: 1, objective: 'bytes', reuseKeys }),
)
for (const [i, { params, predicted }] of plans.entries()) {
  const { uploadBytes, replyBytes, keyBytes } = predicted
  const sizes = [uploadBytes, replyBytes, keyBytes].map(bytes)
  show(
    `${params.method}, ${i === 0 ? 'for who asks once' : 'with keys that are there'}`,
    `${sizes[0]} up, ${sizes[1]} down, keys ${sizes[2]}`,
  )
}
const { params } = plans[1]!

// A folder with an epoch, as `glovebox breach build LIST --kind domains` makes it. The OPRF key lies in it, in a file of mode 0600.
section('built and served')
const folder = mkdtempSync(join(tmpdir(), 'glovebox-example-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
async function build(epoch: number, domains: readonly string[]): Promise<void> {
  using key = createOprfKey({ epoch, mode: 'voprf' })
  await using pool = createEvaluationPool({ key })
  using set = createSet(epochDirectory(folder, epoch), {
    name: 'phishing',
    kind: 'domains',
    // Everybody may guess domains, and this list is public anyway. A list that is not: see `createHardening`.
    hardening: { algorithm: 'none' },
    params,
    key,
  })
  const entries = domains.map((domain) => ({ item: itemBytes('domains', domain) }))
  await set.build(entries, { evaluate: (batch) => pool.evaluate(batch) })
}
await took('built in', () => build(1, blacklist))
const service = await serveSets(
  { folders: { phishing: folder }, port: 0, pollMs: 100, limits: { setElementsPerHour: 100 } },
  createLog({ level: 'silent' }),
)
show('served at', service.url.replace(/\d+$/, '…'))

// Who asks looks at the description first: parameters, epoch, public key, and how much it may tell. With `maxPrefixBits: 0` a set that wants a prefix is refused.
// All bytes go through `fetch`, so here is what leaves.
section('asked')
const left: { readonly path: string; readonly body: Uint8Array }[] = []
const spy: Fetch = (address, init) => {
  if (init?.body instanceof Uint8Array) left.push({ path: new URL(String(address)).pathname, body: init.body })
  return fetch(address, init)
}
const group = await openSodiumGroup()
const set = await connectSet(service.url, { maxPrefixBits: 0, group, fetch: spy })
const { kind, items, epoch, oprf } = set.description
show('said of the set', `${kind}, ${items} or more, epoch ${epoch}, ${oprf.mode}`)

const links = [
  blacklist[7]!,
  'en.wikipedia.org',
  blacklist.at(-1)!.toUpperCase(),
  'metamask.io',
  'xn--mtamask-bya.io',
  whitelist[0]!,
]
const known = new Set(blacklist)
async function ask(label: string, domains: readonly string[]): Promise<boolean[]> {
  const answers = await took(label, () => set.check(domains))
  return answers.map(({ found }) => found)
}
const answers = await ask('six domains, keys uploaded', links)
links.forEach((link, i) => show(link.toLowerCase(), answers[i] ? 'phishing' : 'not in the list'))
same(
  'answers',
  answers,
  links.map((link) => known.has(link.toLowerCase())),
)

// A domain above is another item: whoever wants to know of `login.example.org` asks for `example.org` as well. Equal ones are sent once.
const [evil] = blacklist
const above = (domain: string): string[] =>
  domain
    .split('.')
    .map((_, i, parts) => parts.slice(i).join('.'))
    .slice(0, -1)
same(
  `login.${evil}`,
  await ask('a name and those above it', above(`login.${evil}`)),
  above(`login.${evil}`).map((name) => known.has(name)),
)

section('what has left')
const { stages } = set.traffic
for (const stage of ['oprf', 'keys', 'query'] as const) {
  const { requests, uploadBytes, downloadBytes } = stages[stage]
  show(`${stage}, ${requests} requests`, `${bytes(uploadBytes)} up, ${bytes(downloadBytes)} down`)
}
const queries = left.filter(({ path }) => path.endsWith('/query')).map(({ body }) => body)
show('sizes of queries', [...new Set(queries.map(({ length }) => length))].join(', '))
if (new Set(queries.map(({ length }) => length)).size !== 1) throw new Error('the size of a query tells what it asks')
// Noise to everybody without the key: as even as bytes can be.
const entropy = (data: Uint8Array): number => {
  const counts = new Float64Array(256)
  for (const byte of data) counts[byte]!++
  return -counts.reduce((sum, n) => sum + (n === 0 ? 0 : (n / data.length) * Math.log2(n / data.length)), 0)
}
show('entropy of a byte of the last query', `${entropy(queries.at(-1)!).toFixed(4)} of 8 bits`)
const { oprf: oprfMs, query: queryMs, server: serverMs, encrypt, decrypt } = set.timings
show(
  'milliseconds',
  `OPRF ${oprfMs.toFixed(0)}, queries ${queryMs.toFixed(0)} (the server computed ${serverMs.toFixed(0)}), own ${(encrypt + decrypt).toFixed(0)}`,
)

// Indicators come and go by the hour. The set is changed on disk, by another process if need be; the server looks every so often, reads it anew, and answers with the old content until then.
section('changed while it is served')
const fresh = 'glovebox-example-phish.test'
async function until(domain: string, wanted: boolean): Promise<void> {
  // The OPRF is asked for each try, which the limit counts: so not too often.
  for (let tries = 0; tries < 40; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const [answer] = await set.check([domain])
    if (answer!.found === wanted) return show(domain, wanted ? 'is in the list now' : 'is in the list no more')
  }
  throw new Error(`${domain}: still ${wanted ? 'unknown' : 'known'}`)
}
{
  using stored = openSet(epochDirectory(folder, 1))
  using key = stored.readKey()
  await using pool = createEvaluationPool({ key, threads: 1 })
  const evaluate = (batch: readonly Uint8Array[]): Promise<Uint8Array> => pool.evaluate(batch)
  const { inserted } = await stored.insert([{ item: itemBytes('domains', fresh) }], evaluate)
  const { removed } = await stored.remove([itemBytes('domains', evil!)], evaluate)
  same('inserted, removed', [inserted, removed], [1, 1])
}
await until(fresh, true)
await until(evil!, false)

// A new key, with a new epoch: all indicators go through the OPRF again. Outputs of the old key match nothing then, wherever they went. The old epoch is answered for ten minutes more,
// so who is in mid-run ends in peace; who comes later is told, and does it all again by itself.
section('a new key')
await took('built anew in', () => build(2, [fresh, ...blacklist.slice(1)]))
const before = set.description.epoch
const later = await took('served after', async () => {
  for (let tries = 0; ; tries++) {
    const other = await connectSet(service.url, { group })
    if (other.description.epoch === 2) return other
    other[Symbol.dispose]()
    if (tries === 300) throw new Error('the new epoch is not served')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
})
const asked = [fresh, evil!, blacklist[1]!]
const both = [await set.check(asked), await later.check(asked)].map((found) => found.map((one) => one.found))
show('epochs of the two that ask', `${before}, ${later.description.epoch}`)
same('by the old key', both[0]!, [true, false, true])
same('by the new key', both[1]!, [true, false, true])

// The list can be guessed, item by item, by whoever may ask: that is what a look-up is. What stands against it is how much may be asked for in an hour: here 100 elements, 10,000 unless told otherwise, for
// an address or a token. It is a limit for each copy of the server; and it is worth as much as addresses are hard to get.
section('guessing')
const guesses = Array.from({ length: 101 }, (_, i) => `guess-${i}.test`)
const hasty = await connectSet(service.url, { group, retryMs: 0 })
await refusedLater('101 domains at once', () => hasty.check(guesses))
for (const each of [set, later, hasty]) each[Symbol.dispose]()
await service.close()

// The server may lie: it may leave a domain out, or put one in, and nothing proves what the list was. It knows who asks, when, and how often; and what a browser does after an answer is for all to see.
