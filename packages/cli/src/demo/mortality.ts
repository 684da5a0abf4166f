import type { Answer } from '@glovebox/ml'
import { binsOf, diverging, histogram } from '../terminal/charts.ts'
import { shorten, showCount } from '../terminal/format.ts'
import type { Demo, Outcome } from './demo.ts'
import { auc } from './metrics.ts'
import { loadTabular, type Row } from './tabular.ts'

/** As in the demonstration that this one follows. */
const usual = 4000

export const demo: Demo = {
  name: 'mortality',
  summary: 'the risk of dying in hospital, with what each fact contributes to it',
  question:
    'Who of these patients will die in hospital, and why? An additive model of 23 facts, all patients at once, and what each fact contributes.',
  before: '8 s for 4,000 predictions (by 2021)',
  samples: { usual, most: 100_000 },
  load: (options) =>
    loadTabular(
      {
        name: 'mortality',
        rows: 'patients',
        together: usual,
        fill: true,
        score: (outputs, truth) =>
          auc(
            outputs.map((row) => Array.from(row).reduce((sum, part) => sum + part, 0)),
            truth.map((label) => label === '1'),
          ),
        picture: ({ answers }, inputs, columns, _, truth) =>
          `${showRisks(answers, truth, columns)}\n\n${showPatient(answers.slice(0, truth.length), inputs, columns)}`,
      },
      options,
    ),
}

const tenths = 10

const riskOf = ({ values }: Answer): number => values.at(-1)!

/** How many have which risk and, where that is known, how many of them died. */
function showRisks(answers: Outcome['answers'], truth: readonly string[], columns: number): string {
  const known = truth.length > 0 && truth.every((label) => label === '0' || label === '1')
  const bins = binsOf(answers.map(riskOf), 0, 1, tenths)
  const rows = bins.map((members, i) => ({ label: `${10 * i} to ${10 * i + 10} %`, count: members.length }))
  const bars = histogram(rows, columns - (known ? 16 : 0)).split('\n')
  const lines = bars.map((line, i) => {
    const dead = bins[i]!.filter((at) => at < truth.length)
    if (!known || dead.length === 0) return line
    const share = dead.filter((at) => truth[at] === '1').length / dead.length
    return `${line.padEnd(columns - 12)}${`${(100 * share).toFixed(0)} %`.padStart(12)}`
  })
  const title = `Risk of death in hospital, ${showCount(answers.length)} patients`
  return [known ? `${title.padEnd(columns - 12)}${'of them died'.padStart(12)}` : title, ...lines].join('\n')
}

const shown = 8

/** The patient with the largest risk below 95 %: what each fact adds to the log-odds, the largest first. */
function showPatient(answers: Outcome['answers'], inputs: readonly Row[], columns: number): string {
  const order = answers.map((_, i) => i).sort((a, b) => riskOf(answers[b]!) - riskOf(answers[a]!))
  const chosen = order.find((i) => riskOf(answers[i]!) < 0.95) ?? order[0]!
  const contributions = answers[chosen]!.contributions!.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value))
  const most = Math.max(1, Math.abs(contributions[0]!.value))
  const names = 28
  const width = (columns - names - 10) >> 1
  const line = (name: string, value: number): string =>
    `${shorten(name, names).padEnd(names)} ${diverging(value / most, width)} ${signed(value)}`
  const rest = contributions.slice(shown)
  const lines = contributions
    .slice(0, shown)
    .map(({ name, value }) => line(`${facts[name] ?? name} ${show(inputs[chosen]![name])}`.trim(), value))
  return [
    `Why patient ${chosen + 1} has a risk of ${(100 * riskOf(answers[chosen]!)).toFixed(0)} %: what each fact adds to the log-odds`,
    ...lines,
    line(
      `${rest.length} other facts together`,
      rest.reduce((sum, { value }) => sum + value, 0),
    ),
  ].join('\n')
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`
}

function show(cell: Row[string] | undefined): string {
  if (cell === null || cell === undefined) return 'not measured'
  return typeof cell === 'number' ? String(Number(cell.toPrecision(4))) : cell
}

const facts: Readonly<Record<string, string>> = {
  dzgroup: '',
  ca: 'cancer',
  'num.co': 'other diseases',
  hday: 'day of the stay',
  scoma: 'coma score',
  meanbp: 'blood pressure',
  wblc: 'white cells',
  hrt: 'heart rate',
  resp: 'breaths a minute',
  temp: 'temperature',
  pafi: 'PaO2/FiO2',
  alb: 'albumin',
  bili: 'bilirubin',
  crea: 'creatinine',
  sod: 'sodium',
  ph: 'pH',
  bun: 'urea nitrogen',
  urine: 'urine a day',
}
