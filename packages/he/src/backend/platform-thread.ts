import { messageCapacity, mostArguments, spinMs, taskCapacity, word } from './commands.ts'

/** `kernel(calls[at + 1], …)`: what a kernel does not take is dropped. */
const everyArgument: string = Array.from({ length: mostArguments }, (_, i) => `calls[at + ${i + 1}]`).join(', ')

/** The code of a thread, for both platforms: takes tasks and runs them, spins a little, sleeps. */
export const threadSource: string = `'use strict'
const begin = ({ module, memory, commands: { words, tasks, calls, message }, names, index }) => {
  const abort = () => { throw new Error('a kernel was aborted') }
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } })
  const kernels = names.map((name) => exports[name])
  const lengths = kernels.map((kernel) => kernel.length + 1)
  const pause = Atomics.pause ?? (() => undefined)
  const run = (at, end) => {
    while (at < end) {
      const id = calls[at]
      kernels[id](${everyArgument})
      at += lengths[id]
    }
  }
  const fail = (error) => {
    if (Atomics.compareExchange(words, ${word.failed}, 0, 1) !== 0) return
    const text = String(error).slice(0, ${messageCapacity})
    for (let i = 0; i < text.length; i++) message[i] = text.charCodeAt(i)
    Atomics.store(words, ${word.failed}, 1 + text.length)
  }
  if (Atomics.compareExchange(words, ${word.states} + index, 0, 1) !== 0) return
  Atomics.add(words, ${word.ready}, 1)
  for (;;) {
    const task = Atomics.load(words, ${word.next})
    const limit = Atomics.load(words, ${word.limit})
    if (task !== limit) {
      if (Atomics.compareExchange(words, ${word.next}, task, (task + 1) | 0) !== task) continue
      const slot = 2 * (task & ${taskCapacity - 1})
      try { run(tasks[slot], tasks[slot + 1]) } catch (error) { fail(error) }
      Atomics.add(words, ${word.done}, 1)
      if (Atomics.load(words, ${word.waiting}) !== 0) Atomics.notify(words, ${word.done})
      continue
    }
    const until = performance.now() + ${spinMs}
    while (Atomics.load(words, ${word.limit}) === limit && performance.now() < until) pause()
    if (Atomics.load(words, ${word.limit}) !== limit) continue
    Atomics.add(words, ${word.asleep}, 1)
    Atomics.wait(words, ${word.limit}, limit)
    Atomics.sub(words, ${word.asleep}, 1)
  }
}
const node = globalThis.process?.getBuiltinModule?.('node:worker_threads')
if (node) begin(node.workerData)
else onmessage = ({ data }) => { postMessage(0); begin(data) }
`
