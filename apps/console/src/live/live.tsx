import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { readStats, type Stats } from '../api/stats.ts'
import { Scroll } from '../components/scroll.tsx'
import { Failure, Ghosts } from '../components/states.tsx'
import { short, showBytes, showCount, showDuration, showMs } from '../format.ts'
import { Head } from '../pages/head.tsx'
import { useSession } from '../session.ts'
import { Chart, type Series } from './chart.tsx'
import { type Moment, momentOf, predictionsOf, stageNames } from './history.ts'

const everyMs = 2000
/** Ten minutes. */
const kept = 300

/** What the service does now, and did in the last minutes that this page was open. */
export function LivePage(): JSX.Element {
  const session = useSession()
  const [stats, setStats] = useState<Stats>()
  const [moments, setMoments] = useState<readonly Moment[]>([])
  const [error, setError] = useState<unknown>()
  const [paused, setPaused] = useState(false)
  const [turn, setTurn] = useState(0)

  // Begins anew for another token and on another attempt.
  useEffect(() => {
    if (paused) return
    const abort = new AbortController()
    let before: Stats | undefined
    let timer: ReturnType<typeof setTimeout>
    const look = async (): Promise<void> => {
      try {
        const now = await readStats(abort.signal)
        const moment = momentOf(before, now)
        setMoments((list) => [...list, moment].slice(-kept))
        before = now
        setStats(now)
        setError(undefined)
      } catch (thrown) {
        if (abort.signal.aborted) return
        setError(thrown)
      }
      timer = setTimeout(look, everyMs)
    }
    look()
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [session, paused, turn])

  return (
    <>
      <Head title="Live">
        <div class="row">
          <p class="lead">What the service is doing, every two seconds.</p>
          <button type="button" class="button tiny" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? 'Go on' : 'Pause'}
          </button>
        </div>
      </Head>
      <div class="stack">
        {error !== undefined && (
          <Failure error={error} what="the metrics" retry={() => setTurn((before) => before + 1)} />
        )}
        {stats ? (
          <Board stats={stats} moments={moments} />
        ) : (
          error === undefined && <Ghosts count={3} what="the metrics" />
        )}
      </div>
    </>
  )
}

interface BoardProps {
  readonly stats: Stats
  readonly moments: readonly Moment[]
}

function Board({ stats, moments }: BoardProps): JSX.Element {
  const { requests, queue, threads, keys, memory } = stats
  const last = moments.at(-1)
  const tiles: [string, string][] = [
    ['predictions per second', last?.predictionsPerSecond == null ? '—' : short(last.predictionsPerSecond)],
    ['predictions', showCount(predictionsOf(stats))],
    ['requests failed, of all and this page’s', `${showCount(requests.failed)} of ${showCount(requests.total)}`],
    ['waiting', queue.limit ? `${queue.waiting} of ${queue.limit}` : String(queue.waiting)],
    ['threads busy', `${threads.busy} of ${threads.total}`],
    [`${keys.sets === 1 ? 'set' : 'sets'} of keys, ${showBytes(keys.bytes)}`, showCount(keys.sets)],
    ['memory', showBytes(memory.rss)],
    ['up for', showDuration((stats.now - stats.started) / 1000)],
  ]
  const times = moments.map(({ at }) => at)
  const line = (name: string, colour: string, of: (moment: Moment) => number | null): Series => ({
    name,
    colour,
    values: moments.map(of),
  })
  return (
    <>
      <div class="tiles">
        {tiles.map(([name, value]) => (
          <div key={name} class="sheet tile">
            <span class="figure-value">{value}</span>
            <span class="figure-name">{name}</span>
          </div>
        ))}
      </div>
      <div class="charts">
        <Chart
          title="Requests per second"
          times={times}
          show={(value) => String(Number(value.toPrecision(3)))}
          series={[
            line('predictions', '--time-compute', (moment) => moment.predictionsPerSecond),
            line('all, also of this page', '--time-network', (moment) => moment.perSecond),
            line('failed', '--bad', (moment) => moment.failedPerSecond),
          ]}
        />
        <Chart
          title="Latency by stage"
          times={times}
          show={showMs}
          series={stageNames.map(([stage, name], i) =>
            line(name, stageColours[i]!, (moment) => moment.stages[stage] ?? null),
          )}
        />
        <Chart
          title="Queue and threads"
          times={times}
          show={String}
          steps={wholes}
          series={[
            line('waiting', '--gold', (moment) => moment.waiting),
            line('threads busy', '--time-compute', (moment) => moment.busy),
          ]}
        />
        <Chart
          title="Memory"
          times={times}
          show={showBytes}
          steps={sizes}
          series={[
            line('process', '--time-compute', (moment) => moment.rss),
            line('keys held warm', '--gold', (moment) => moment.keyBytes),
          ]}
        />
      </div>
      <ModelTable stats={stats} />
    </>
  )
}

const wholes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]
const sizes = [1, 10, 100, 1000, 10_000].flatMap((power) => [1e6 * power, 2e6 * power, 5e6 * power])
const stageColours = ['--time-network', '--gold', '--time-compute', '--time-decrypt']

function ModelTable({ stats: { models, jobs } }: { readonly stats: Stats }): JSX.Element {
  return (
    <section class="sheet stack-s" aria-labelledby="by-model">
      <h2 id="by-model">By model</h2>
      {models.length === 0 ? (
        <p class="soft">No model has been asked for since the start.</p>
      ) : (
        <Scroll label="Requests and latency by model since the start">
          <table class="table small">
            <caption class="unseen">Requests and latency by model since the start</caption>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col" class="number">
                  Requests
                </th>
                <th scope="col" class="number">
                  Failed
                </th>
                {stageNames.map(([stage, name]) => (
                  <th key={stage} scope="col" class="number">
                    {name}, median / 95 %
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {models.map(({ name, requests, failed, stages }) => (
                <tr key={name}>
                  <th scope="row" class="name">
                    {breakable(name)}
                  </th>
                  <td class="number">{showCount(requests)}</td>
                  <td class="number">{showCount(failed)}</td>
                  {stageNames.map(([stage]) => {
                    const { p50_ms, p95_ms } = stages[stage] ?? {}
                    return (
                      <td key={stage} class="number">
                        {p50_ms === undefined || p95_ms === undefined ? '—' : `${showMs(p50_ms)} / ${showMs(p95_ms)}`}
                      </td>
                    )
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      {jobs && (
        <p class="small soft">
          Batch jobs: {showCount(jobs.queued)} queued, {showCount(jobs.running)} running, {showCount(jobs.done)} done,{' '}
          {showCount(jobs.failed)} failed
        </p>
      )}
    </section>
  )
}

/** A name that may be broken behind its hyphens, dots and underscores, not in words. */
function breakable(name: string): (string | JSX.Element)[] {
  return name.split(/(?<=[-._])/).flatMap((part, i) => (i === 0 ? [part] : [<wbr key={i} />, part]))
}
