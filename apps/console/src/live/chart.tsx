import type { JSX } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { Scroll } from '../components/scroll.tsx'
import { colourOf } from '../theme.ts'

export interface Series {
  readonly name: string
  /** A variable of the style. */
  readonly colour: string
  readonly values: readonly (number | null)[]
}

interface ChartProps {
  readonly title: string
  readonly times: readonly number[]
  readonly series: readonly Series[]
  readonly show: (value: number) => string
  /** Steps between the lines of the grid; default: 1, 2, 5 times powers of ten. */
  readonly steps?: readonly number[]
}

const height = 190
/** Of the table beside the chart. */
const rows = 10

/** Lines over time; the last values also as a text and as a table. */
export function Chart({ title, times, series, show, steps }: ChartProps): JSX.Element {
  const area = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const [theme, setTheme] = useState(0)
  const id = useId()
  const names = series.map(({ name }) => name).join()

  useEffect(() => {
    const changed = (): void => setTheme((before) => before + 1)
    const system = matchMedia('(prefers-color-scheme: dark)')
    addEventListener('glovebox-theme', changed)
    system.addEventListener('change', changed)
    return () => {
      removeEventListener('glovebox-theme', changed)
      system.removeEventListener('change', changed)
    }
  }, [])

  // A new chart for another theme or other lines, not for new values.
  useEffect(() => {
    const element = area.current
    if (!element) return
    const made = new uPlot(optionsOf(element.clientWidth, series, show, steps), dataOf(times, series), element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [theme, names])

  useEffect(() => {
    plot.current?.setData(dataOf(times, series))
  }, [times, series])

  return (
    <section class="sheet stack-s" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <ul class="legend">
        {series.map(({ name, colour, values }) => (
          <li key={name}>
            <span class="swatch" style={{ background: `var(${colour})` }} aria-hidden="true" />
            {name} <strong>{shown(lastOf(values), show)}</strong>
          </li>
        ))}
        {times.length < 2 && <li>collecting …</li>}
      </ul>
      <div ref={area} class="chart-area" aria-hidden="true" />
      <details>
        <summary>
          As a table<span class="unseen">: {title}</span>
        </summary>
        <Scroll label={`${title}, newest first`}>
          <table class="table small">
            <caption class="unseen">{title}, newest first</caption>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {series.map(({ name }) => (
                  <th key={name} scope="col" class="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {lastRows(times).map((i) => (
                <tr key={times[i]}>
                  <th scope="row">{new Date(1000 * times[i]!).toLocaleTimeString('en-GB')}</th>
                  {series.map(({ name, values }) => (
                    <td key={name} class="number">
                      {shown(values[i], show)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </section>
  )
}

function shown(value: number | null | undefined, show: (value: number) => string): string {
  return value === null || value === undefined ? '—' : show(value)
}

/** What is known, however long ago it was. */
function lastOf(values: readonly (number | null)[]): number | null | undefined {
  return values.findLast((value) => value !== null)
}

function lastRows(times: readonly number[]): number[] {
  return Array.from({ length: Math.min(rows, times.length) }, (_, k) => times.length - 1 - k)
}

function dataOf(times: readonly number[], series: readonly Series[]): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])] as uPlot.AlignedData
}

function optionsOf(
  width: number,
  series: readonly Series[],
  show: (value: number) => string,
  steps: readonly number[] | undefined,
): uPlot.Options {
  const [soft, line] = [colourOf('--soft'), colourOf('--line')]
  const axis = {
    stroke: soft,
    font: '12px system-ui, sans-serif',
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
  }
  return {
    width,
    height,
    cursor: { show: false },
    legend: { show: false },
    padding: [8, 30, 0, 0],
    scales: { x: { time: true, range: timesOf }, y: { range: (_, __, most) => [0, most > 0 ? 1.15 * most : 1] } },
    axes: [
      {
        ...axis,
        space: 80,
        size: 32,
        values: (_, ticks) => ticks.map((at) => new Date(1000 * at).toLocaleTimeString('en-GB')),
      },
      { ...axis, size: 68, values: (_, ticks) => ticks.map(show), ...(steps && { incrs: [...steps] }) },
    ],
    series: [
      {},
      ...series.map(({ name, colour }) => ({
        label: name,
        stroke: colourOf(colour),
        width: 2,
        spanGaps: true,
        // Few of them are no line.
        points: { show: (plot: uPlot, i: number) => known(plot.data[i]) < 3 },
      })),
    ],
  }
}

/** A minute at least, so that marks differ; uPlot itself would make a day of a single value. */
function timesOf({ data: [times] }: uPlot): [number, number] {
  const first = times?.[0] ?? Date.now() / 1000
  return [first, Math.max(times?.at(-1) ?? first, first + 60)]
}

function known(values: ArrayLike<unknown> | undefined): number {
  return Array.from(values ?? []).filter((value) => value !== null && value !== undefined).length
}
