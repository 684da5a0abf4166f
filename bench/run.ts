// npm run bench -- ntt | ops | digits | gallery | keyswitch | weights | service | psi [--set A] [--threads 1] [--quick]
// Prints a table and writes bench/results/<name>.json, where only the rows of the sets that were measured are replaced.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { Row } from './rows.ts'

export interface BenchOptions {
  /** Names of parameter sets; empty for the default ones. */
  readonly sets: readonly string[]
  readonly threads: number
  /** Only what takes less than a minute. */
  readonly quick?: boolean
}

export interface Measured {
  readonly rows: readonly Row[]
  /** What is written in place of rows, by benchmarks whose figures are no times of operations: with its case first. */
  readonly cases?: readonly { readonly case: string }[]
  /** What is no time: bytes, errors, counts. */
  readonly facts?: Readonly<Record<string, unknown>>
}

interface Bench {
  bench(options: BenchOptions): Promise<Measured>
}

/** Every backend, size of prime and ring degree is a set of its own; there is no peer that exposes a single transform. */
async function loadNtt(): Promise<Bench> {
  const { bench } = await import('./ntt.ts')
  return {
    bench: async ({ sets, threads }) => {
      if (sets.length > 0 || threads !== 1) fail('ntt measures all of its sets, on one thread')
      return {
        rows: (await bench()).map(({ what, backend, n, bits, us }) => ({
          op: `ntt-${what}`,
          set: `${backend}, N = ${n}, ${bits} bits`,
          threads: 1,
          us: Number(us.toPrecision(4)),
          peer: null,
          peerUs: null,
          ratio: null,
        })),
      }
    },
  }
}

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  ntt: loadNtt,
  ops: () => import('./ops.ts'),
  digits: () => import('./digits.ts'),
  gallery: () => import('./gallery.ts'),
  threads: () => import('./threads.ts'),
  keyswitch: () => import('./keyswitch.ts'),
  weights: () => import('./weights.ts'),
  service: () => import('./service.ts'),
  psi: () => import('./psi.ts'),
}

const usage = `usage: npm run bench -- ${Object.keys(benches).join('|')} [--set A]… [--threads 1] [--quick]`

function fail(message: string): never {
  console.error(`${message}\n${usage}`)
  process.exit(2)
}

function parse(): { name: string; options: BenchOptions } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        set: { type: 'string', multiple: true, default: [] },
        threads: { type: 'string' },
        quick: { type: 'boolean', default: false },
      },
    })
    const [name, ...rest] = positionals
    if (name === undefined || !Object.hasOwn(benches, name) || rest.length > 0)
      fail(`expected one benchmark, got "${positionals.join(' ')}"`)
    if (values.quick && name !== 'psi') fail('--quick is for psi')
    const threads = Number(values.threads ?? (name === 'psi' ? 2 : 1))
    if (!Number.isInteger(threads) || threads < 1) fail(`--threads expected a number from 1, got "${values.threads}"`)
    return { name, options: { sets: values.set, threads, quick: values.quick } }
  } catch (error) {
    fail((error as Error).message)
  }
}

function print(rows: readonly Row[]): void {
  const cells = rows.map((row) => [
    row.set,
    row.op,
    String(row.threads),
    row.us.toLocaleString('en', { maximumSignificantDigits: 4 }),
    row.peer ?? '',
    row.peerUs?.toLocaleString('en', { maximumSignificantDigits: 4 }) ?? '',
    row.ratio === null ? '' : row.ratio.toFixed(2),
  ])
  const head = ['set', 'op', 'threads', 'µs', 'peer', 'peer µs', 'ratio']
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)))
  const right = new Set([2, 3, 5, 6])
  for (const row of [head, widths.map((w) => '-'.repeat(w)), ...cells]) {
    console.log(
      row
        .map((cell, i) => (right.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
  }
}

/** Rows of the last run that this one did not measure again, and its facts. */
async function kept(file: URL, fresh: readonly Row[]): Promise<Measured> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return { rows: [] }
  const measured = new Set(fresh.map((row) => `${row.set} ${row.threads}`))
  const last = JSON.parse(text) as Measured
  return { ...last, rows: last.rows.filter((row) => !measured.has(`${row.set} ${row.threads}`)) }
}

/** In place, so that a case that was not measured again stays where it was. */
function mergedCases<T extends { readonly case: string }>(last: readonly T[], fresh: readonly T[]): T[] {
  const measured = new Map(fresh.map((row) => [row.case, row]))
  const known = last.map((row) => measured.get(row.case) ?? row)
  return [...known, ...fresh.filter((row) => !last.some((old) => old.case === row.case))]
}

const { name, options } = parse()
const started = performance.now()
const { bench } = await benches[name]!()
const { rows, facts, cases } = await bench(options).catch((error: unknown): never => {
  // An unknown set or number of threads is the caller's mistake, not ours.
  if (error instanceof RangeError) fail(error.message)
  throw error
})
if (rows.length > 0) print(rows)
for (const [fact, value] of Object.entries(facts ?? {}))
  console.log(`${fact.padEnd(20)} ${typeof value === 'object' ? JSON.stringify(value) : value}`)

const file = new URL(`./results/${name}.json`, import.meta.url)
const last = await kept(file, rows)
const bySet = (a: Row, b: Row): number => a.set.localeCompare(b.set, 'en') || a.threads - b.threads
await mkdir(new URL('.', file), { recursive: true })
const result = {
  machine: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${process.platform} ${process.arch}`,
  node: process.version,
  threads: options.threads,
  command: `npm run bench -- ${process.argv.slice(2).join(' ')}`,
  // Those of a run that measured others stay, as rows do.
  ...((facts ?? last.facts) && { facts: { ...last.facts, ...facts } }),
  rows:
    cases === undefined
      ? [...last.rows, ...rows].sort(bySet)
      : mergedCases(last.rows as unknown as typeof cases, cases),
}
await writeFile(file, `${JSON.stringify(result, null, 2)}\n`)
console.log(
  `\n${(cases ?? rows).length} rows in ${((performance.now() - started) / 1000).toFixed(0)} s → bench/results/${name}.json`,
)
