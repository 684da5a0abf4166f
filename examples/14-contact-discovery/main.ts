// 14 — Contact discovery
//
// Which of the people in a phone are users of a service? Most messengers take the whole address book, or its hashes, which is the same: there are so few phone numbers that all of them can be
// hashed. Here a phone asks for 500 contacts against 20,000 users, and the service learns that it was 500. How much faster is it to tell a little? And what if the service lies about its key?
//
//     npm run example -- 14

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { itemBytes, planSet, type SetParams } from '@glovebox/psi'
import { connectSet } from '@glovebox/psi/receiver'
import {
  createEvaluationPool,
  createOprfKey,
  createSet,
  epochDirectory,
  type OprfKey,
  openSodiumGroup,
} from '@glovebox/psi/sender'
import { createLog, serveSets } from '@glovebox/server'
import { bytes, refusedLater, same, section, show, timed, title, took } from '../print.ts'

title('14  Contact discovery')

// Numbers in the canonical form of E.164. The users are every 90th of nine million, in an order that looks like none; the phone has 500 numbers, a third of them users.
const users = 20_000
const phone = (i: number): string => `+3161${String((i * 7919) % 9_000_017).padStart(7, '0')}`
const registered = Array.from({ length: users }, (_, i) => phone(90 * i))
const contacts = Array.from({ length: 500 }, (_, i) => phone(i % 3 === 0 ? 90 * 173 * i : 45 + 90 * i))

// A prefix tells some bits of the OPRF output of what is asked for. The service then looks at one bucket, and everybody in it is who may be meant. For a single number that is a bargain in bytes,
// and what it tells is told for good: the service may put all queries of a phone side by side, today's and next year's.
section('what a prefix saves, and tells, for one number')
for (const prefixBits of ['none', 2, 4, 6, 8] as const) {
  const { params, predicted } = planSet({ senderItems: users, receiverItems: 1, prefixBits })
  const { uploadBytes, replyBytes, keyBytes, serverMs } = predicted
  const among = users / 2 ** params.prefixBits
  show(
    prefixBits === 'none'
      ? 'none: one of everybody'
      : `${prefixBits} bits: one of ${among.toFixed(0)} users, or nobody`,
    `${bytes(uploadBytes + keyBytes)} up, ${bytes(replyBytes)} down, ${serverMs.toFixed(1)} ms`,
  )
}

// For an address book it is none. Without a prefix all 500 share one query, by cuckoo hashing; with one, each contact is a query of its own. And 500 prefixes of 8 bits are as good as a fingerprint of the
// address book: two phones that know the same people send nearly the same ones.
section('for 500 numbers')
const plan = timed('planned in', () =>
  planSet({ senderItems: users, receiverItems: contacts.length, receiver: 'node' }),
)
const { predicted } = plan
show(
  'one query, no prefix',
  `${bytes(predicted.uploadBytes + predicted.keyBytes)} up, ${bytes(predicted.replyBytes)} down`,
)
const single = planSet({ senderItems: users, receiverItems: 1, prefixBits: 8 }).predicted
show('500 queries, 8 bits each', `${bytes(500 * single.uploadBytes)} up, ${bytes(500 * single.replyBytes)} down`)

// The service. Mode VOPRF: with every batch comes a proof that it went through the key that was published.
section('the service builds its set')
const folders = ['true', 'lying'].map((name) => join(mkdtempSync(join(tmpdir(), 'glovebox-example-')), name))
process.on('exit', () => {
  for (const folder of folders) rmSync(join(folder, '..'), { recursive: true, force: true })
})
const items = (numbers: readonly string[]): Uint8Array[] => numbers.map((number) => new TextEncoder().encode(number))
async function build(folder: string, key: OprfKey, params: SetParams, numbers: readonly string[]): Promise<void> {
  await using pool = createEvaluationPool({ key })
  using set = createSet(epochDirectory(folder, 1), {
    name: 'users',
    kind: 'bytes',
    hardening: { algorithm: 'none' },
    params,
    key,
  })
  const entries = items(numbers).map((bytes) => ({ item: itemBytes('bytes', bytes) }))
  await set.build(entries, { evaluate: (batch) => pool.evaluate(batch) })
}
using key = createOprfKey({ epoch: 1, mode: 'voprf' })
await took(`${users} users, in`, () => build(folders[0]!, key, plan.params, registered))
const log = createLog({ level: 'silent' })
const service = await serveSets({ folders: { users: folders[0]! }, port: 0, limits: { setElementsPerHour: 2000 } }, log)

// The key is pinned: it came with the app, not with the answer.
const publicKey = Buffer.from(key.publicKey).toString('hex')
show('public key, pinned', `${publicKey.slice(0, 16)}…`)

section('the phone asks')
const group = await openSodiumGroup()
using set = await connectSet(service.url, { publicKey, maxPrefixBits: 0, group })
const answers = await took('500 contacts', () => set.check(items(contacts)))
const found = contacts.filter((_, i) => answers[i]!.found)
const known = new Set(registered)
same(
  'contacts who are users',
  found,
  contacts.filter((contact) => known.has(contact)),
)
const { traffic, timings } = set
show('bytes', `${bytes(traffic.uploadBytes)} up, ${bytes(traffic.downloadBytes)} down`)
show(
  'of these the OPRF',
  `${bytes(traffic.stages.oprf.uploadBytes)} up, ${bytes(traffic.stages.oprf.downloadBytes)} down`,
)
show(
  'requests, time of the server',
  `${traffic.stages.query.requests + traffic.stages.oprf.requests}, ${timings.server.toFixed(0)} ms for the query`,
)

// A service that wants to know one person's contacts may try this: another key, for this phone alone, and a set built under it with the numbers that it is curious about. What it would learn from
// what the app does next, nobody can hide. But it needs another key to tell this phone from all others, and that shows. First it says so:
section('another key')
using other = createOprfKey({ epoch: 1, mode: 'voprf' })
await build(folders[1]!, other, plan.params, contacts.slice(0, 10))
const lying = await serveSets({ folders: { users: folders[1]! }, port: 0 }, log)
await refusedLater('a set under another key', () => connectSet(lying.url, { publicKey, group }))

// Then it says the right key and uses the other: the proof does not fit, and nothing was asked yet but blinded elements.
const forged: typeof fetch = async (address, init) => {
  const answer = await fetch(address, init)
  if (!/\/v2\/sets\/users$/.test(String(address))) return answer
  const said = (await answer.json()) as { oprf: { publicKey: string } }
  return Response.json({ ...said, oprf: { ...said.oprf, publicKey } })
}
using deceived = await connectSet(lying.url, { name: 'users', publicKey, group, fetch: forged })
await refusedLater('the pinned key said, another one used', () => deceived.check(items(contacts.slice(0, 5))))
show('queries that it got', deceived.traffic.stages.query.requests)
if (deceived.traffic.stages.query.requests !== 0) throw new Error('a query went to who could not prove its key')

// What remains. A phone may ask for any number, and nine million are soon listed: whoever may ask for 2,000 in an hour has all numbers of this range in half a year, and with a hundred addresses in two days.
// Nothing in the cryptography stops that, here or anywhere, for looking up numbers is what is offered. Only limits do, for accounts and not for addresses alone, and they are for each replica.
section('enumeration')
using greedy = await connectSet(service.url, { publicKey, group, retryMs: 0 })
await refusedLater('2,000 more numbers', () => greedy.check(items(Array.from({ length: 2000 }, (_, i) => phone(i)))))
show('all numbers of this range, at that rate', `${(9_000_017 / 2000 / 24).toFixed(0)} days`)
await service.close()
await lying.close()

// And whoever steals the OPRF key and the set needs no server: nine million evaluations take a quarter of an hour on two cores. The key deserves what a signing key gets. Slow hashing (`createHardening`) with
// N = 16,384 makes two days of that, and each phone pays for it too: 20 seconds for 500 contacts.
