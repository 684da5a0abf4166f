import { shorten, showCount } from '../terminal/format.ts'
import { drawBar } from './chart.ts'
import type { Demo } from './demo.ts'
import { accuracy } from './metrics.ts'
import { loadTabular, type Row } from './tabular.ts'

export const demo: Demo = {
  name: 'threat',
  summary: 'attacks in a log of network connections',
  question:
    'Which of these network connections are attacks? A network of eight squares on 168 encrypted zeros and ones a connection.',
  before: 'no earlier figure',
  samples: { usual: 50, most: 100_000 },
  load: (options) =>
    loadTabular(
      {
        name: 'threat',
        rows: 'connections',
        score: (outputs, truth) =>
          accuracy(
            outputs.map((row) => row[0]! > 0),
            truth.map((label) => label !== 'normal'),
          ),
        picture: ({ answers }, inputs, columns, _, truth) => {
          const risks = answers.map(({ values }) => values.at(-1)!)
          const attacks = risks.filter((risk) => risk > 0.5).length
          return [
            `${'connection'.padEnd(names)} ${'attack?'.padEnd(columns - names - 33)}          answer  what it was`,
            ...risks.slice(0, shown).map((risk, i) => showConnection(inputs[i]!, risk, truth[i] ?? '', columns)),
            '',
            `${showCount(attacks)} of ${showCount(risks.length)} connections look like attacks.`,
          ].join('\n')
        },
      },
      options,
    ),
}

const shown = 12
const names = 30

function showConnection(row: Row, risk: number, truth: string, columns: number): string {
  const what = `${row.protocol_type} ${row.service} ${row.flag}, ${showCount(Number(row.src_bytes))} B`
  const percent = `${(100 * risk).toFixed(1)} %`.padStart(8)
  const answer = (risk > 0.5 ? 'ATTACK' : 'normal').padEnd(7)
  const drawn = drawBar(risk, columns - names - 33)
  return `${shorten(what, names).padEnd(names)} ${drawn} ${percent} ${answer} ${shorten(truth, 14)}`.trimEnd()
}
