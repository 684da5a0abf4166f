import { createKeys, encryptQuery, openModel } from '@glovebox/client'
import { bundle, type CostTable, compile, costOf, defaultCostTable, type Program } from '@glovebox/ml'
import { openEngine } from '@glovebox/server'
import { fitNonNegative } from './fit.ts'
import { type Probe, probes } from './models.ts'

/** How well the fitted table repeats what was measured. */
export interface Measured {
  readonly name: string
  readonly milliseconds: number
  readonly estimate: number
}

/** Least time and runs that one model is measured for. */
const leastMs = 1500
const leastRuns = 7

const entries = Object.keys(defaultCostTable) as (keyof CostTable)[]
const none = Object.fromEntries(entries.map((entry) => [entry, 0])) as unknown as CostTable

/** Runs the probes on this machine, one thread, and fits the cost table to their times. */
export function calibrate(onProbe: (name: string, done: number, total: number) => void): {
  table: CostTable
  measured: readonly Measured[]
} {
  const all = probes()
  const results = all.map((probe, i) => {
    onProbe(probe.name, i, all.length)
    return { name: probe.name, ...time(probe) }
  })
  const rows = results.map(({ program }) =>
    entries.map((entry) => costOf(program, { ...none, [entry]: 1 }).milliseconds),
  )
  const values = fitTable(
    rows,
    results.map(({ milliseconds }) => milliseconds),
  )
  const table = Object.fromEntries(entries.map((entry, k) => [entry, values[k]])) as unknown as CostTable
  return {
    table,
    measured: results.map(({ name, milliseconds, program }) => ({
      name,
      milliseconds,
      estimate: costOf(program, table).milliseconds,
    })),
  }
}

/** How much prices stay what they are to each other on the machine of the default table: a few noisy times do not tell all of them apart. */
const priorWeight = 0.2

/** Prices, from what each probe would take at a price of 1 for one operation, and its time. */
export function fitTable(rows: readonly (readonly number[])[], milliseconds: readonly number[]): number[] {
  const usual = entries.map((entry) => defaultCostTable[entry])
  // By how much this machine is slower than that one, all in all.
  const [factor] = fitNonNegative(
    rows.map((row) => [row.reduce((sum, value, k) => sum + value * usual[k]!, 0)]),
    milliseconds,
  )
  return fitNonNegative(rows, milliseconds, { values: usual.map((price) => price * factor!), weight: priorWeight })
}

/** More than the caches of a core hold: between two queries of a service, others have used them. */
const others = 4 * 2 ** 20
/** And the thread has slept. */
const idleMs = 2

/** The time of a server for one query of one run that comes by itself: the median of several. */
function time({ graph, options }: Probe): { program: Program; milliseconds: number } {
  const size = graph.nodes[0]!.size
  const sample = Float64Array.from({ length: size }, (_, i) => Math.sin(i + 1))
  const program = compile(graph, { ...options, samples: sample })
  const { client, server } = bundle(program)
  const model = openModel(client)
  using _ckks = model.ckks
  using keys = createKeys(model)
  const engine = openEngine(server)
  using evaluation = engine.readKeys(keys.evaluation)
  const memory = new Float64Array(others)
  const bell = new Int32Array(new SharedArrayBuffer(4))
  const times: number[] = []
  for (const begun = performance.now(); performance.now() - begun < leastMs || times.length < leastRuns; ) {
    const query = encryptQuery(model, keys.secret, [sample])
    memory.fill(times.length)
    // A thread that was asleep wakes on a core that was, too.
    Atomics.wait(bell, 0, 0, idleMs)
    const started = performance.now()
    engine.answer(query, evaluation)
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  return { program, milliseconds: times[times.length >> 1]! }
}
