import { showCount } from '../terminal/format.ts'
import { drawBar } from './chart.ts'
import type { Demo } from './demo.ts'
import { accuracy } from './metrics.ts'
import { loadTabular, type Row } from './tabular.ts'

export const demo: Demo = {
  name: 'fraud',
  summary: 'card payments that may be fraud',
  question: 'Which of these card payments are fraud? Logistic regression on 29 encrypted numbers of each payment.',
  before: 'no earlier figure',
  samples: { usual: 100, most: 100_000 },
  load: (options) =>
    loadTabular(
      {
        name: 'fraud',
        rows: 'payments',
        score: (outputs, truth) =>
          accuracy(
            outputs.map((row) => row[0]! > 0),
            truth.map((label) => label === '1'),
          ),
        picture: ({ answers }, inputs, columns, _, truth) => {
          const risks = answers.map(({ values }) => values.at(-1)!)
          const lines = risks.slice(0, shown).map((risk, i) => showPayment(inputs[i]!, risk, truth[i], columns))
          const stopped = risks.filter((risk) => risk > 0.5).length
          return [
            `     payment ${'chance of fraud'.padEnd(columns - 44)}             to do  what it was`,
            ...lines,
            '',
            `${showCount(stopped)} of ${showCount(risks.length)} payments would be looked at.`,
          ].join('\n')
        },
      },
      options,
    ),
}

const shown = 12

function showPayment({ Amount }: Row, risk: number, truth: string | undefined, columns: number): string {
  const amount = `€ ${Number(Amount).toFixed(2)}`.padStart(12)
  const verdict = risk > 0.5 ? 'LOOK' : 'pass'
  const was = truth === '1' ? 'fraud' : truth === '0' ? 'honest' : ''
  const percent = `${(100 * risk).toFixed(1)} %`.padStart(8)
  return `${amount} ${drawBar(risk, columns - 44)} ${percent}    ${verdict}   ${was}`.trimEnd()
}
