import { GloveboxError } from '@glovebox/he'
import {
  type LinearModel,
  linearGraph,
  linearOutputs,
  type Model,
  runAfter,
  runBefore,
  runClear,
  sampleRows,
  trainLogistic,
  trainRidge,
  trainSoftmax,
} from '@glovebox/ml'
import { auc, rmse } from '../demo/metrics.ts'
import { createRandomness } from '../demo/random.ts'
import type { Examples } from '../examples.ts'
import { readInput } from '../files.ts'
import { showCount } from '../terminal/format.ts'
import { largest } from '../terminal/outputs.ts'
import { type LearningTable, learnSteps, readLearningTable } from './columns.ts'
import { type MadeUpRows, makeUpRows } from './made-up-rows.ts'
import type { Report, Trained } from './trained.ts'

export const tableKinds = ['softmax', 'logistic', 'ridge'] as const
export type TableKind = (typeof tableKinds)[number]

export interface TableOptions {
  readonly kind: TableKind
  readonly file: string
  readonly target: string
  readonly ignore: readonly string[]
  /** Of the split into rows to learn from and rows held out. */
  readonly seed: number
  /** Weight of the squared weights, as `trainSoftmax` has it; of ridge, alpha divided by rows. Default 1 / rows. */
  readonly decay?: number
}

const heldOutShare = 0.2
const mostClasses = 100
/** Rows that ranges are measured on. */
const mostCalibration = 500
/** Examples for people to try. */
const madeUp = 8
/** Digits that are shown of the largest number that was learnt. */
const shownDigits = 4

/** A linear model of one column of a table by the others. A fifth of the rows is held out and says how good it is. */
export async function trainTable(options: TableOptions, report: Report): Promise<Trained> {
  const { kind, file, target, ignore, seed } = options
  const table = readLearningTable(await readInput(file), file, target, ignore)
  const order = shuffled(table.rows.length, seed)
  const held = Math.max(1, Math.round(heldOutShare * order.length))
  const [fit, test] = [order.slice(held), order.slice(0, held)]
  report(
    `${showCount(fit.length)} rows to learn from, ${showCount(test.length)} held out; ${table.columns.length} columns`,
  )
  const steps = learnSteps(
    table.columns,
    fit.map((i) => table.rows[i]!),
  )
  const prepare = (rows: readonly number[]): Float64Array[] => rows.map((i) => runBefore(steps, table.rows[i]!))
  const rows = prepare(fit)
  const inputs = sampleRows(rows)
  const decay = options.decay ?? 1 / fit.length
  const learnt = learn(kind, table, target, { fit, test, inputs, decay, file, report })
  const outputs = linearOutputs(learnt.linear, sampleRows(prepare(test)))
  const metrics = learnt.score(outputs)
  for (const [name, value] of Object.entries(metrics)) report(`held out: ${name} ${Number(value.toPrecision(4))}`)
  const graph = linearGraph(learnt.linear, { input: 'row', output: learnt.output })
  const model: Model = { before: steps, graph, after: learnt.after }
  const made = makeUpRows(
    table.columns,
    fit.map((i) => table.rows[i]!),
    madeUp,
    seed,
  )
  const examples = examplesOf(model, made, target, learnt.digits)
  return {
    name: kind,
    model,
    examples,
    samples: { 'rows.json': new TextEncoder().encode(`${JSON.stringify(examples.items.map(({ input }) => input))}\n`) },
    calibration: Float64Array.from(rows.slice(0, mostCalibration).flatMap((row) => [...row])),
    metrics,
    about: {
      title: `${target}: ${learnt.what}`,
      summary: `\`${target}\` from ${table.columns.length} columns, by ${learnt.what}. The client fills in missing cells, encodes and scales; the server computes on ciphertexts.`,
      rows: [
        ['Input', table.columns.map(({ name }) => `\`${name}\``).join(', ')],
        ['Output', learnt.output],
        ['Computed encrypted', `${learnt.linear.inputs} → ${learnt.linear.outputs}`],
      ],
      accuracy: Object.entries(metrics).map(([name, value]) => [
        `${name}, ${showCount(test.length)} rows held out`,
        String(Number(value.toPrecision(4))),
      ]),
      data: `${showCount(order.length)} rows with a target, ${showCount(test.length)} of them held out at random (seed ${seed}). Say here where they come from, and whom they describe.`,
      training: `\`glovebox train ${kind} --target ${target} --seed ${seed}\`, squared weights held down by ${Number(decay.toPrecision(3))}.`,
      limits: ['Say here what it must not be used for.'],
    },
  }
}

/** What a page offers to try: made-up rows, and what the model says of them in the clear. */
function examplesOf(
  { before, graph, after }: Model,
  { columns, rows }: MadeUpRows,
  target: string,
  digits: number | undefined,
): Examples {
  return {
    kind: 'rows',
    source: 'synthetic',
    question: `What is ${target}?`,
    note: 'Not rows of the table: each column is drawn by itself, between rounded quantiles.',
    columns,
    ...(digits !== undefined && { outputs: [{ name: target, digits }] }),
    items: rows.map((cells, i) => {
      const { label, values } = runAfter(after, runClear(graph, runBefore(before, cells)))
      const input = Object.fromEntries(columns.map(({ name }, k) => [name, cells[k]!]))
      return { name: `Row ${i + 1}`, input, expected: label ?? values[0]!.toFixed(digits) }
    }),
  }
}

interface Learning {
  readonly fit: readonly number[]
  readonly test: readonly number[]
  readonly inputs: ReturnType<typeof sampleRows>
  readonly decay: number
  readonly file: string
  readonly report: Report
}

interface Learnt {
  readonly what: string
  readonly linear: LinearModel
  readonly output: string
  readonly after: Model['after']
  readonly score: (outputs: Float64Array) => Record<string, number>
  /** Decimals of the number that it says; undefined of classes. */
  readonly digits?: number
}

function learn(kind: TableKind, table: LearningTable, target: string, learning: Learning): Learnt {
  return kind === 'ridge' ? learnNumber(table, target, learning) : learnClasses(kind, table, target, learning)
}

function learnNumber({ target: texts }: LearningTable, target: string, learning: Learning): Learnt {
  const { fit, test, inputs, decay, file } = learning
  const values = texts.map(Number)
  const wrong = values.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0)
    throw new GloveboxError('malformed', `${file} expected numbers in column "${target}" for ridge, got a text`)
  const truth = test.map((i) => values[i]!)
  const mean = truth.reduce((sum, v) => sum + v, 0) / truth.length
  const largestValue = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  return {
    what: 'ridge regression',
    digits: largestValue > 0 ? Math.min(20, Math.max(0, shownDigits - Math.ceil(Math.log10(largestValue)))) : 0,
    linear: trainRidge(
      inputs,
      fit.map((i) => values[i]!),
      decay * fit.length,
    ),
    output: target,
    after: [{ op: 'names', names: [target] }],
    score(outputs) {
      const error = rmse([...outputs], truth)
      const spread = truth.reduce((sum, v) => sum + (v - mean) ** 2, 0) / truth.length
      return { rmse: error, r2: spread > 0 ? 1 - error ** 2 / spread : 0 }
    },
  }
}

function learnClasses(kind: TableKind, { target: texts }: LearningTable, target: string, learning: Learning): Learnt {
  const { fit, test, inputs, decay, file, report } = learning
  const names = [...new Set(texts)].sort()
  const most = kind === 'logistic' ? 2 : mostClasses
  if (names.length < 2 || names.length > most)
    throw new GloveboxError(
      'unsupported',
      `${file} expected ${kind === 'logistic' ? 'two' : `2 to ${most}`} classes in column "${target}" for ${kind}, got ${names.length}`,
    )
  const all = texts.map((text) => names.indexOf(text))
  const labels = fit.map((i) => all[i]!)
  const truth = test.map((i) => all[i]!)
  const options = {
    decay,
    onStep: ({ step, loss }: { step: number; loss: number }): void => {
      if (step % 10 === 0) report(`step ${step}: loss ${loss.toFixed(5)}`)
    },
  }
  const share = (predicted: readonly number[]): number =>
    predicted.filter((label, i) => label === truth[i]).length / truth.length
  if (kind === 'logistic') {
    return {
      what: 'logistic regression',
      linear: trainLogistic({ inputs, labels }, options),
      output: `log-odds of ${names[1]}`,
      after: [{ op: 'sigmoid' }, { op: 'labels', names, threshold: 0.5 }],
      score(outputs) {
        const area = auc(
          [...outputs],
          truth.map((label) => label === 1),
        )
        const right = share(Array.from(outputs, (v) => (v > 0 ? 1 : 0)))
        return { accuracy: right, ...(Number.isFinite(area) && { auc: area }) }
      },
    }
  }
  const classes = names.length
  return {
    what: 'multinomial logistic regression',
    linear: trainSoftmax({ inputs, labels, classes }, options),
    output: `a score for each of ${names.slice(0, 5).join(', ')}${classes > 5 ? ', …' : ''}`,
    after: [{ op: 'softmax' }, { op: 'labels', names }],
    score: (outputs) => ({
      accuracy: share(truth.map((_, i) => largest(outputs.subarray(i * classes, (i + 1) * classes)))),
    }),
  }
}

function shuffled(count: number, seed: number): number[] {
  const { uniform } = createRandomness(seed)
  const order = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const k = Math.floor(uniform() * (i + 1))
    ;[order[i], order[k]] = [order[k]!, order[i]!]
  }
  return order
}
