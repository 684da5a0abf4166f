import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createRandomness } from './random.ts'
import { drawSeries, type SeriesSpec } from './synthetic-series.ts'
import { columnOf, readTable } from './table.ts'

/** A day as it was observed. */
export interface Day {
  /** Of the year, from 1. */
  readonly dayOfYear: number
  readonly precipitation: number
  readonly highest: number
  readonly lowest: number
  readonly wind: number
}

/** Days in a row, of one place. */
export interface Place {
  readonly city: string
  readonly days: readonly Day[]
}

export const cities = ['Seattle', 'New York'] as const

/** The year that no model was trained on. */
const year = 2015

/** weather.csv of a folder, or else of the npm package vega-datasets (NOAA's observations); undefined where neither is here. */
export async function findWeather(data: string | undefined): Promise<string | undefined> {
  const folders = data === undefined ? [] : [data]
  try {
    // The package lets nothing but its entry be resolved, build/index.js.
    const entry = createRequire(import.meta.url).resolve('vega-datasets')
    folders.push(join(dirname(dirname(entry)), 'data'))
  } catch {}
  for (const folder of folders) {
    const path = join(folder, 'weather.csv')
    if (await readFile(path).catch(() => undefined)) return path
  }
  return undefined
}

/** All days of the year 2015, and `before` days before it. */
export async function readDays(path: string, before: number): Promise<Place[]> {
  const table = await readTable(path)
  const columns = ['location', 'date', 'precipitation', 'temp_max', 'temp_min', 'wind'].map((name) =>
    columnOf(table, name),
  )
  return cities.map((city) => {
    const rows = table.rows.map((_, i) => columns.map((column) => column[i]!)).filter(([place]) => place === city)
    const first = rows.findIndex(([, date]) => date!.startsWith(`${year}-`))
    const last = rows.findLastIndex(([, date]) => date!.startsWith(`${year}-`))
    return {
      city,
      days: rows.slice(first - before, last + 1).map(([, date, precipitation, highest, lowest, wind]) => ({
        dayOfYear: dayOfYear(date!),
        precipitation: Number(precipitation),
        highest: Number(highest),
        lowest: Number(lowest),
        wind: Number(wind),
      })),
    }
  })
}

function dayOfYear(date: string): number {
  const [y = 0, month = 1, day = 1] = date.slice(0, 10).split('-').map(Number)
  return Math.round((Date.UTC(y, month - 1, day) - Date.UTC(y, 0, 1)) / 864e5) + 1
}

/** Days that were not, of the same two cities: `count` from `first`, a day of the year from 0 (or before it). */
export function drawDays(spec: SeriesSpec, first: number, count: number, seed: number): Place[] {
  const randomness = createRandomness(seed)
  return cities.map((city) => {
    const group = spec.classes.find(({ label }) => label === city)!
    const rows = drawSeries(spec, group, count, randomness, first)
    return {
      city,
      days: rows.map(([precipitation = 0, highest = 0, lowest = 0, wind = 0], i) => ({
        dayOfYear: ((((first + i) % 365) + 365) % 365) + 1,
        precipitation,
        highest,
        lowest: Math.min(lowest, highest),
        wind,
      })),
    }
  })
}
