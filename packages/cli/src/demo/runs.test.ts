import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { compile, costOf } from '@glovebox/ml'
import { expect, test } from 'vitest'
import { testFolder } from '../../test/glovebox.ts'
import { demo } from './fitness.ts'
import { readModelJson } from './model-file.ts'
import { drawRuns, encodeRun, numbersOfMinute, readRuns, totalsOf } from './runs.ts'
import type { SeriesSpec } from './synthetic-series.ts'

const folder = testFolder()

test('a run by hand: minutes, zones, climbs, and a pause that does not count', () => {
  const run = [
    { time: 1000, distance: 0, altitude: 50, heartRate: 100 },
    { time: 1006, distance: 15, altitude: 53, heartRate: 125 },
    { time: 1012, distance: 30, altitude: 51, heartRate: 160 },
    { time: 1060, distance: 60, altitude: 52, heartRate: 185 },
    { time: 1066, distance: 90, altitude: 52, heartRate: 139 },
  ]
  const rows = encodeRun(run, 200)
  const close = (from: number, expected: number[]): void =>
    expected.forEach((value, i) => expect(rows[from + i], `number ${i}`).toBeCloseTo(value, 12))
  // 125 of 200 is zone 2, 160 begins zone 4; 48 s without a point are a pause.
  close(0, [0.03, 0.2, 0.003, 0, 0.1, 0, 0.1, 0])
  close(numbersOfMinute, [0.06, 0.1, 0.001, 0, 0.1, 0, 0, 0])
  expect(rows.slice(2 * numbersOfMinute).every((v) => v === 0)).toBe(true)
  totalsOf(run, 200).forEach((total, i) => expect(total).toBeCloseTo([0.09, 0.3, 0.004, 0, 0.2, 0, 0.1, 0][i]!, 12))
  const long = [...run, { ...run[4]!, time: 1000 + 128 * 60 }]
  expect(() => encodeRun(long, 200)).toThrow('"run" expected at most 128 minutes, got 129')
})

test('synthetic runs are like runs, and the same every time', async () => {
  const spec = await readModelJson<SeriesSpec>('fitness', 'synthetic.json')
  const runs = drawRuns(spec, 40, 1)
  expect(drawRuns(spec, 40, 1)).toEqual(runs)
  expect(drawRuns(spec, 40, 2)).not.toEqual(runs)
  for (const run of runs) {
    const [distance = 0, moving = 0, climb = 0, ...zones] = totalsOf(run, 195)
    expect(moving / distance).toBeGreaterThan(3.5)
    expect(moving / distance).toBeLessThan(6)
    expect(climb).toBeLessThan(0.06 * distance)
    expect(zones.reduce((a, b) => a + b)).toBeCloseTo(moving, 9)
  }
})

test('a file of points is read by its columns, with gaps filled', async () => {
  const path = join(folder, 'runs.csv.gz')
  const lines = ['session,time,heart_rate,altitude,distance', '1,10,90,5,0', '1,11,,6,2.5', '2,99,140,NA,0']
  writeFileSync(path, gzipSync(lines.join('\n')))
  expect(await readRuns(path, 9)).toEqual([
    [
      { time: 10, distance: 0, altitude: 5, heartRate: 90 },
      { time: 11, distance: 2.5, altitude: 6, heartRate: 90 },
    ],
    [{ time: 99, distance: 0, altitude: 6, heartRate: 140 }],
  ])
  expect(await readRuns(path, 1)).toHaveLength(1)
})

test('a run goes up in less than 60 KB, its answer comes back in less than 25 KB, without keys, and weeks of 16 runs are planned for', async () => {
  const { model, compile: options } = await demo.load({ samples: 4, data: undefined })
  const program = compile(model, options)
  const { uploadBytes, replyBytes, keyBytes } = costOf(program)
  expect(program.packing).toBe('coefficient')
  expect(uploadBytes).toBeLessThan(60_000)
  expect(replyBytes).toBeLessThan(25_000)
  expect(keyBytes).toBe(0)
  expect(program.input.summands).toBe(16)
  expect(program.report.relativeError).toBeLessThan(2 ** -17)
})
