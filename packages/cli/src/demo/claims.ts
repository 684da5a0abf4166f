import { bar } from '../terminal/charts.ts'
import { shorten } from '../terminal/format.ts'
import type { Demo } from './demo.ts'
import { gini } from './metrics.ts'
import { loadTabular, type Row } from './tabular.ts'

/** Dollars; premiums on screen are for one size of claim, as the model knows how often and not how much. */
const claim = 2000

export const demo: Demo = {
  name: 'claims',
  summary: 'how often a motor policy will claim, and a premium',
  question:
    'How many claims a year will these motor policies bring? A Poisson model; its rating table is the secret of the insurer.',
  before: 'no earlier figure',
  samples: { usual: 100, most: 100_000 },
  load: (options) =>
    loadTabular(
      {
        name: 'claims',
        rows: 'policies',
        contributions: false,
        score: (outputs, truth, exposure) =>
          gini(
            outputs.map((row) => row[0]!),
            truth.map(Number),
            exposure,
          ),
        picture: ({ answers }, inputs, columns) => {
          const rates = answers.map(({ values }) => values[0]!)
          const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
          return [
            `${'driver, car'.padEnd(names)} ${'claims a year'.padEnd(columns - names - 14)}${'premium'.padStart(12)}`,
            ...rates.slice(0, shown).map((rate, i) => showPolicy(inputs[i]!, rate, columns)),
            '',
            `On average ${mean.toFixed(3)} claims a year. Premiums at $ ${claim} a claim, without costs.`,
          ].join('\n')
        },
      },
      options,
    ),
}

const shown = 12
const names = 38
/** Claims a year where bars are full. */
const full = 0.3

const ages = ['youngest', 'young', 'working age', 'older working', 'old', 'oldest']
const cars = ['new', 'newer', 'older', 'old']
const bodies: Readonly<Record<string, string>> = {
  BUS: 'bus',
  CONVT: 'convertible',
  COUPE: 'coupé',
  HBACK: 'hatchback',
  HDTOP: 'hardtop',
  MCARA: 'motorhome',
  MIBUS: 'minibus',
  PANVN: 'panel van',
  RDSTR: 'roadster',
  SEDAN: 'sedan',
  STNWG: 'station wagon',
  TRUCK: 'truck',
  UTE: 'utility',
}

function showPolicy({ agecat, area, veh_body, veh_age }: Row, rate: number, columns: number): string {
  const driver = ages[Number(agecat) - 1] ?? '?'
  const car = `${cars[Number(veh_age) - 1] ?? ''} ${bodies[String(veh_body)] ?? veh_body}`
  const drawn = bar(rate / full, columns - names - 19)
  return `${shorten(`${driver}, ${car}, area ${area}`, names).padEnd(names)} ${rate.toFixed(3)} ${drawn.padEnd(columns - names - 19)} ${`$ ${(rate * claim).toFixed(0)}`.padStart(10)}`
}
