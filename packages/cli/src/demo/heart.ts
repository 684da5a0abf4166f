import pc from 'picocolors'
import type { Demo } from './demo.ts'
import { auc } from './metrics.ts'
import { loadTabular, type Row } from './tabular.ts'

export const demo: Demo = {
  name: 'heart',
  summary: 'the risk of coronary heart disease within ten years',
  question:
    'How likely is coronary heart disease within ten years? Logistic regression on encrypted answers and measurements.',
  before: 'about 1 s (2014)',
  samples: { usual: 60, most: 100_000 },
  load: (options) =>
    loadTabular(
      {
        name: 'heart',
        rows: 'people',
        score: (outputs, truth) =>
          auc(
            outputs.map((row) => row[0]!),
            truth.map((label) => label === '1'),
          ),
        picture: ({ answers }, inputs) =>
          answers
            .slice(0, shown)
            .map(({ values }, i) => showRisk(inputs[i]!, values.at(-1)!))
            .join('\n'),
      },
      options,
    ),
}

const shown = 8
const width = 24

/** A bar, and what is known about the person. */
function showRisk(person: Row, risk: number): string {
  const filled = Math.round(risk * width)
  const colour = risk < 0.1 ? pc.green : risk < 0.2 ? pc.yellow : pc.red
  const bar = colour('█'.repeat(filled)) + pc.dim('░'.repeat(width - filled))
  const who = `${person.male ? 'man' : 'woman'}, ${person.age}, ${person.cigsPerDay ?? '?'} cigarettes, pressure ${Math.round(Number(person.sysBP))}`
  return `${bar} ${`${(100 * risk).toFixed(1)} %`.padStart(6)}  ${who}`
}
