import { describe, expect, test } from 'vitest'
import type { ComputeStats } from '../compute/compute.ts'
import { createMetrics } from './metrics.ts'
import { createRecent } from './quantiles.ts'
import { noiseMargin } from './stats.ts'

/** The value of one series; undefined where there is none. */
async function value(metrics: ReturnType<typeof createMetrics>, series: string): Promise<number | undefined> {
  const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

const warm = { count: 4, bytes: 30, budget: 100, hits: 7, loads: 2, evictions: 1 }
const compute: ComputeStats = {
  threads: 2,
  busy: 1,
  waiting: { local: 2, acme: 1 },
  queue: 64,
  keys: warm,
  models: { ...warm, count: 5 },
  byThread: [
    { models: 1, keys: 1, memory: 2e6 },
    { models: 1, keys: 1, memory: 3e6 },
  ],
  served: 9,
  refused: 0,
  failed: 0,
  turnedAway: 6,
  died: 1,
  recycled: 0,
}

describe('Prometheus', () => {
  test('has the latency of a model by stage, in seconds', async () => {
    const metrics = createMetrics('1.2.3')
    metrics.model('digits', { marginBits: 1.5 })
    metrics.stage('digits', 'compute', 40)
    metrics.stage('digits', 'compute', 200)
    const of = (rest: string) => value(metrics, `glovebox_stage_seconds_${rest}`)
    expect(await of('count{model="digits",stage="compute"}')).toBe(2)
    expect(await of('sum{model="digits",stage="compute"}')).toBeCloseTo(0.24)
    expect(await of('bucket{le="0.05",model="digits",stage="compute"}')).toBe(1)
    expect(await value(metrics, 'glovebox_noise_margin_bits{model="digits"}')).toBe(1.5)
    expect(await value(metrics, 'glovebox_info{version="1.2.3"}')).toBe(1)
  })

  test('counts requests by route and status, uploads, keys, refusals and jobs', async () => {
    const metrics = createMetrics('1')
    metrics.request('POST', '/v2/models/:name/infer', 200)
    metrics.request('POST', '/v2/models/:name/infer', 200)
    metrics.request('BREW', '/*', 404)
    metrics.upload('keys', 1000)
    metrics.upload('keys', 24)
    metrics.rateLimited('tenant')
    metrics.authFailed('expired')
    metrics.jobDone('done')
    metrics.model('digits', { marginBits: 1 })
    metrics.failed('digits', 'malformed')
    metrics.failed('what somebody asked for', 'malformed')
    for (const [series, expected] of [
      ['http_requests_total{method="POST",route="/v2/models/:name/infer",status="200"}', 2],
      ['http_requests_total{method="other",route="/*",status="404"}', 1],
      ['upload_bytes_total{kind="keys"}', 1024],
      ['rate_limited_total{limit="tenant"}', 1],
      ['auth_failures_total{reason="expired"}', 1],
      ['jobs_finished_total{status="done"}', 1],
      ['prediction_failures_total{model="digits",code="malformed"}', 1],
      ['prediction_failures_total{model="_other",code="malformed"}', 1],
    ] as const)
      expect(await value(metrics, `glovebox_${series}`), series).toBe(expected)
  })

  test('reads what others hold at the time of asking, and has no series before it is told where', async () => {
    const metrics = createMetrics('1')
    expect(await value(metrics, 'glovebox_queue_length')).toBeUndefined()
    let waiting: ComputeStats['waiting'] = compute.waiting
    metrics.read({ compute: () => ({ ...compute, waiting }) })
    metrics.read({ jobs: async () => ({ queued: 1, done: 7 }), stored: async () => ({ sets: 8, bytes: 800 }) })
    expect(await value(metrics, 'glovebox_queue_length')).toBe(3)
    waiting = {}
    expect(await value(metrics, 'glovebox_queue_length')).toBe(0)
    expect(await value(metrics, 'glovebox_key_sets_warm')).toBe(4)
    expect(await value(metrics, 'glovebox_key_events_total{event="hit"}')).toBe(7)
    expect(await value(metrics, 'glovebox_key_events_total{event="hit"}'), 'asked twice').toBe(7)
    expect(await value(metrics, 'glovebox_turned_away_total')).toBe(6)
    expect(await value(metrics, 'glovebox_models_warm')).toBe(5)
    expect(await value(metrics, 'glovebox_keys_stored{unit="bytes"}')).toBe(800)
    expect(await metrics.text()).not.toContain('acme')
    expect(await value(metrics, 'glovebox_jobs{status="done"}')).toBe(7)
    expect(await value(metrics, 'glovebox_memory_bytes{kind="wasm"}')).toBe(5e6)
    expect(await value(metrics, 'glovebox_memory_bytes{kind="rss"}')).toBeGreaterThan(1e7)
  })

  test('is there while the database is away, but for what only the database knows', async () => {
    const metrics = createMetrics('1')
    const away = () => Promise.reject(new Error('connection refused'))
    metrics.read({ compute: () => compute, jobs: away, stored: away })
    expect(await value(metrics, 'glovebox_threads')).toBe(2)
    expect(await value(metrics, 'glovebox_jobs{status="queued"}')).toBeUndefined()
  })

  test('of two services in one process is apart', async () => {
    const [one, two] = [createMetrics('1'), createMetrics('1')]
    one.upload('blob', 5)
    expect(await value(two, 'glovebox_upload_bytes_total{kind="blob"}')).toBeUndefined()
  })

  test('has so many models and no more, however many are pushed or asked for', async () => {
    const metrics = createMetrics('1')
    for (let i = 0; i < 2000; i++) {
      if (i < 1000) metrics.model(`m${i}`, { marginBits: 1 })
      metrics.stage(`m${i}`, 'wait', 1)
    }
    const text = await metrics.text()
    expect(text.match(/^glovebox_stage_seconds_count/gm)).toHaveLength(501)
    expect(text.match(/^glovebox_noise_margin_bits\{/gm)).toHaveLength(500)
    expect(await value(metrics, 'glovebox_stage_seconds_count{model="_other",stage="wait"}')).toBe(1500)
    metrics.forget('m1')
    expect(await value(metrics, 'glovebox_stage_seconds_count{model="m1",stage="wait"}')).toBeUndefined()
    expect(await value(metrics, 'glovebox_noise_margin_bits{model="m1"}')).toBeUndefined()
  })
})

describe('stats', () => {
  test('say the same as the metrics, with quantiles of the last predictions', async () => {
    const metrics = createMetrics('1.2.3')
    metrics.model('digits', { marginBits: 0.5 })
    for (let ms = 1; ms <= 100; ms++) metrics.stage('digits', 'compute', ms)
    metrics.request('GET', '/v2', 200)
    metrics.request('GET', '/v2', 401)
    metrics.request('GET', '/v2', 500)
    metrics.authFailed('unknown')
    metrics.upload('query', 10)
    metrics.failed('digits', 'missing-key')
    metrics.read({
      compute: () => compute,
      stored: async () => ({ sets: 8, bytes: 800 }),
      jobs: async () => ({ failed: 1 }),
    })
    const stats = await metrics.stats()
    expect(stats).toMatchObject({
      version: '1.2.3',
      requests: { total: 3, failed: 1, by_status: { 200: 1, 401: 1, 500: 1 }, auth_failures: 1, rate_limited: 0 },
      keys: {
        sets: 8,
        bytes: 800,
        warm_sets: 4,
        warm_bytes: 30,
        budget_bytes: 100,
        hits: 7,
        loads: 2,
        evictions: 1,
      },
      queue: { waiting: 3, limit: 64, turned_away: 6 },
      threads: { total: 2, busy: 1, died: 1 },
      uploads: { keys: 0, query: 10, blob: 0 },
      jobs: { queued: 0, failed: 1 },
      memory: { wasm: 5e6 },
      warm_models: 5,
      models: [
        {
          name: 'digits',
          requests: 100,
          failed: 1,
          margin_bits: 0.5,
          stages: { compute: { count: 100, sum_ms: 5050, p50_ms: 50, p95_ms: 95 } },
        },
      ],
    })
    expect(stats.models[0]!.stages.wait).toBeUndefined()
    expect(stats.now - stats.started).toBeLessThan(60_000)
  })

  test('keep what a model did when its margin is told again', async () => {
    const metrics = createMetrics('1')
    metrics.model('a', { marginBits: 1 })
    metrics.stage('a', 'compute', 8)
    metrics.model('a', { marginBits: 2 })
    expect((await metrics.stats()).models).toMatchObject([{ name: 'a', requests: 1, margin_bits: 2 }])
  })
})

test('recent values are the last 128', () => {
  const recent = createRecent()
  expect(recent.stats()).toBeUndefined()
  for (let i = 0; i < 1000; i++) recent.add(i < 872 ? 1e6 : i - 871)
  expect(recent.stats()).toEqual({ count: 1000, sum_ms: 872e6 + 8256, p50_ms: 64, p95_ms: 122 })
})

test('the noise margin is in bits, and negative where the prediction is worse than was asked for', () => {
  expect(noiseMargin({ targetError: 0.01, relativeError: 0.0025 })).toBeCloseTo(2)
  expect(noiseMargin({ targetError: 0.01, relativeError: 0.02 })).toBeCloseTo(-1)
})
