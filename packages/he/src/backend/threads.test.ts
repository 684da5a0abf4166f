import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { type Kernels, kernelNames, type Ptr } from '../kernels/table.ts'
import { Draw } from '../test-support/random.ts'
import type { Backend } from './backend.ts'
import { callCapacity, taskCapacity } from './commands.ts'
import { createHeap, type Heap } from './heap.ts'
import { openBackend } from './open.ts'
import { answering } from './task-kernels.ts'
import type { Threads } from './threads.ts'

const n = 128
const p = 1125899906842597
const pinv = 1 / p

type Call = readonly [keyof Kernels, ...number[]]
type Tasks = readonly (readonly Call[])[]

interface Bench {
  readonly backend: Backend
  readonly threads: Threads
  readonly heap: Heap
  /** Limbs of task t: `limbsPerTask` from here on. */
  readonly base: Ptr
}
const limbsPerTask = 4
const mostTasks = 64

const opened: Backend[] = []
afterAll(() => {
  for (const { threads } of opened) threads?.[Symbol.dispose]()
})

async function open(count: number): Promise<Bench> {
  const backend = openBackend('wasm-fused', count)
  opened.push(backend)
  const { threads } = backend
  if (!threads) throw new Error('no threads')
  expect(threads.count).toBe(count)
  expect(await threads.started()).toBe(count)
  const heap = createHeap(backend)
  return { backend, threads, heap, base: heap.alloc(8 * n * limbsPerTask * mostTasks).ptr }
}

/** Calls on the limbs of one task only; offsets count from `base`. */
function randomTask(draw: Draw, task: number): Call[] {
  const limb = (): number => 8 * n * (limbsPerTask * task + draw.integer(0, limbsPerTask - 1))
  return Array.from({ length: draw.integer(0, 12 - 1) }, () => {
    const kind = draw.integer(0, 5 - 1)
    if (kind === 0) return ['add', limb(), limb(), limb(), n, p, pinv]
    if (kind === 1) return ['mulAdd', limb(), limb(), limb(), n, p, pinv]
    if (kind === 2) return ['negate', limb(), limb(), n]
    if (kind === 3) return ['copy', limb(), limb(), n]
    return ['addScalar', limb(), limb(), n, draw.integer(0, 1000 - 1), p, pinv]
  })
}

const pointers: Readonly<Partial<Record<keyof Kernels, number>>> = {
  add: 3,
  mulAdd: 3,
  negate: 2,
  copy: 2,
  addScalar: 2,
}

function execute(kernels: Kernels, base: Ptr, calls: readonly Call[]): void {
  for (const [name, ...operands] of calls) {
    const placed = operands.map((x, i) => (i < pointers[name]! ? base + x : x))
    ;(kernels[name] as (...operands: number[]) => void)(...placed)
  }
}

/** What is in memory after the tasks, run by `how` on numbers that tell every place from every other. */
function outcome({ heap, base }: Bench, how: () => void): Float64Array {
  const count = n * limbsPerTask * mostTasks
  heap.f64(base, count).set(Float64Array.from({ length: count }, (_, i) => Math.imul(i + 1, 0x9e3779b1)))
  how()
  return heap.f64(base, count).slice()
}

describe.each([2, 3, 8])('%i threads', (count) => {
  test('random lists of tasks leave what they leave one after the other', async () => {
    const bench = await open(count)
    const draw = new Draw(`tasks ${count}`)
    for (let round = 0; round < 60; round++) {
      const tasks: Tasks = Array.from({ length: draw.integer(1, mostTasks) }, (_, t) => randomTask(draw, t))
      const serial = outcome(bench, () => {
        for (const calls of tasks) execute(bench.backend.kernels, bench.base, calls)
      })
      const parallel = outcome(bench, () =>
        bench.threads.parallel(tasks.length, (t, kernels) => execute(kernels, bench.base, tasks[t]!)),
      )
      expect(parallel).toEqual(serial)
    }
  })
})

describe('tasks', () => {
  const one = open(2)

  test.each([0, 1, 2, 1000, 2 * taskCapacity + 3])('%i tiny ones, each run once', async (count) => {
    const { threads, heap } = await one
    const at = heap.alloc(8 * 16 * count).ptr
    heap.f64(at, 16 * count).fill(1)
    threads.parallel(count, (i, kernels) => kernels.addScalar(at + 128 * i, at + 128 * i, 16, 1, p, pinv))
    expect(heap.f64(at, 16 * count).every((x) => x === 2)).toBe(true)
  })

  test('fewer than threads', async () => {
    const { threads, heap } = await open(6)
    const at = heap.alloc(8 * 16 * 2).ptr
    heap.f64(at, 32).fill(1)
    for (let round = 0; round < 200; round++)
      threads.parallel(2, (i, kernels) => kernels.negate(at + 128 * i, at + 128 * i, 16))
    expect(heap.f64(at, 32).every((x) => x === 1)).toBe(true)
  })

  test('longer than the list of calls are run in parts, in order', async () => {
    const { threads, heap } = await one
    const at = heap.alloc(8 * 16 * 2).ptr
    const calls = callCapacity / 3
    heap.f64(at, 32).fill(0)
    threads.parallel(2, (i, kernels) => {
      for (let c = 0; c < calls; c++) kernels.addScalar(at + 128 * i, at + 128 * i, 16, 1, p, pinv)
    })
    expect(heap.f64(at, 32).every((x) => x === Math.floor(calls) + 1 || x === calls)).toBe(true)
  })

  test('within tasks run there, in their place', async () => {
    const { threads, heap } = await one
    const at = heap.alloc(8 * 16 * 4).ptr
    heap.f64(at, 64).fill(3)
    threads.parallel(2, (i, outer) => {
      outer.negate(at + 256 * i, at + 256 * i, 16)
      threads.parallel(2, (j, inner) => inner.addScalar(at + 256 * i + 128 * j, at + 256 * i, 16, j, p, pinv))
      outer.addScalar(at + 256 * i, at + 256 * i, 16, 10, p, pinv)
    })
    for (const i of [0, 1]) {
      expect(heap.f64(at + 256 * i, 16)[5]).toBe(7)
      expect(heap.f64(at + 256 * i + 128, 16)[5]).toBe(-2)
    }
  })

  test('may not use kernels that return a number, with threads and without', async () => {
    const { threads } = await one
    for (const name of answering) {
      expect(() => threads.parallel(2, (_, kernels) => (kernels[name] as () => void)())).toThrow(
        `"${name}" returns a number`,
      )
    }
  })

  test('those kernels are the ones that the table says return a number', () => {
    const source = readFileSync(new URL('../kernels/table.ts', import.meta.url), 'utf8')
    const numbers = kernelNames.filter((name) => new RegExp(`^  ${name}\\([^)]*\\): number$`, 'm').test(source))
    const nothing = kernelNames.filter((name) => new RegExp(`^  ${name}\\([^)]*\\): void$`, 'm').test(source))
    expect([...numbers].sort()).toEqual([...answering].sort())
    expect(nothing.length + numbers.length).toBe(kernelNames.length)
  })

  test('with a wrong number of arguments are refused', async () => {
    const { threads } = await one
    const wrong = (_: number, kernels: Kernels): void => (kernels.negate as (...operands: number[]) => void)(1, 2)
    expect(() => threads.parallel(2, wrong)).toThrow('expected 3 arguments, got 2')
  })
})

describe('errors', () => {
  const outside = 2 ** 31

  test('of a kernel come to the caller, wherever it ran, and the threads go on', async () => {
    const { threads, heap } = await open(2)
    const at = heap.alloc(8 * 16).ptr
    const messages = new Set<string>()
    for (let round = 0; round < 2000 && messages.size < 2; round++) {
      // The threads stay awake and take the first task, which traps at once or last.
      threads.parallel(2, (_, kernels) => kernels.negate(at, at, 16))
      try {
        threads.parallel(40, (i, kernels) => {
          if (i === (round % 2) * 39) kernels.negate(outside, outside, n)
          else for (let c = 0; c < 20; c++) kernels.copy(at + 0, at + 0, 16)
        })
        expect.unreachable()
      } catch (error) {
        expect((error as Error).message).toMatch(/out of bounds/)
        messages.add((error as Error).message.startsWith('a kernel failed in a thread') ? 'thread' : 'caller')
      }
    }
    expect([...messages].sort()).toEqual(['caller', 'thread'])
    heap.f64(at, 16).fill(1)
    threads.parallel(2, (i, kernels) => i === 0 && kernels.negate(at, at, 16))
    expect(heap.f64(at, 16)[3]).toBe(-1)
    expect(threads.running).toBe(2)
  })

  test('of a task that is being recorded leave the ones before it done, and itself not begun', async () => {
    const { threads, heap } = await open(2)
    const at = heap.alloc(8 * 16 * 2).ptr
    heap.f64(at, 32).fill(1)
    expect(() =>
      threads.parallel(2, (i, kernels) => {
        kernels.negate(at + 128 * i, at + 128 * i, 16)
        if (i === 1) throw new Error('half-way')
      }),
    ).toThrow('half-way')
    expect([heap.f64(at, 1)[0], heap.f64(at + 128, 1)[0]]).toEqual([-1, 1])
  })
})

describe('a thread', () => {
  const threadsOfProcess = (): number => readdirSync('/proc/self/task').length

  test.runIf(process.platform === 'linux')('ends when it is disposed of', async () => {
    const before = threadsOfProcess()
    const { threads } = await open(4)
    expect(threadsOfProcess()).toBeGreaterThanOrEqual(before + 3)
    threads[Symbol.dispose]()
    expect(threads.running).toBe(1)
    for (let i = 0; i < 500 && threadsOfProcess() > before; i++) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(threadsOfProcess()).toBeLessThanOrEqual(before)
  })

  test('sleeps while there is nothing to do', async () => {
    const { threads, heap } = await open(3)
    const at = heap.alloc(1024).ptr
    threads.parallel(8, (i, kernels) => kernels.negate(at + 128 * i, at + 128 * i, 16))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const { user, system } = process.cpuUsage()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const used = process.cpuUsage({ user, system })
    // Two that spin would take 600 ms.
    expect((used.user + used.system) / 1000).toBeLessThan(150)
  })

  test('does not keep the process alive', () => {
    const open = new URL('./open.ts', import.meta.url)
    const code = `import { openBackend } from '${open}'
      const { threads, kernels } = openBackend('auto', 3)
      if (process.argv[1] === 'wait') await threads.started()
      threads.parallel(4, (i, k) => k.negate(65536 + 128 * i, 65536 + 128 * i, 16))
      console.log(threads.running)`
    const run = (...rest: string[]) =>
      execFileSync(process.execPath, ['--conditions=@glovebox/source', '--input-type=module', '-e', code, ...rest], {
        timeout: 20_000,
        encoding: 'utf8',
      }).trim()
    expect(run('wait')).toBe('3')
    expect(Number(run('at once'))).toBeGreaterThanOrEqual(1)
  })

  test('that cannot start leaves the work to the caller', () => {
    // Node's permission model forbids threads.
    const code = `import { openBackend } from '${new URL('./open.ts', import.meta.url)}'
      const { threads, kernels, memory } = openBackend('auto', 3)
      console.log(threads === undefined ? 1 : await threads.started(), memory.buffer instanceof SharedArrayBuffer)
      kernels.negate(65536, 65536, 16)`
    const { stdout } = spawnSync(
      process.execPath,
      ['--permission', '--allow-fs-read=*', '--conditions=@glovebox/source', '--input-type=module', '-e', code],
      { timeout: 20_000, encoding: 'utf8' },
    )
    expect(stdout.trim()).toBe('1 true')
  })
})

describe('operations together', () => {
  const value = (heap: Heap): Disposable & { readonly ptr: Ptr; disposed: boolean } => {
    const slab = heap.alloc(128)
    return {
      ptr: slab.ptr,
      disposed: false,
      [Symbol.dispose]() {
        this.disposed = true
        slab[Symbol.dispose]()
      },
    }
  }

  test('may take and give back memory, look at it, and hold no more of it than without', async () => {
    const { threads, heap, backend } = await open(2)
    const source = heap.alloc(128).ptr
    heap.f64(source, 16).fill(5)
    const used = heap.used
    const results = threads.together(
      Array.from({ length: 9 }, (_, k) => () => {
        const out = value(heap)
        using scratch = heap.alloc(128)
        backend.kernels.addScalar(scratch.ptr, source, 16, k, p, pinv)
        // A look at the memory sees what was recorded before.
        if (k % 4 === 1) expect(heap.f64(scratch.ptr, 16)[2]).toBe(5 + k)
        threads.parallel(2, (i, kernels) => kernels.negate(out.ptr + 64 * i, scratch.ptr + 64 * i, 8))
        return out
      }),
    )
    results.forEach(({ ptr }, k) => {
      expect([...heap.f64(ptr, 16)]).toEqual(new Array(16).fill(-5 - k))
    })
    expect(heap.used).toBe(used + 9 * 128)
    for (const result of results) result[Symbol.dispose]()
    expect(heap.used).toBe(used)
  })

  test('that fail leave nothing behind', async () => {
    const { threads, heap, backend } = await open(2)
    const used = heap.used
    const made: { readonly disposed: boolean }[] = []
    expect(() =>
      threads.together(
        [0, 1, 2].map((k) => () => {
          using scratch = heap.alloc(128)
          backend.kernels.negate(scratch.ptr, scratch.ptr, 16)
          if (k === 2) throw new Error('the third')
          const out = value(heap)
          made.push(out)
          return out
        }),
      ),
    ).toThrow('the third')
    expect(made.map(({ disposed }) => disposed)).toEqual([true, true])
    expect(heap.used).toBe(used)
  })

  test('that fail have done what they began: what a value kept of it is true', async () => {
    const { threads, heap, backend } = await open(2)
    const kept = heap.alloc(128).ptr
    heap.f64(kept, 16).fill(3)
    expect(() =>
      threads.together([
        () => value(heap),
        () => {
          backend.kernels.negate(kept, kept, 16)
          throw new Error('behind it')
        },
      ]),
    ).toThrow('behind it')
    expect([...heap.f64(kept, 16)]).toEqual(new Array(16).fill(-3))
  })
})
