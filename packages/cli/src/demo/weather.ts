import type { Sample } from '@glovebox/client'
import { type Column, runBefore } from '@glovebox/ml'
import { readModel } from '../model-file.ts'
import { drawLines, drawShares } from './chart.ts'
import type { Demo, LoadOptions, Outcome, Task } from './demo.ts'
import { accuracy, rmse } from './metrics.ts'
import { modelFile, readModelJson } from './model-file.ts'
import { referenceOf } from './reference.ts'
import type { SeriesSpec } from './synthetic-series.ts'
import { cities, type Day, drawDays, findWeather, type Place, readDays } from './weather-days.ts'

/** Days that a forecast is made from. */
const memory = 14
/** Of the temperature; what is left for the log-odds of rain, a tenth as large, is enough to fall on the same side of 0. */
const precisionBits = 15
/** Of both cities. */
const daysOf2015 = 730

export const demo: Demo = {
  name: 'weather',
  summary: "tomorrow's highest temperature, and whether it will rain",
  question: 'How warm will it be tomorrow, and will it rain? From 14 days of encrypted observations.',
  before: 'named as a use, without a time (by 2021)',
  samples: { usual: 730, most: daysOf2015 },
  load,
}

/** A day that is foretold, and what was known the evening before. */
interface Forecast {
  readonly city: string
  readonly cells: readonly number[]
  readonly day: Day
  readonly eve: Day
}

async function load({ samples, data }: LoadOptions): Promise<Task> {
  const path = await modelFile('weather', 'model.json')
  const model = await readModel(path)
  const spec = await readModelJson<SeriesSpec>('weather', 'synthetic.json')
  const json = await readModelJson<{ readonly columns: readonly Column[] }>('weather', 'model.json')
  const file = await findWeather(data)
  const each = Math.ceil(samples / cities.length)
  const places = file ? await readDays(file, memory) : drawDays(spec, -memory, each + memory, 1)
  const forecasts = places.flatMap(forecastsOf(each)).slice(0, samples)
  const calibration = drawDays(spec, 0, 365, 2).flatMap(forecastsOf(365))
  const reference = referenceOf(json, json.columns)
  const days = forecasts.map(({ day }) => day)
  const highest = days.map((day) => day.highest)
  return {
    model,
    compile: {
      samples: Float64Array.from(calibration.flatMap(({ cells }) => [...runBefore(model.before, cells)])),
      precisionBits,
    },
    inputs: forecasts.map(({ cells }): Sample => cells),
    provenance: file ? 'real' : 'synthetic',
    source: file
      ? `the 14 days before each of ${forecasts.length} days of 2015, Seattle and New York`
      : `${samples} synthetic days of Seattle and New York, drawn from rounded statistics`,
    together: 1,
    metric: {
      name: 'rmse',
      score: (outputs) =>
        rmse(
          outputs.map((row) => row[0]!),
          highest,
        ),
    },
    reference: () => forecasts.map(({ cells }) => reference(cells)),
    picture: (outcome, columns) => showForecasts(outcome, forecasts, columns),
  }
}

function forecastsOf(most: number): (place: Place) => Forecast[] {
  return ({ city, days }) =>
    days.slice(memory, memory + most).map((day, i) => {
      const angle = (2 * Math.PI * (day.dayOfYear - 1)) / 365.25
      const past = days.slice(i, i + memory)
      return {
        city,
        day,
        eve: past.at(-1)!,
        cells: [...past.flatMap(numbersOf), Math.sin(angle), Math.cos(angle), city === 'New York' ? 1 : 0],
      }
    })
}

function numbersOf({ precipitation, highest, lowest, wind }: Day): number[] {
  return [precipitation, rains({ precipitation }) ? 1 : 0, highest, lowest, wind]
}

function rains({ precipitation }: Pick<Day, 'precipitation'>): boolean {
  return precipitation > 0
}

const rows = 10
const margin = 8

/** The first city's days in a chart, and how good all forecasts are beside the simplest one: tomorrow is like today. */
function showForecasts({ outputs }: Outcome, forecasts: readonly Forecast[], columns: number): string {
  const [city] = forecasts.map((forecast) => forecast.city)
  const own = forecasts.filter((forecast) => forecast.city === city)
  const count = Math.min(own.length, columns - margin)
  const step = Math.max(1, Math.min(4, Math.floor((columns - margin) / count)))
  const shown = own.slice(0, count)
  const said = outputs.slice(0, count)
  const chance = said.map((row) => 1 / (1 + Math.exp(-row[1]!)))
  const days = forecasts.map(({ day }) => day)
  const eves = forecasts.map(({ eve }) => eve)
  const warm = (truth: readonly number[]): string =>
    rmse(
      truth,
      days.map((day) => day.highest),
    ).toFixed(2)
  const right = (rain: readonly boolean[]): string => `${(100 * accuracy(rain, days.map(rains))).toFixed(1)} %`
  return [
    `${city}, highest temperature of the day in °C: ● foretold, ○ observed`,
    drawLines(
      [
        { mark: '○', values: shown.map(({ day }) => day.highest) },
        { mark: '●', values: said.map((row) => row[0]!) },
      ],
      rows,
      { step },
    ),
    ` rain?  ${drawShares(chance, step)}`,
    ` rained ${shown.map(({ day }) => (rains(day) ? '╵' : ' ').padEnd(step)).join('')}`.trimEnd(),
    '',
    `root mean square error of ${forecasts.length} days: ${warm(outputs.map((row) => row[0]!))} °C; of "as today": ${warm(eves.map((day) => day.highest))} °C`,
    `rain or not: ${right(outputs.map((row) => row[1]! > 0))} right; of "as today": ${right(eves.map(rains))}`,
  ].join('\n')
}
