import type { Stats } from '@glovebox/server'
import type { Command } from 'commander'
import { integer } from '../numbers.ts'
import type { Api } from '../service/api.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import { showStats } from '../terminal/top.ts'

interface TopOptions extends ServiceOptions {
  readonly once?: boolean
  readonly interval: number
  readonly json?: boolean
}

export function addTop(program: Command): void {
  const command = program
    .command('top')
    .summary('watch a service')
    .description(
      'Watch a service: requests, threads, queue, keys, memory, times of each model. Needs a token with the scope admin, where tokens are needed.',
    )
    .option('--once', 'print one view and end')
    .option('--interval <seconds>', 'between two views', integer(1, 3600), 2)
  addServiceOptions(command)
    .option('--json', 'print what the service says, as one JSON object a line')
    .action(async (options: TopOptions) => {
      const api = await openService(options)
      const { once, interval, json } = options
      const alone = once || !process.stdout.isTTY
      let before: Stats | undefined
      do {
        const now = await look(api)
        const columns = process.stdout.columns ?? 80
        if (json) process.stdout.write(`${JSON.stringify(now)}\n`)
        else process.stdout.write(`${alone ? '' : clear}${showStats(now, before, api.url, columns)}`)
        before = now
        if (!once) await new Promise((resolve) => setTimeout(resolve, 1000 * interval))
      } while (!once)
    })
}

/** To the corner of the terminal, and nothing below. */
const clear = '\u001b[H\u001b[2J'

function look(api: Api): Promise<Stats> {
  return api.json<Stats>('GET', '/v2/stats')
}
