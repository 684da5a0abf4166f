// 12 — Two companies and one fraud ring
//
// A bank has flagged accounts. An exchange has many more, and a file on each. Both suspect the same ring, and neither may hand over its list. The bank learns which of
// its accounts the exchange has too, and what the exchange says of these. The exchange learns how many were asked for. Both are halves of this program; only bytes go between them.
//
//     npm run example -- 12

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSetParams, formatPlan, itemBytes, planSet } from '@glovebox/psi'
import {
  type Answer,
  blindItems,
  createQueryKeys,
  finalizeItems,
  type PreparedQuery,
  prepareQueries,
  readAnswers,
} from '@glovebox/psi/receiver'
import {
  createEvaluationPool,
  createOprfKey,
  createSet,
  epochDirectory,
  openSender,
  openSodiumGroup,
  type SetDescription,
} from '@glovebox/psi/sender'
import { bytes, same, section, show, timed, title, took } from '../print.ts'

title('12  Two companies and one fraud ring')

// Account identifiers that both would use for the same account, made up here: the country, two check digits and ten more. What the exchange knows is packed into 8 bytes,
// for labels all have one length: a reason, a day, an amount.
const account = (i: number): string =>
  `NL${10 + (i % 89)}EXMP${String((i * 7_919_537) % 10_000_000_000).padStart(10, '0')}`
const reasons = ['chargebacks', 'money mule', 'stolen papers', 'cashed out at once'] as const

function label(reason: number, day: number, amount: number): Uint8Array {
  const packed = new Uint8Array(8)
  const view = new DataView(packed.buffer)
  view.setUint8(0, reason)
  view.setUint16(1, day)
  view.setUint32(4, amount)
  return packed
}
function readLabel(packed: Uint8Array): string {
  const view = new DataView(packed.buffer, packed.byteOffset)
  return `${reasons[view.getUint8(0)]}, day ${view.getUint16(1)}, ${view.getUint32(4)} EUR`
}

// The bank's 1,500 and the exchange's 12,000 have 187 in common. Nobody knows which, yet.
const flagged = Array.from({ length: 1500 }, (_, i) => account(3 * i))
const files = new Map(
  Array.from({ length: 12_000 }, (_, i) => [
    account(i < 187 ? 24 * i : 20_000 + i),
    label(i % 4, 700 + (i % 365), 17 * i),
  ]),
)

// How is such a set computed best? There are hundreds of ways: the ring and its primes, how many field elements an account is, how full a bin, which powers are uploaded and which multiplied.
// The planner prices all of them. Bytes are those of the fullest bins that may be expected, times of the machine of its table; `chance` is that of one account too many in a run.
section('what it would cost')
const plan = timed('planned in', () =>
  planSet({ senderItems: files.size, receiverItems: flagged.length, labelBytes: 8, receiver: 'node' }),
)
console.log(formatPlan(plan).replace(/^/gm, '  '))

// The exchange builds its set once, under an OPRF key that it never shows. On disk are polynomials whose roots are outputs of the OPRF, and through the same points others
// whose values are encrypted labels.
section('the exchange builds its set')
const folder = mkdtempSync(join(tmpdir(), 'glovebox-example-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const group = await openSodiumGroup()
const item = (id: string): Uint8Array => itemBytes('bytes', new TextEncoder().encode(id))
{
  using key = createOprfKey({ epoch: 1, mode: 'voprf' })
  await using pool = createEvaluationPool({ key })
  using set = createSet(epochDirectory(folder, 1), {
    name: 'accounts',
    kind: 'bytes',
    // Slow hashing is for items that can be guessed one by one. These can too: more on that at the end.
    hardening: { algorithm: 'none' },
    params: plan.params,
    key,
  })
  const entries = [...files].map(([id, label]) => ({ item: item(id), label }))
  const { items } = await took('built in', () => set.build(entries, { evaluate: (batch) => pool.evaluate(batch) }))
  show('accounts, bundles of the first bins', `${items}, ${set.bundles(0, 0)}`)
}
const exchange = await openSender(folder, { name: 'accounts' })

// The line between the two. What crosses it is kept, to be looked at later.
const crossed: { readonly what: string; readonly sent: Uint8Array; readonly came: Uint8Array }[] = []
function keep(what: string, sent: Uint8Array, came: Uint8Array): void {
  crossed.push({ what, sent, came })
}

// From here on the bank: it has its list, and what the exchange says about the set. It checks that before it computes at its word, with the same function that made it.
section('the bank asks')
const told = JSON.parse(JSON.stringify(exchange.describe())) as SetDescription
const params = createSetParams(told.params)
if (params.digest !== told.digest) throw new Error('the parameters are others than the exchange says')
show('said of the set', `${told.items} accounts or more, labels of ${told.labels} bytes, epoch ${told.epoch}`)

// First the OPRF. Accounts are hashed to a curve and multiplied with a random number each; what the exchange gets is uniform whatever they are. The proof that comes back says that it used one key for all
// of them, the one that it published.
const outputs: Uint8Array[] = []
await took('the OPRF of all of them', async () => {
  for (let at = 0; at < flagged.length; at += told.limits.elements) {
    const inputs = flagged.slice(at, at + told.limits.elements).map(item)
    const blinded = blindItems('voprf', inputs, { group })
    const { elements, proof } = await exchange.evaluate(told.epoch, blinded.elements)
    keep('blinded', blinded.elements, Buffer.concat([elements, proof!]))
    const publicKey = Buffer.from(told.oprf.publicKey, 'hex')
    const all = finalizeItems('voprf', inputs, blinded, elements, { group, publicKey, proof: proof! })
    blinded.blinds.fill(0)
    outputs.push(...inputs.map((_, i) => all.slice(64 * i, 64 * i + 64)))
  }
})

// Then the query. Cuckoo hashing gives each account a bin of its own, of the three that its output allows; the exchange has put each of its accounts in all three.
using keys = timed('keys made', () => createQueryKeys(params))
if (keys.upload) {
  keep('keys', keys.upload, new Uint8Array())
  await exchange.putKeys(told.epoch, keys.upload)
}
const answers: Answer[] = []
const queries: PreparedQuery[] = [...prepareQueries(keys, outputs, told.epoch)]
for (const query of queries) {
  const { reply, computeMs } = await exchange.answer(told.epoch, query.bytes)
  keep('query', query.bytes, reply)
  show('the exchange computed', `${computeMs.toFixed(0)} ms`)
  const read = timed('decrypted and read', () =>
    readAnswers(keys, query, outputs, reply, { epoch: told.epoch, maxBytes: 1e8 }),
  )
  read.forEach((answer, i) => {
    answers[query.items[i]!] = answer
  })
}
const hits = flagged.flatMap((id, i) => (answers[i]!.found ? [{ id, label: answers[i]!.label! }] : []))
for (const { id, label } of hits.slice(0, 3)) show(id, readLabel(label))
show('…', `${hits.length} in all`)
const both = flagged.filter((id) => files.has(id))
same(
  'accounts of both',
  hits.map(({ id }) => id),
  both,
)
same(
  'what the exchange says of them',
  hits.map(({ label }) => readLabel(label)),
  both.map((id) => readLabel(files.get(id)!)),
)

// What each has seen of the other. The bank: outputs of a function that it cannot compute, labels of its own hits, sizes. The exchange: 1,500 elements and one query, whose size does not depend on
// what is in it. Here is the same for 1,500 other accounts.
section('what has crossed')
for (const { what, sent, came } of crossed) show(what, `${bytes(sent.length)} there, ${bytes(came.length)} back`)
const sum = (side: 'sent' | 'came'): number => crossed.reduce((total, part) => total + part[side].length, 0)
const predicted = plan.predicted
show(
  'in all, as planned',
  `${bytes(sum('sent'))} of ${bytes(predicted.uploadBytes + predicted.keyBytes)}, ${bytes(sum('came'))} of ${bytes(predicted.replyBytes)}`,
)
const others = outputs.map(() => crypto.getRandomValues(new Uint8Array(64)))
const again = [...prepareQueries(keys, others, told.epoch)]
same(
  'sizes of queries for 1,500 others',
  again.map((query) => query.bytes.length),
  queries.map((query) => query.bytes.length),
)
const twice = [0, 1].map(() =>
  Buffer.from(blindItems('voprf', [item(flagged[0]!)], { group }).elements).toString('hex'),
)
if (twice[0] === twice[1]) throw new Error('the same account was blinded to the same bytes')
for (const hex of twice) show(`${flagged[0]}, blinded`, `${hex.slice(0, 32)}…`)
await exchange.close()

// What this does not do. The exchange may lie: in a label, by leaving accounts out or putting wrong ones in; nothing here proves what a set is made of. The bank may ask for what it does not have flagged:
// identifiers of ten digits can be guessed, and each that goes through the OPRF is answered. So they agree on a number, and the exchange counts elements, which is all that it has to count. And only the
// bank learns something. If both are to, they do it once more the other way around; who goes first may then leave. Nor is the size of either list hidden: pad the lists with random items, if it tells something.
