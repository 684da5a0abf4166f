import type { Stats } from '@glovebox/server'
import { bar } from './charts.ts'
import { shorten, showBytes, showCount, showMs } from './format.ts'

/** Models that are shown at most. */
const mostModels = 15

/** One look at a service, in lines of so many columns; rates are since the look before, or else since its start. */
export function showStats(now: Stats, before: Stats | undefined, url: string, columns: number): string {
  const { requests, queue, threads, keys, memory, jobs, models } = now
  const seconds = Math.max(0.001, (now.now - (before?.now ?? now.started)) / 1000)
  const rate = (later: number, sooner: number | undefined): string =>
    `${((later - (sooner ?? 0)) / seconds).toFixed(1)}/s`
  const wide = Math.max(10, Math.min(30, columns - 50))
  const filled = (share: number): string => `[${bar(Math.min(1, share), wide).padEnd(wide)}]`
  const jobTexts = Object.entries(jobs).map(([state, count]) => `${showCount(count)} ${state}`)
  const lines = [
    `${url}  Glovebox ${now.version}  up ${uptime(now.now - now.started)}`,
    '',
    `requests  ${showCount(requests.total)}, ${rate(requests.total, before?.requests.total)}; failed ${showCount(requests.failed)}, limited ${showCount(requests.rate_limited)}, wrong tokens ${showCount(requests.auth_failures)}`,
    `threads   ${filled(threads.total === 0 ? 0 : threads.busy / threads.total)} ${threads.busy} of ${threads.total} busy${threads.died > 0 ? `, ${threads.died} died` : ''}`,
    `queue     ${filled(queue.limit === 0 ? 0 : queue.waiting / queue.limit)} ${queue.waiting} of ${queue.limit} waiting, ${showCount(queue.turned_away)} turned away`,
    `keys      ${filled(keys.budget_bytes === 0 ? 0 : keys.warm_bytes / keys.budget_bytes)} ${showBytes(keys.warm_bytes)} of ${showBytes(keys.budget_bytes)} warm`,
    `          ${showCount(keys.sets)} sets, ${showBytes(keys.bytes)} stored; ${showCount(keys.hits)} hits, ${showCount(keys.loads)} loads, ${showCount(keys.evictions)} dropped`,
    `memory    ${showBytes(memory.rss)}: heap ${showBytes(memory.heap)}, kernels ${showBytes(memory.wasm)}`,
    `jobs      ${jobTexts.length === 0 ? 'none' : jobTexts.join(', ')}`,
    '',
    `${'model'.padEnd(nameWidth)}${'requests'.padStart(10)}${'rate'.padStart(9)}${'failed'.padStart(8)}${'wait'.padStart(10)}${'compute'.padStart(10)}${'p95'.padStart(10)}`,
  ]
  const shown = [...models].sort((a, b) => b.requests - a.requests).slice(0, mostModels)
  for (const model of shown) {
    const sooner = before?.models.find(({ name }) => name === model.name)?.requests
    const { wait, compute } = model.stages
    const ms = (value: number | undefined): string => (value === undefined ? '' : showMs(value)).padStart(10)
    lines.push(
      shorten(model.name, nameWidth - 1).padEnd(nameWidth) +
        showCount(model.requests).padStart(10) +
        rate(model.requests, sooner).padStart(9) +
        showCount(model.failed).padStart(8) +
        ms(wait?.p50_ms) +
        ms(compute?.p50_ms) +
        ms(compute?.p95_ms),
    )
  }
  if (models.length > shown.length) lines.push(`… and ${models.length - shown.length} more`)
  if (models.length === 0) lines.push('no predictions yet')
  return `${lines.map((line) => shorten(line, columns)).join('\n')}\n`
}

const nameWidth = 22

function uptime(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}
