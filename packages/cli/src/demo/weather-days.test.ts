import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { readModelJson } from './model-file.ts'
import type { SeriesSpec } from './synthetic-series.ts'
import { drawDays, findWeather, readDays } from './weather-days.ts'

const folder = testFolder()

test('the days of 2015 and those before are found by place and date', async () => {
  const days = ['2014-12-30', '2014-12-31', '2015-01-01', '2015-03-01', '2015-12-31', '2016-01-01']
  const lines = ['New York', 'Seattle'].flatMap((city, c) =>
    days.map((day, i) => `${city},${day},${i / 10},${c + i},${-i},${i + 0.5},rain`),
  )
  writeFileSync(
    join(folder, 'weather.csv'),
    ['location,date,precipitation,temp_max,temp_min,wind,weather', ...lines].join('\n'),
  )
  const path = await findWeather(folder)
  expect(path).toBe(join(folder, 'weather.csv'))
  const places = await readDays(path!, 1)
  expect(places.map(({ city }) => city)).toEqual(['Seattle', 'New York'])
  expect(places[0]!.days.map(({ dayOfYear }) => dayOfYear)).toEqual([365, 1, 60, 365])
  expect(places[0]!.days[1]).toEqual({ dayOfYear: 1, precipitation: 0.2, highest: 3, lowest: -2, wind: 2.5 })
  expect(places[1]!.days[1]!.highest).toBe(2)
})

test('made-up days have seasons, and a lowest temperature that is no higher than the highest', async () => {
  const spec = await readModelJson<SeriesSpec>('weather', 'synthetic.json')
  for (const { days } of drawDays(spec, -14, 379, 1)) {
    expect(days[0]!.dayOfYear).toBe(352)
    expect(days[14]!.dayOfYear).toBe(1)
    const month = (from: number): number =>
      days.slice(from, from + 30).reduce((sum, { highest }) => sum + highest, 0) / 30
    expect(month(14 + 190)).toBeGreaterThan(month(14) + 10)
    expect(days.every(({ highest, lowest }) => lowest <= highest)).toBe(true)
  }
})
