import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeFrame } from '@glovebox/he'
import { median, type Row } from './rows.ts'
import type { BenchOptions, Measured } from './run.ts'
import { runLoad } from './service/load.ts'
import { requireBuilt, type ServerProcess, startService } from './service/process.ts'
import { infer, type Prepared, prepareModel, send, uploadKeys } from './service/query.ts'
import { firstPredictions } from './service/tab.ts'

/** One line of the table. */
interface Figure {
  readonly what: string
  readonly unit: '%' | 'requests/s' | 'MB' | 's'
  readonly value: number
  readonly must: number
  readonly aim: number
  /** What else was seen. */
  readonly detail: Readonly<Record<string, unknown>>
}

type Part = (models: Models) => Promise<readonly Figure[]>

interface Models {
  readonly folder: string
  readonly threads: number
  readonly digits: Prepared
  readonly linear: Prepared
}

const MB = 1e6
const parts: Readonly<Record<string, Part>> = { overhead, load, memory: growth, upload, start, tab }

/** The service as users run it: built packages, a process of its own. `--set overhead|load|memory|upload|start|tab` measures parts of the table. */
export async function bench({ sets, threads }: BenchOptions): Promise<Measured> {
  const names = sets.length > 0 ? sets : Object.keys(parts)
  const unknown = names.find((name) => !Object.hasOwn(parts, name))
  if (unknown !== undefined)
    throw new RangeError(`"--set" expected one of ${Object.keys(parts).join(', ')}, got ${unknown}`)
  requireBuilt()
  const folder = await mkdtemp(join(tmpdir(), 'glovebox-bench-'))
  try {
    using digits = await prepareModel('digits', folder)
    using linear = await prepareModel('digits-linear', folder)
    const figures = new Map<string, Figure>()
    const rows: Row[] = []
    for (const name of names) {
      console.error(`${name} …`)
      for (const figure of await parts[name]!({ folder, threads, digits, linear })) {
        figures.set(figure.what, figure)
        rows.push(...rowOf(name, figure))
      }
    }
    console.log(tableOf([...figures.values()]))
    return { rows, facts: Object.fromEntries(figures) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** One query of digits after the other: on the engine in this process, over HTTP, in turn. */
async function overhead({ digits, threads }: Models): Promise<Figure[]> {
  await using server = await startService([digits.folder, '--threads', String(threads)])
  await uploadKeys(server.url, digits)
  const bare: number[] = []
  const served: number[] = []
  const time = async (samples: number[], run: () => unknown): Promise<void> => {
    const started = performance.now()
    await run()
    samples.push(performance.now() - started)
  }
  // In turns of several, the first of which are not counted: else each would run in the caches that the other has just emptied.
  const runs = {
    bare: () => digits.engine.answer(digits.query, digits.engineKeys),
    served: () => infer(server.url, digits),
  }
  for (let turn = -1; turn < 8; turn++) {
    for (const [samples, run] of [
      [bare, runs.bare],
      [served, runs.served],
    ] as const)
      for (let i = 0; i < 14; i++) await time(turn < 0 || i < 4 ? [] : samples, run)
  }
  const [bareMs, servedMs] = [median(bare), median(served)]
  return [
    {
      what: 'overhead of the service over the bare program, digits',
      unit: '%',
      value: 100 * (servedMs / bareMs - 1),
      must: 15,
      aim: 5,
      detail: {
        bareMs,
        servedMs,
        leastBareMs: Math.min(...bare),
        leastServedMs: Math.min(...served),
        runs: bare.length,
      },
    },
  ]
}

const clients = 50
const unlimited = { GLOVEBOX_REQUESTS_PER_MINUTE: '0' }

async function load({ linear, threads }: Models): Promise<Figure[]> {
  await using server = await startService([linear.folder, '--threads', String(threads)], unlimited)
  const request = {
    url: inferUrl(server, linear),
    headers: linear.headers,
    body: linear.bodyFile,
    connections: clients,
  }
  await runLoad({ ...request, seconds: 3 })
  const result = await runLoad({ ...request, seconds: 15 })
  if (result.errors > 0) console.error(`${result.errors} of the requests were not answered`)
  return [
    {
      what: 'digits-linear, 50 clients',
      unit: 'requests/s',
      value: result.perSecond,
      must: 150,
      aim: 500,
      detail: { ...result, threads },
    },
  ]
}

async function growth({ linear, threads }: Models): Promise<Figure[]> {
  await using server = await startService([linear.folder, '--threads', String(threads)], unlimited)
  const request = {
    url: inferUrl(server, linear),
    headers: linear.headers,
    body: linear.bodyFile,
    connections: clients,
  }
  await runLoad({ ...request, requests: 2000 })
  const before = await server.memory()
  const { errors } = await runLoad({ ...request, requests: 5000 })
  const after = await server.memory()
  return [
    {
      what: 'memory growth over 5,000 requests',
      unit: 'MB',
      value: (after.rss - before.rss) / MB,
      must: 50,
      aim: 10,
      detail: { errors, before, after },
    },
  ]
}

/** A set of keys that is 200 MB long, and noise but for its head: whole by PUT, and in parts by PATCH. */
async function upload({ digits, folder }: Models): Promise<Figure[]> {
  const args = [digits.folder, '--data', join(folder, 'upload')]
  await using server = await startService(args, { GLOVEBOX_KEY_BYTES: '256MiB' })
  // What is loaded at the first upload and the first prediction is not counted.
  await uploadKeys(server.url, digits)
  await infer(server.url, digits)
  const whole = await peakOf(server, async () => {
    const { body, digest } = await largeKeys(digits)
    return () => send('PUT', `${server.url}/v2/keys/${digest}`, { body })
  })
  const inParts = await peakOf(server, async () => {
    const { body, digest } = await largeKeys(digits)
    return async () => {
      const part = 8 * 2 ** 20
      for (let at = 0; at < body.length; at += part)
        await send('PATCH', `${server.url}/v2/keys/${digest}`, {
          body: body.slice(at, at + part),
          headers: { 'upload-offset': String(at), 'upload-length': String(body.length) },
        })
    }
  })
  return [
    {
      what: 'upload of a 200 MB key: extra memory',
      unit: 'MB',
      value: Math.max(whole, inParts) / MB,
      must: 64,
      aim: 16,
      detail: { putMB: whole / MB, patchMB: inParts / MB },
    },
  ]
}

async function peakOf(server: ServerProcess, prepare: () => Promise<() => Promise<unknown>>): Promise<number> {
  const run = await prepare()
  const { rss } = await server.memory()
  const { peak } = await server.peakDuring(run)
  return peak - rss
}

async function largeKeys({ keys }: Prepared): Promise<{ body: Uint8Array<ArrayBuffer>; digest: string }> {
  const noise = new Uint8Array(200 * MB)
  for (let at = 0; at < noise.length; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536))
  const body = new Uint8Array(encodeFrame('evaluation keys of a program', keys.model.part.digest, noise))
  return { body, digest: Buffer.from(await crypto.subtle.digest('SHA-256', body)).toString('hex') }
}

/** From the start of the process to the first 200 of /v2/health/ready: a new data directory, and one that has keys and results. */
async function start({ digits, folder }: Models): Promise<Figure[]> {
  const times: number[] = []
  const again: number[] = []
  for (let i = 0; i < 7; i++) {
    const data = join(folder, `start-${i}`)
    for (const samples of [times, again]) {
      await using server = await startService(['--data', data])
      samples.push(server.readyMs)
    }
  }
  const folders: number[] = []
  for (let i = 0; i < 3; i++) {
    await using server = await startService([digits.folder])
    folders.push(server.readyMs)
  }
  return [
    {
      what: 'cold start to ready, embedded',
      unit: 's',
      value: median(times) / 1000,
      must: 3,
      aim: 1,
      // The first of all fills the cache of compiled code.
      detail: {
        from: 'packages/cli/dist',
        firstMs: times[0],
        emptyMs: median(times),
        sameDataMs: median(again),
        withDigitsMs: median(folders),
      },
    },
  ]
}

async function tab({ digits, linear, folder, threads }: Models): Promise<Figure[]> {
  const tabs = await firstPredictions({ folder, models: [linear, digits], threads })
  if (tabs === undefined) return []
  const limits: Readonly<Record<string, readonly [number, number]>> = { 'digits-linear': [1.5, 0.5], digits: [6, 2] }
  return tabs.map(({ model, seconds, detail }) => {
    const [must, aim] = limits[model]!
    return {
      what: `first private prediction in a new browser tab, ${model}`,
      unit: 's',
      value: seconds,
      must,
      aim,
      detail,
    }
  })
}

const inferUrl = ({ url }: ServerProcess, { name }: Prepared): string => `${url}/v2/models/${name}/infer`

function rowOf(set: string, { what, unit, value }: Figure): Row[] {
  // Rows are times; the others are facts.
  return unit === 's'
    ? [{ op: what, set, threads: 1, us: Math.round(1e6 * value), peer: null, peerUs: null, ratio: null }]
    : []
}

function tableOf(figures: readonly Figure[]): string {
  const number = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en')
  const verdict = ({ unit, value, must, aim }: Figure): string => {
    const [miss, far] = unit === 'requests/s' ? [value < must, value < aim] : [value > must, value > aim]
    return miss ? 'MISSED' : far ? 'must' : 'aim'
  }
  const rows = figures.map(
    (f) => `| ${f.what} | ${number(f.must)} ${f.unit} | ${number(f.aim)} | **${number(f.value)}** | ${verdict(f)} |`,
  )
  return ['| what | must | aim | measured | holds |', '|---|--:|--:|--:|---|', ...rows].join('\n')
}
