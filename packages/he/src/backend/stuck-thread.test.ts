import { afterEach, expect, test, vi } from 'vitest'
import type { Kernels } from '../kernels/table.ts'
import { kernelNames } from '../kernels/table.ts'
import { type ThreadData, word } from './commands.ts'
import { openThreads } from './threads.ts'

const started: { data: ThreadData; ended: boolean }[] = []
vi.mock('./platform-threads.ts', () => ({
  canSleep: () => true,
  /** A thread that is up and does nothing. */
  startThread(_source: string, data: ThreadData) {
    const thread = { data, ended: false }
    started.push(thread)
    Atomics.add(data.commands.words, word.ready, 1)
    return {
      end() {
        thread.ended = true
      },
    }
  },
}))
afterEach(() => vi.restoreAllMocks())

test('a thread that took a task and never comes back is ended, and its work is an error once', () => {
  const ran: number[] = []
  const negate = (dst: number): void => void ran.push(dst)
  const kernels = Object.fromEntries(kernelNames.map((name) => [name, negate])) as unknown as Kernels
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })
  // A module of nothing.
  const module = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
  const { threads } = openThreads(module, memory, kernels, 3)!
  const { words } = started[0]!.data.commands
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 61_000))
  const given: string[] = []
  const work = (): void =>
    threads.parallel(3, (i, on) => {
      // The first task is taken before the caller looks.
      if (i === 0 && given.length === 0) Atomics.add(words, word.next, 1)
      ;(on.negate as unknown as (dst: number) => void)(i)
      threads.later(1, () => given.push('back'))
    })
  expect(work).toThrow('a thread did not finish its task within 60 s: open the context again')
  expect(ran).toEqual([1, 2])
  expect(started.map(({ ended }) => ended)).toEqual([true, true])
  expect(given).toEqual(['back', 'back', 'back'])
  // From here on the caller does it all.
  work()
  expect(ran).toEqual([1, 2, 0, 1, 2])
})
