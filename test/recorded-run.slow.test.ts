import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientKeys, connect, createKeys, encodeSecretKey } from '@glovebox/client'
import { decodeFrame } from '@glovebox/he'
import { packInput } from '@glovebox/ml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeBundle } from '../packages/cli/src/bundle.ts'
import { demo } from '../packages/cli/src/demo/digits.ts'
import { readDigits } from '../packages/cli/src/demo/mnist.ts'
import { type Recorder, record } from '../packages/cli/test/recorder.ts'
import { needlesOf, ternarySearch } from './needles.ts'
import { memoryOf } from './process-memory.ts'

// A recorded run of the service: digits that nobody but the client may see are predicted and left as a job. The memory of the server's process, stopped in the
// middle of a prediction and read at the end, its files, its database and its logs hold neither pixels, nor the secret key, nor an answer. What must be there is found.

const place = mkdtempSync(join(tmpdir(), 'glovebox-recorded-'))
const [data, temporary, bundle] = ['data', 'tmp', 'digits'].map((name) => join(place, name)) as [string, string, string]
const linux = existsSync('/proc/self/pagemap')

/** Forms of what is private, of what the server must have, and the key as numbers. */
const forms = new Map<string, Uint8Array>()
const own = new Map<string, Uint8Array>()
let ternary = new Int8Array()
let server: ChildProcess
let log = ''
let recorder: Recorder
/** What was in each place, found while the run went on: memories are too large to be kept. */
const seen = new Map<string, Set<string>>()

const bytesOf = (array: Float64Array | Float32Array | Int32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const text = (value: string): Uint8Array => Buffer.from(value)

function look(name: string, stretches: Iterable<Buffer>): void {
  const [needles, key] = [needlesOf(new Map([...forms, ...own])), ternarySearch(ternary)]
  const found = new Set<string>()
  let bytes = 0
  for (const stretch of stretches) {
    bytes += stretch.length
    for (const form of needles.search(stretch)) found.add(form)
    for (const form of key(stretch)) found.add(`key as ${form}`)
  }
  expect(bytes, `${name} has something in it`).toBeGreaterThan(100)
  seen.set(name, found)
}

function* files(folder: string): Generator<Buffer> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) yield Buffer.from(readFileSync(join(entry.parentPath, entry.name)))
}

function start(): Promise<string> {
  const entry = join(import.meta.dirname, 'recorded-run.entry.ts')
  server = spawn(process.execPath, ['--conditions=@glovebox/source', entry, bundle, data], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      log += chunk
      const url = /"url":"(http:[^"]+)"/.exec(log)?.[1]
      if (url) resolve(url)
    }
    server.stdout!.on('data', hear)
    server.stderr!.on('data', hear)
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${log}`)))
  })
}

function keepKey(keys: ClientKeys): void {
  const packed = decodeFrame(encodeSecretKey(keys), 'secret key of a program').body.bytes.slice(32)
  ternary = Int8Array.from({ length: 4 * packed.length }, (_, i) => [0, 1, -1][(packed[i >> 2]! >> (2 * (i & 3))) & 3]!)
  const { ring, slab } = keys.secret
  forms.set('key, packed', packed)
  forms.set('key, transformed', bytesOf(ring.heap.f64(slab.ptr, ring.moduli.length * ring.n).slice()))
  forms.set('key, hexadecimal', text(Buffer.from(packed).toString('hex')))
  forms.set('key, base64', text(Buffer.from(packed).toString('base64')))
}

beforeAll(async () => {
  if (!linux) return
  for (const folder of [data, temporary]) mkdirSync(folder)
  const task = await demo.load({ samples: 3, data: undefined })
  await writeBundle(bundle, task.model, { name: 'digits', ...task.compile })
  recorder = await record(await start())

  const sent: Uint8Array[] = []
  let queryHeaders: RequestInit['headers'] = {}
  const model = await connect(recorder.url, {
    fetch: (url, init) => {
      if (init.method === 'POST') {
        sent.push(init.body as Uint8Array)
        queryHeaders = init.headers ?? {}
      }
      return fetch(url, init)
    },
  }).model('digits')
  using keys = createKeys(model)
  keepKey(keys)
  for (const [i, image] of (await readDigits('test', 3)).images.entries()) {
    const scaled = Float64Array.from(image, (pixel) => pixel / 255)
    forms.set(`pixels ${i}`, image)
    forms.set(`f64 pixels ${i}`, bytesOf(Float64Array.from(image)))
    forms.set(`f32 pixels ${i}`, bytesOf(Float32Array.from(image)))
    forms.set(`scaled pixels ${i}`, bytesOf(scaled))
    forms.set(`scaled f32 pixels ${i}`, bytesOf(Float32Array.from(scaled)))
    forms.set(`slots ${i}`, bytesOf(packInput(model.part, [scaled])[0]!))
    forms.set(`JSON ${i}`, text([...image].join(',')))
    forms.set(`scaled JSON ${i}`, text([...scaled].join(',')))
  }

  // Twice, then one that is stopped half-way, then one that is left as a job.
  for (const input of task.inputs.slice(0, 2)) {
    const { outputs } = await model.predict([input], keys)
    forms.set(`answer ${forms.size}`, bytesOf(outputs[0]!))
    forms.set(`answer in JSON ${forms.size}`, text([...outputs[0]!].join(',')))
  }
  const running = model.predict([task.inputs[2]!], keys)
  while (sent.length < 3) await new Promise((resolve) => setTimeout(resolve, 1))
  await new Promise((resolve) => setTimeout(resolve, 60))
  own.set('query', sent[2]!.slice(-4096))
  own.set('evaluation keys', keys.evaluation.slice(100_000, 104_096))
  own.set('a line of the log', text(log.slice(log.indexOf('{'), log.indexOf('{') + 400)))
  server.kill('SIGSTOP')
  look('memory, while it computes', memoryOf(server.pid!))
  server.kill('SIGCONT')
  await running

  const body = sent[0]! as Uint8Array<ArrayBuffer>
  own.set('query of the job', body.slice(-4096))
  const post = await fetch(`${recorder.url}/v2/models/digits/jobs`, {
    method: 'POST',
    body,
    headers: queryHeaders,
  })
  expect(post.status).toBe(202)
  const { id } = (await post.json()) as { id: string }
  server.kill('SIGSTOP')
  look('files, with a job', files(place))
  server.kill('SIGCONT')
  for (let status = 425; status === 425; ) {
    const result = await fetch(`${recorder.url}/v2/jobs/${id}/result`)
    status = result.status
    expect([200, 425]).toContain(status)
    await result.arrayBuffer()
  }
  server.kill('SIGSTOP')
  look('memory, at the end', memoryOf(server.pid!))
  server.kill('SIGCONT')
  look(
    'files and database, at the end',
    (function* () {
      yield* files(data)
      yield* files(temporary)
    })(),
  )
  look('logs', [Buffer.from(log)])
  look('what was sent', [recorder.bytes()])
}, 300_000)

afterAll(async () => {
  recorder?.close()
  if (server && server.exitCode === null) {
    server.kill('SIGCONT')
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  rmSync(place, { recursive: true, force: true })
})

describe.skipIf(!linux)('a recorded run', () => {
  test('is looked at in memory, files, logs and on the wire', () => {
    expect([...seen.keys()]).toEqual([
      'memory, while it computes',
      'files, with a job',
      'memory, at the end',
      'files and database, at the end',
      'logs',
      'what was sent',
    ])
  })

  test('has what it must have where it must be', () => {
    expect(seen.get('memory, while it computes')).toContain('query')
    expect(seen.get('memory, while it computes')).toContain('evaluation keys')
    expect(seen.get('files, with a job')).toContain('query of the job')
    expect(seen.get('files and database, at the end')).toContain('evaluation keys')
    expect(seen.get('logs')).toContain('a line of the log')
    expect(seen.get('what was sent')).toContain('query')
  })

  test('has nothing private anywhere', () => {
    for (const [name, found] of seen)
      expect(
        [...found].filter((form) => !own.has(form)),
        name,
      ).toEqual([])
  })

  test('every form was looked for, by more than one piece', () => {
    const { looked } = needlesOf(forms)
    expect(looked.size).toBeGreaterThan(30)
    for (const [form, pieces] of looked) expect(pieces, form).toBeGreaterThanOrEqual(/^answer/.test(form) ? 1 : 2)
    expect(ternary.length).toBeGreaterThan(4096)
  })

  test('a process that has them is found out, in every form', async () => {
    const child = spawn(
      process.execPath,
      [
        '-e',
        `const kept = []; process.stdin.on('data', (b) => kept.push(Buffer.from(b))).on('end', () => { globalThis.kept = Buffer.concat(kept); console.log('ready'); setInterval(() => {}, 1000) })`,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    try {
      const held: [string, ArrayLike<number> & { buffer: ArrayBuffer }][] = [
        ['f64', Float64Array.from(ternary)],
        ['f32', Float32Array.from(ternary)],
        ['i32', Int32Array.from(ternary)],
        ['signed bytes', ternary],
        ['bytes 0, 1 and 2', ternary.map((s) => (s + 3) % 3)],
      ]
      for (const [, numbers] of held) child.stdin.write(Buffer.from(numbers.buffer))
      for (const bytes of forms.values())
        child.stdin.write(Buffer.concat([bytes, Buffer.alloc(8 - (bytes.length % 8))]))
      child.stdin.end()
      await once(child.stdout, 'data')
      child.kill('SIGSTOP')
      const found = new Set<string>()
      const [needles, key] = [needlesOf(forms), ternarySearch(ternary)]
      for (const stretch of memoryOf(child.pid!))
        for (const form of [...needles.search(stretch), ...key(stretch)]) found.add(form)
      expect([...found].sort()).toEqual([...held.map(([name]) => name), ...forms.keys()].sort())
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
})
