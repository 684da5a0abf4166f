import type { Command } from 'commander'
import { addBreachBuild } from './breach-build.ts'
import { addBreachCheck } from './breach-check.ts'
import { addBreachEdit } from './breach-edit.ts'
import { addBreachInfo } from './breach-info.ts'
import { addBreachPlan } from './breach-plan.ts'
import { addBreachServe } from './breach-serve.ts'

export function addBreach(program: Command): void {
  const breach = program
    .command('breach')
    .summary('private look-up in lists: breached passwords and others')
    .description(
      'Ask whether a password is in a list of breached ones, of a server that does not learn it; and build and serve such lists.\n' +
        'Lists of credentials, domains or any bytes, with labels or without, work the same.',
    )
  for (const add of [addBreachBuild, addBreachServe, addBreachCheck, addBreachEdit, addBreachInfo, addBreachPlan])
    add(breach)
}
