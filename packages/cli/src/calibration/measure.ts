import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientKeys, connect, createKeys, type RemoteModel } from '@glovebox/client'
import { type CostTable, costOf, type Program } from '@glovebox/ml'
import { writeBundle } from '../bundle.ts'
import { startServer } from '../demo/server-process.ts'
import { fitTable, pricesOf } from './fit-table.ts'
import { type Probe, probes, sampleOf } from './models.ts'

/** How well the fitted table repeats what was measured. */
export interface Measured {
  readonly name: string
  readonly milliseconds: number
  readonly estimate: number
}

/** Every model is asked in turn, so many times over: the clock of a machine wanders within seconds, and is to be off for all of them alike. */
const rounds = 6
/** Least time, and queries, of a model in a round. */
const leastMs = 250
const leastQueries = 1
/** Queries before the first that counts: engines optimise code that ran a few times. One in later rounds, when others have used the thread in between. */
const warmUps = 5

/**
 * Runs the probes on this machine as they are run for others: by `glovebox serve` with one thread in a process of its own, which waits for the queries that this
 * one encrypts. Fits the cost table to the times that it answers with. `onProbe` hears of every model in every round.
 */
export async function calibrate(
  onProbe: (name: string, done: number, total: number) => void,
): Promise<{ table: CostTable; measured: readonly Measured[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'glovebox-calibrate-'))
  const clean = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', clean)
  try {
    const all = probes()
    const programs: Program[] = []
    const folders = all.map((_, i) => join(folder, `probe-${i}`))
    for (const [i, probe] of all.entries())
      programs.push(
        (await writeBundle(folders[i]!, probe.graph, { ...probe.options, samples: sampleOf(probe) })).program,
      )
    const times = await measure(folders, all, onProbe)
    const milliseconds = times.map(medianOf)
    const table = fitTable(programs.map(pricesOf), milliseconds)
    return {
      table,
      measured: all.map(({ name }, i) => ({
        name,
        milliseconds: milliseconds[i]!,
        estimate: costOf(programs[i]!, table).milliseconds,
      })),
    }
  } finally {
    process.off('exit', clean)
    clean()
  }
}

/** What the server says that it computed for, query by query. */
async function measure(
  folders: readonly string[],
  all: readonly Probe[],
  onProbe: (name: string, done: number, total: number) => void,
): Promise<number[][]> {
  await using server = await startServer(folders, 1)
  const service = connect(server.url)
  const asked: { model: RemoteModel; keys: ClientKeys; sample: Float64Array; times: number[] }[] = []
  try {
    for (const [i, probe] of all.entries()) {
      const model = await service.model(`probe-${i}`)
      asked.push({ model, keys: createKeys(model), sample: sampleOf(probe), times: [] })
    }
    for (let round = 0; round < rounds; round++) {
      for (const [i, { model, keys, sample, times }] of asked.entries()) {
        onProbe(all[i]!.name, round * all.length + i, rounds * all.length)
        const ask = async (): Promise<number> => (await model.predict([sample], keys)).computeMs ?? Number.NaN
        for (let k = 0; k < (round === 0 ? warmUps : 1); k++) await ask()
        const begun = performance.now()
        for (let k = 0; k < leastQueries || performance.now() - begun < leastMs; k++) times.push(await ask())
      }
    }
  } finally {
    for (const { model, keys } of asked) {
      keys[Symbol.dispose]()
      model.context[Symbol.dispose]()
    }
  }
  return asked.map(({ times }) => times)
}

function medianOf(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1]!
}
