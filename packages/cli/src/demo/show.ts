import Table from 'cli-table3'
import { showBytes, showCount, showMs, wrap } from '../terminal/format.ts'
import { showParams } from '../terminal/params.ts'
import type { Demo, DemoRun } from './demo.ts'

/** What a demo prints for people: what was asked, what the server saw, what came back, what it took. */
export async function showRun(demo: Demo, run: DemoRun, columns: number, out: string): Promise<string> {
  const { task, outcome, result } = run
  return [
    wrap(demo.question, columns),
    wrap(`Inputs: ${task.source}.`, columns),
    '',
    'What the server saw of them, in part:',
    `${hex(run.seen.subarray(0, Math.floor((columns - 2) / 3)))} …`,
    `${entropy(run.seen).toFixed(3)} bits of entropy a byte: noise, to anyone without the key.`,
    '',
    await task.picture(outcome, columns, out),
    '',
    showTable(demo, run, columns),
    ...(result.data === 'real' ? [] : ['', wrap(notReal[result.data], columns)]),
  ].join('\n')
}

const notReal = {
  synthetic:
    'The inputs are synthetic (models/SYNTHETIC.md), so the score says nothing about the world: the card of the model has its score on real held-out data, and --data takes those.',
  resampled: 'The inputs are resampled from real columns, to reach the size: scores say nothing about the world.',
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}

/** Shannon's entropy of the distribution of bytes, at most 8 bits. */
export function entropy(bytes: Uint8Array): number {
  const counts = new Float64Array(256)
  for (const byte of bytes) counts[byte]!++
  return counts.reduce((sum, n) => (n === 0 ? sum : sum - (n / bytes.length) * Math.log2(n / bytes.length)), 0)
}

/** Shares as per cent. */
function showScore(metric: string, score: number): string {
  return metric === 'accuracy' ? `${(100 * score).toFixed(2)} %` : String(Number(score.toPrecision(4)))
}

/** Of those whose short names are no words. */
const metricNames: Readonly<Record<string, string>> = {
  auc: 'AUC',
  gini: 'Gini index',
  mae: 'mean error',
  rmse: 'RMS error',
}

function showTable(demo: Demo, { result, model, task }: DemoRun, columns: number): string {
  const table = new Table({ style: { head: [], border: [], compact: true } })
  const scores = (
    [
      ['encrypted', 'encrypted'],
      ['clear', 'in the clear'],
      ['reference', 'by a second implementation'],
    ] as const
  ).map(([which, text]) => (result[which] === null ? undefined : `${showScore(result.metric, result[which])} ${text}`))
  const threads = result.threads === 1 ? '1 thread' : `${result.threads} threads`
  const each = task.together > 1 ? `for ${showCount(Math.min(task.together, result.samples))} at once` : 'each'
  const rows = [
    [
      `${metricNames[result.metric] ?? result.metric}${result.data === 'synthetic' ? ', synthetic' : ''}`,
      scores.includes(undefined) ? 'no truth known' : scores.join('\n'),
    ],
    ['samples', showCount(result.samples)],
    ['largest error', `${(100 * result.maxError).toFixed(3)} % of the largest output`],
    [
      'server compute',
      `${showMs(result.serverMs)} ${each}, ${threads}${task.together > 1 ? ` (${showMs(result.serverMsPerSample)} a sample)` : ''}`,
    ],
    ...(result.threads === 1
      ? []
      : [['throughput', `${showCount(Number(result.samplesPerSecond.toPrecision(3)))} samples a second`] as const]),
    ['reported before', demo.before],
    ['upload / reply', `${showBytes(result.uploadBytes)} / ${showBytes(result.replyBytes)}`],
    [
      'evaluation keys',
      result.keyBytes === 0
        ? `none; secret key made in ${showMs(result.keygenMs)}`
        : `${showBytes(result.keyBytes)}, uploaded once; made in ${showMs(result.keygenMs)}`,
    ],
    ['parameters', `${showParams(model.context.params)}; ${result.packing} packing`],
    [
      'security',
      `${model.context.params.security[0]!.target.replace('-', ' bits, ')}, log2 QP ${result.logQP.toFixed(1)}`,
    ],
  ] as const
  // Borders and spaces around two columns.
  const room = columns - Math.max(...rows.map(([name]) => name.length)) - 7
  table.push(...rows.map(([name, text]) => [name, wrap(text, room)]))
  return table.toString()
}
