import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { meanTable } from '../packages/cli/src/calibration/fit-table.ts'
import { calibrate } from '../packages/cli/src/calibration/measure.ts'
import { writeTable } from '../packages/cli/src/calibration/table.ts'
import type { DemoResult } from '../packages/cli/src/demo/demo.ts'
import { demos } from '../packages/cli/src/demo/list.ts'
import type { CostTable } from '../packages/ml/src/index.ts'
import type { Row } from './rows.ts'
import type { BenchOptions, Measured } from './run.ts'

/** What the server may take for one request on one thread, and what we aim at, in milliseconds; and samples that give the figure. */
const targets: Readonly<Record<string, { readonly must: number; readonly aim: number; readonly samples: number }>> = {
  heart: { must: 3, aim: 1, samples: 847 },
  'digits-linear': { must: 5, aim: 2, samples: 10_000 },
  flowering: { must: 120, aim: 40, samples: 32 },
  'flowering-53859': { must: 120, aim: 40, samples: 32 },
  mortality: { must: 800, aim: 200, samples: 4000 },
  sentiment: { must: 150, aim: 50, samples: 1000 },
  pets: { must: 5, aim: 1, samples: 400 },
  xray: { must: 300, aim: 80, samples: 624 },
  weather: { must: 5, aim: 2, samples: 730 },
  fitness: { must: 50, aim: 10, samples: 27 },
  fraud: { must: 20, aim: 5, samples: 276 },
  claims: { must: 20, aim: 5, samples: 3000 },
  threat: { must: 20, aim: 5, samples: 1000 },
  maintenance: { must: 20, aim: 5, samples: 100 },
  'digits-batch': { must: 40_000, aim: 12_000, samples: 10_000 },
}

/** How far an estimate may be from what was measured. */
const near = 0.3

/** Where the data sets lie that do not come with npm: GLOVEBOX_DATA, or a folder beside the repository. */
const data = process.env.GLOVEBOX_DATA ?? fileURLToPath(new URL('../../shared/data', import.meta.url))

/** Every demo as a user runs it, on real held-out data where it is there; `--set NAME` runs one. Writes the table of the README. */
export async function bench({ sets, threads }: BenchOptions): Promise<Measured> {
  const names = sets.length > 0 ? sets : Object.keys(targets)
  const unknown = names.find((name) => !(demos.has(name) && name in targets))
  if (unknown !== undefined)
    throw new RangeError(`"--set" expected one of ${Object.keys(targets).join(', ')}, got ${unknown}`)
  const results: DemoResult[] = []
  const folder = await mkdtemp(join(tmpdir(), 'glovebox-gallery-'))
  try {
    const costs = join(folder, 'costs.json')
    const tables: CostTable[] = []
    for (const [i, name] of names.entries()) {
      if (i === 0 || i === names.length >> 1) {
        tables.push(await calibrated())
        await writeTable(costs, meanTable(tables))
      }
      console.error(`${name} …`)
      results.push(await run(name, threads, costs))
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  if (sets.length === 0 && threads === 1) await writeReadme(results)
  for (const result of results) if (result.data !== 'synthetic') await writeCard(result)
  console.log(`${table(results)}\n\n${verdict(results)}`)
  return {
    rows: results.map(
      ({ name, serverMs }): Row => ({
        op: 'server-compute',
        set: name,
        threads,
        us: Math.round(1000 * serverMs),
        peer: null,
        peerUs: null,
        ratio: null,
      }),
    ),
    facts: Object.fromEntries(results.map((result) => [result.name, result])),
  }
}

/** What operations cost now. The clock of a machine wanders within minutes, which the mean of two measurements evens out. */
async function calibrated(): Promise<CostTable> {
  console.error('calibrating …')
  const { table, measured } = await calibrate(() => undefined)
  const worst = measured.reduce((most, m) => Math.max(most, Math.abs(m.estimate / m.milliseconds - 1)), 0)
  console.error(`  the table is ${(100 * worst).toFixed(0)} % off at most, of ${measured.length} models`)
  return table
}

async function run(name: string, threads: number, costs: string): Promise<DemoResult> {
  const main = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))
  const { samples } = targets[name]!
  const real = existsSync(data) ? ['--data', data] : []
  const args = ['demo', name, '-n', String(samples), '--threads', String(threads), '--costs', costs, ...real, '--json']
  const child = spawn(process.execPath, ['--conditions=@glovebox/source', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const text of child.stdout!) output += text
  return JSON.parse(output) as DemoResult
}

const deviationOf = ({ estimateMs, serverMs }: DemoResult): number => estimateMs / serverMs - 1
const percent = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(0)} %`

function verdict(results: readonly DemoResult[]): string {
  const good = results.filter((result) => Math.abs(deviationOf(result)) <= near).length
  return (
    `Estimates within ${100 * near} %: ${good} of ${results.length}; prices by \`glovebox calibrate\` before the first demo and half-way, ` +
    'from then on the mean of both.'
  )
}

const score = (value: number | null): string => (value === null ? '–' : String(Number(value.toPrecision(4))))
const bytes = (value: number): string =>
  value === 0 ? '–' : value < 1e6 ? `${(value / 1e3).toFixed(1)} KB` : `${(value / 1e6).toFixed(1)} MB`
const ms = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en')

function table(results: readonly DemoResult[]): string {
  const rows = results.map((r) => {
    const { must, aim } = targets[r.name]!
    return [
      r.name,
      `${r.samples.toLocaleString('en')} ${r.data}`,
      `${r.metric}: ${score(r.clear)} / ${score(r.encrypted)} / ${score(r.reference)}`,
      ms(must),
      ms(aim),
      `**${ms(r.serverMs)}**`,
      ms(r.estimateMs),
      percent(deviationOf(r)),
      `${bytes(r.uploadBytes)} / ${bytes(r.replyBytes)}`,
      bytes(r.keyBytes),
      `${r.packing}, ${r.ringDegree}`,
    ]
  })
  const head = [
    'demo',
    'samples',
    'score: clear / encrypted / second implementation',
    'must, ms',
    'aim, ms',
    'server, ms',
    'estimate, ms',
    'off by',
    'up / down',
    'keys',
    'packing, N',
  ]
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), '|---|---|---|--:|--:|--:|--:|--:|--:|--:|---|', ...rows.map(line)].join('\n')
}

/** The encrypted score in the card of the model, behind its mark: `<!-- bench:gallery NAME -->`. */
async function writeCard({ name, metric, clear, encrypted, samples }: DemoResult): Promise<void> {
  const path = new URL(`../models/${name.replace(/-\d+$/, '')}/README.md`, import.meta.url)
  const mark = `<!-- bench:gallery ${name} -->`
  const text = await readFile(path, 'utf8')
  const value = ` ${metric} ${score(encrypted)} on the first ${samples.toLocaleString('en')} samples, ${score(clear)} there in the clear `
  const at = text.indexOf(mark)
  if (at < 0) return
  const from = at + mark.length
  const to = text.indexOf('|', from)
  await writeFile(path, `${text.slice(0, from)}${value}${text.slice(to)}`)
}

const begin = '<!-- gallery: npm run bench -- gallery -->'
const end = '<!-- /gallery -->'

async function writeReadme(results: readonly DemoResult[]): Promise<void> {
  const path = new URL('../README.md', import.meta.url)
  const text = await readFile(path, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`README.md has no place for the gallery: ${begin} … ${end}`)
  await writeFile(path, `${text.slice(0, from)}${begin}\n${table(results)}\n\n${verdict(results)}\n${text.slice(to)}`)
}
