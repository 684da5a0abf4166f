import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
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
import { files, type Site } from './recorded-site.ts'

// A recorded run of the service: digits that nobody but the client may see are predicted and left as jobs. The memory of its processes, stopped in the middle of a
// computation and read at the end, its files, its stores and its logs hold neither pixels, nor the secret key, nor an answer. What must be there is found, and so is
// what is planted into each store.

const linux = existsSync('/proc/self/pagemap')
/** With a worker, so many that both have one and the worker a second one. */
const jobsWithWorker = 3

interface Process {
  readonly child: ChildProcess
  /** All that it said. */
  log: string
}

const bytesOf = (array: Float64Array | Float32Array | Int32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const text = (value: string): Uint8Array => Buffer.from(value)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The suite on one way to keep things. */
export function testRecordedRun(name: string, openSite: (folder: string) => Promise<Site>, missing?: string): void {
  if (missing) console.warn(`skipped: ${missing}`)
  describe.skipIf(!linux || missing !== undefined)(`a recorded run on ${name}`, () => {
    const place = mkdtempSync(join(tmpdir(), 'glovebox-recorded-'))
    const [temporary, bundle] = ['tmp', 'digits'].map((part) => join(place, part)) as [string, string]
    /** Forms of what is private, of what the service must have, and the key as numbers. */
    const forms = new Map<string, Uint8Array>()
    const own = new Map<string, Uint8Array>()
    let ternary = new Int8Array()
    let site: Site
    let server: Process
    let worker: Process | undefined
    let recorder: Recorder
    /** What was in each place, found while the run went on: memories are too large to be kept. */
    const seen = new Map<string, Set<string>>()
    const planted = new Map<string, Set<string>>()
    let shown: readonly string[] = []

    /** `aligned`: numbers are at multiples of their width, as in a memory. */
    function found(place: string, stretches: Iterable<Buffer>, aligned: boolean): Set<string> {
      const [needles, key] = [needlesOf(new Map([...forms, ...own])), ternarySearch(ternary)]
      const found = new Set<string>()
      // Shorter than a piece.
      const short = [...own].filter(([, bytes]) => bytes.length < 64)
      let bytes = 0
      for (const stretch of stretches) {
        bytes += stretch.length
        for (const [form, bytes] of short) if (stretch.includes(Buffer.from(bytes))) found.add(form)
        for (const form of needles.search(stretch)) found.add(form)
        for (const form of key(stretch, !aligned)) found.add(`key as ${form}`)
      }
      expect(bytes, `${place} has something in it`).toBeGreaterThan(60)
      return found
    }
    const look = (place: string, stretches: Iterable<Buffer>): unknown =>
      seen.set(place, found(place, stretches, false))
    /** Of processes that stand still meanwhile. */
    function lookInto(place: string, pids: readonly number[]): void {
      const stop = (signal: NodeJS.Signals): void => pids.forEach((pid) => void process.kill(pid, signal))
      stop('SIGSTOP')
      try {
        const memories = function* (): Generator<Buffer> {
          for (const pid of pids) yield* memoryOf(pid)
        }
        seen.set(place, found(place, memories(), true))
      } finally {
        stop('SIGCONT')
      }
    }

    function start(kind: 'serve' | 'worker'): Promise<{ process: Process; url: string }> {
      const entry = join(import.meta.dirname, 'recorded-run.entry.ts')
      const args = ['--conditions=@glovebox/source', entry, kind, bundle, JSON.stringify(site.options)]
      const child = spawn(process.execPath, args, {
        env: { ...process.env, TMPDIR: temporary },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const started: Process = { child, log: '' }
      return new Promise((resolve, reject) => {
        const hear = (chunk: Buffer): void => {
          started.log += chunk
          const url = /"url":"([^"]+)","msg":"listening"/.exec(started.log)?.[1]
          if (url) resolve({ process: started, url })
        }
        child.stdout.on('data', hear)
        child.stderr.on('data', hear)
        child.once('exit', (code) => reject(new Error(`the ${kind} ended with ${code}: ${started.log}`)))
      })
    }
    async function end(ending: Process | undefined): Promise<void> {
      if (!ending || ending.child.exitCode !== null || ending.child.signalCode !== null) return
      ending.child.kill('SIGCONT')
      ending.child.kill('SIGTERM')
      await once(ending.child, 'exit')
    }

    function keepKey(keys: ClientKeys): void {
      const packed = decodeFrame(encodeSecretKey(keys), 'secret key of a program').body.bytes.slice(32)
      ternary = Int8Array.from(
        { length: 4 * packed.length },
        (_, i) => [0, 1, -1][(packed[i >> 2]! >> (2 * (i & 3))) & 3]!,
      )
      const { ring, slab } = keys.secret
      forms.set('key, packed', packed)
      forms.set('key, transformed', bytesOf(ring.heap.f64(slab.ptr, ring.moduli.length * ring.n).slice()))
      forms.set('key, hexadecimal', text(Buffer.from(packed).toString('hex')))
      forms.set('key, base64', text(Buffer.from(packed).toString('base64')))
    }
    /** The key as numbers, in what they may be held. */
    const heldKey = (): [string, ArrayLike<number> & { buffer: ArrayBuffer }][] => [
      ['f64', Float64Array.from(ternary)],
      ['f32', Float32Array.from(ternary)],
      ['i32', Int32Array.from(ternary)],
      ['signed bytes', ternary],
      ['bytes 0, 1 and 2', ternary.map((s) => (s + 3) % 3)],
    ]
    /** All that is private, in every form. */
    const everything = (): Buffer =>
      Buffer.concat([
        ...heldKey().map(([, numbers]) => Buffer.from(numbers.buffer)),
        ...[...forms.values()].map((bytes) => Buffer.concat([bytes, Buffer.alloc(8 - (bytes.length % 8))])),
      ])

    beforeAll(async () => {
      mkdirSync(temporary)
      site = await openSite(place)
      const task = await demo.load({ samples: 3, data: undefined })
      await writeBundle(bundle, task.model, { name: 'digits', ...task.compile })
      const { process: service, url } = await start('serve')
      server = service
      if (site.jobsDone) worker = (await start('worker')).process
      recorder = await record(url)

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

      // Twice, then one that is stopped half-way, then some that are left as jobs.
      for (const input of task.inputs.slice(0, 2)) {
        const { outputs } = await model.predict([input], keys)
        forms.set(`answer ${forms.size}`, bytesOf(outputs[0]!))
        forms.set(`answer in JSON ${forms.size}`, text([...outputs[0]!].join(',')))
      }
      const running = model.predict([task.inputs[2]!], keys)
      while (sent.length < 3) await pause(1)
      await pause(60)
      own.set('query', sent[2]!.slice(-4096))
      own.set('evaluation keys', keys.evaluation.slice(100_000, 104_096))
      own.set('digest of the keys', text((queryHeaders as Record<string, string>)['glovebox-keys']!))
      own.set('a line of the log', text(server.log.slice(server.log.indexOf('{'), server.log.indexOf('{') + 400)))
      lookInto('memory of the server, while it computes', [server.child.pid!])
      await running

      const body = sent[0]! as Uint8Array<ArrayBuffer>
      own.set('query of the jobs', body.slice(-4096))
      const ids: string[] = []
      for (let i = 0; i < (worker ? jobsWithWorker : 1); i++) {
        const post = await fetch(`${recorder.url}/v2/models/digits/jobs`, {
          method: 'POST',
          body,
          headers: queryHeaders,
        })
        expect(post.status).toBe(202)
        ids.push(((await post.json()) as { id: string }).id)
      }
      own.set('id of a job', text(ids.at(-1)!))
      server.child.kill('SIGSTOP')
      if (worker) {
        // What ends now is the worker's, and the next one is then at work there.
        for (const before = await site.jobsDone!(); (await site.jobsDone!()) === before; ) await pause(1)
        await pause(60)
        worker.child.kill('SIGSTOP')
      }
      for (const [name, stretches] of await site.stored()) look(`${name}, with jobs`, stretches())
      look('temporary files, with jobs', filesOrNote(temporary))
      if (worker) lookInto('memory of the worker, while it computes', [worker.child.pid!])
      server.child.kill('SIGCONT')
      for (const id of ids)
        for (let status = 425; status === 425; ) {
          const result = await fetch(`${recorder.url}/v2/jobs/${id}/result`)
          status = result.status
          expect([200, 425]).toContain(status)
          await result.arrayBuffer()
        }
      lookInto('memory of the server, at the end', [server.child.pid!])
      if (worker) lookInto('memory of the worker, at the end', [worker.child.pid!])
      for (const [name, stretches] of await site.stored()) look(`${name}, at the end`, stretches())
      look('temporary files, at the end', filesOrNote(temporary))
      for (const [name, pids] of site.processes()) lookInto(`memory of ${name}`, pids)
      look('logs of the server', [Buffer.from(server.log)])
      if (worker) look('logs of the worker', [Buffer.from(worker.log)])
      look('what was sent', [recorder.bytes()])

      await end(server)
      await end(worker)
      shown = await site.plant(everything())
      for (const [name, stretches] of await site.stored()) planted.set(name, found(name, stretches(), false))
    }, 300_000)

    /** A folder may be empty: then there is a note. */
    const filesOrNote = (folder: string): Buffer[] => [...files(folder), Buffer.alloc(64, 'the end of the folder. ')]

    afterAll(async () => {
      recorder?.close()
      await end(server)
      await end(worker)
      await site?.close()
      rmSync(place, { recursive: true, force: true })
    })

    test('is looked at everywhere, and has what it must have where it must be', () => {
      expect([...seen.keys()]).toEqual([...site.places.keys()])
      for (const [place, forms] of site.places)
        expect([...seen.get(place)!], place).toEqual(expect.arrayContaining([...forms]))
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

    test('what is planted into a store is found there, in every form', () => {
      const all = [...heldKey().map(([name]) => `key as ${name}`), ...forms.keys()].sort()
      expect(shown.length).toBeGreaterThan(0)
      for (const name of shown)
        expect([...planted.get(name)!].filter((form) => !own.has(form)).sort(), name).toEqual(all)
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
        child.stdin.end(everything())
        await once(child.stdout, 'data')
        child.kill('SIGSTOP')
        const found = new Set<string>()
        const [needles, key] = [needlesOf(forms), ternarySearch(ternary)]
        for (const stretch of memoryOf(child.pid!))
          for (const form of [...needles.search(stretch), ...key(stretch)]) found.add(form)
        expect([...found].sort()).toEqual([...heldKey().map(([name]) => name), ...forms.keys()].sort())
      } finally {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    })
  })
}
