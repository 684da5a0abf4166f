import { readFileSync } from 'node:fs'
import { connectSet } from '@glovebox/psi/receiver'
import { hardenNode, openSodiumGroup } from '@glovebox/psi/sender'
import { type SetCase, setCases } from './psi/cases.ts'
import { itemAt, listItems, preparedSet } from './psi/sets.ts'
import { median } from './rows.ts'
import type { BenchOptions, Measured } from './run.ts'
import { requireBuilt, type ServerProcess, startService } from './service/process.ts'

/** A line of bench/results/psi.json. */
export interface SetFigures {
  readonly case: string
  readonly senderItems: number
  readonly receiverItems: number
  readonly labelBytes: number
  /** Compute of the sender for one run: query and OPRF, as it says itself. Median. */
  readonly serverMs: number
  /** All that the receiver computes for one run but making its keys: hash, blinds, encryption, decryption. Median. */
  readonly clientMs: number
  /** From the call to the answers, over loopback. Median. */
  readonly totalMs: number
  /** Of one run by a receiver that was never there before: OPRF, keys and query. */
  readonly uploadBytes: number
  readonly keyBytes: number
  readonly replyBytes: number
  /** Slow hash and OPRF of all items, and the polynomials. */
  readonly buildMs: number
  readonly evaluateMs: number
  /** The most that was resident in the serving process. */
  readonly memoryMB: number
  readonly threads: number
  readonly runs: number
}

/** Sets that were built are kept in bench/.cache. The sender is the built command, in a process of its own. */
export async function bench({ sets, threads, quick }: BenchOptions): Promise<Measured> {
  const known = Object.keys(setCases)
  const names = sets.length > 0 ? sets : quick ? known.slice(0, 3) : [...known, 'checks']
  const unknown = names.find((name) => !known.includes(name) && name !== 'checks')
  if (unknown !== undefined)
    throw new RangeError(`"--set" expected one of ${[...known, 'checks'].join(', ')}, got ${unknown}`)
  requireBuilt()
  const cases: SetFigures[] = []
  let facts: Record<string, unknown> | undefined
  for (const name of names) {
    console.error(`${name} …`)
    if (name === 'checks') facts = { 'real checks': await realChecks(threads) }
    else cases.push(await measure(name, setCases[name]!, threads))
  }
  console.log(tableOf(cases))
  return { rows: [], cases, ...(facts && { facts }) }
}

async function serve(folder: string, threads: number): Promise<ServerProcess> {
  return startService([folder, '--name', 'bench', '--threads', String(threads), '--rate', '1000000000'], {}, [
    'breach',
    'serve',
  ])
}

async function measure(name: string, set: SetCase, threads: number): Promise<SetFigures> {
  const built = await preparedSet(name, set, threads)
  await using server = await serve(built.folder, threads)
  const group = await openSodiumGroup()
  const ask = async (remote: Awaited<ReturnType<typeof connectSet>>, run: number) => {
    const wanted = Array.from({ length: set.receiverItems }, (_, i) => itemAt(set, run * set.receiverItems + i))
    const before = remote.timings
    const began = performance.now()
    const answers = await remote.check(wanted.map(({ item }) => item))
    const totalMs = performance.now() - began
    wanted.forEach(({ member, label }, i) => {
      const { found, label: got } = answers[i]!
      const same = label === undefined || !member || Buffer.compare(label, got ?? new Uint8Array(0)) === 0
      if (found !== member || !same)
        throw new Error(`${name}: a ${member ? 'member' : 'stranger'} was answered wrongly`)
    })
    const spent = (stage: keyof typeof before): number => remote.timings[stage] - before[stage]
    return {
      totalMs,
      serverMs: spent('server') + spent('evaluate'),
      clientMs: spent('harden') + spent('blind') + spent('finalize') + spent('encrypt') + spent('decrypt'),
    }
  }
  const connect = () => connectSet(server.url, { name: 'bench', group, harden: hardenNode })
  using remote = await connect()
  await ask(remote, 0)
  const { stages } = remote.traffic
  for (let run = 1; run <= set.warmUp; run++) await ask(remote, run)
  const samples = []
  for (let run = 0; run < set.runs; run++) samples.push(await ask(remote, 1 + set.warmUp + run))
  const of = (what: keyof (typeof samples)[number]): number => round(median(samples.map((sample) => sample[what])))
  return {
    case: name,
    senderItems: built.items,
    receiverItems: set.receiverItems,
    labelBytes: set.params.labelBytes,
    serverMs: of('serverMs'),
    clientMs: of('clientMs'),
    totalMs: of('totalMs'),
    uploadBytes: stages.oprf.uploadBytes + stages.keys.uploadBytes + stages.query.uploadBytes,
    keyBytes: stages.keys.uploadBytes,
    replyBytes: stages.oprf.downloadBytes + stages.query.downloadBytes,
    buildMs: Math.round(built.evaluateMs + built.placeMs),
    evaluateMs: Math.round(built.evaluateMs),
    memoryMB: Math.round(peakOf(server.pid) / 1e6),
    threads,
    runs: set.runs,
  }
}

/** How many items are asked for, one way and another, and how many at a time. */
const realCheckCounts: readonly (readonly [name: string, items: number, atOnce: number])[] = [
  ['batch-1024-1M', 100_000, 1024],
  ['breach-1M-noprefix', 1000, 50],
  ['breach-1M-prefix4', 1000, 50],
]

/** Items, half of them of the list, against the million: false answers of both kinds. */
async function realChecks(threads: number): Promise<Record<string, unknown>> {
  const list = listItems()
  const members = new Set(list)
  const found: Record<string, unknown> = {}
  for (const [name, count, atOnce] of realCheckCounts) {
    const built = await preparedSet(name, setCases[name]!, threads)
    await using server = await serve(built.folder, threads)
    using remote = await connectSet(server.url, { name: 'bench', group: await openSodiumGroup(), harden: hardenNode })
    const wanted: string[] = []
    for (let i = 0; wanted.length < count / 2; i++) wanted.push(list[(i * 19) % list.length]!)
    // A listed password with something behind it, as people do.
    for (let i = 0; wanted.length < count; i++) {
      const stranger = `${list[(i * 7) % list.length]}-${i}`
      if (!members.has(stranger)) wanted.push(stranger)
    }
    let falseNegatives = 0
    let falsePositives = 0
    const began = performance.now()
    for (let at = 0; at < wanted.length; at += atOnce) {
      const part = wanted.slice(at, at + atOnce)
      const answers = await remote.check(part)
      part.forEach((item, i) => {
        if (members.has(item) && !answers[i]!.found) falseNegatives++
        if (!members.has(item) && answers[i]!.found) falsePositives++
      })
    }
    const seconds = round((performance.now() - began) / 1000)
    found[name] = { checks: wanted.length, falseNegatives, falsePositives, seconds }
  }
  return found
}

function peakOf(pid: number): number {
  return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}

function tableOf(cases: readonly SetFigures[]): string {
  const head = ['case', 'server ms', 'client ms', 'up KB', 'of it keys', 'down KB', 'build s', 'MB', 'threads']
  const rows = cases.map((row) => [
    row.case,
    row.serverMs.toFixed(1),
    row.clientMs.toFixed(1),
    (row.uploadBytes / 1e3).toFixed(0),
    (row.keyBytes / 1e3).toFixed(0),
    (row.replyBytes / 1e3).toFixed(0),
    (row.buildMs / 1e3).toFixed(1),
    String(row.memoryMB),
    String(row.threads),
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  return [head, ...rows]
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n')
}
