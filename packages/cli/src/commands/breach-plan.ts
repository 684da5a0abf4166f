import { GloveboxError } from '@glovebox/he'
import type { PlanRequest, SetPlan } from '@glovebox/psi'
import { type Command, Option } from 'commander'
import { count, finite, integer } from '../numbers.ts'

interface PlanOptions {
  readonly items: number
  readonly receiverItems: number
  readonly labelBytes: number
  readonly prefixBits: number | 'any'
  readonly megabits: number
  readonly roundTrip: number
  readonly cores: number
  readonly memory?: number
  readonly objective: 'time' | 'bytes'
  readonly firstRun?: boolean
  readonly json?: boolean
}

export function addBreachPlan(breach: Command): void {
  breach
    .command('plan')
    .summary('choose parameters, and say what they cost')
    .description(
      'Say which parameters suit a set, and what a run of each takes: bytes, milliseconds, memory, chance of a wrong match.',
    )
    .requiredOption('--items <count>', 'of the set', count(1, 2 ** 30))
    .option('--receiver-items <count>', 'that are asked for at a time', count(1, 2 ** 20), 1)
    .option('--label-bytes <count>', 'of a label; 0 for none', integer(0, 1024), 0)
    .option('--prefix-bits <bits>', 'that a query may tell: 0 to 16, or any', prefix, 0)
    .option('--megabits <count>', 'a second, of the link', finite, 100)
    .option('--round-trip <ms>', 'of the link', finite, 20)
    .option('--cores <count>', 'of the server', integer(1, 256), 2)
    .option('--memory <MB>', 'that the server has for the set', integer(1, 2 ** 24))
    .addOption(new Option('--objective <what>', 'what is to be least').choices(['time', 'bytes']).default('time'))
    .option('--first-run', 'keys of the receiver have to be uploaded first')
    .option('--json', 'print one JSON object; breach build takes it by --params')
    .action(async (options: PlanOptions) => {
      const { formatPlan, planSet } = await import('@glovebox/psi')
      const {
        items,
        receiverItems,
        labelBytes,
        prefixBits,
        megabits,
        roundTrip,
        cores,
        memory,
        objective,
        firstRun,
        json,
      } = options
      const plan = planned(planSet, {
        senderItems: items,
        kind: 'passwords',
        receiverItems,
        labelBytes,
        prefixBits,
        link: { megabitsPerSecond: megabits, roundTripMs: roundTrip },
        cores,
        objective,
        reuseKeys: !firstRun,
        ...(memory !== undefined && { maxMemoryMB: memory }),
      })
      const { params, predicted, candidates, why } = plan
      const others = candidates.slice(1).map((one) => ({ params: one.params.literal, predicted: one.predicted }))
      process.stdout.write(
        json
          ? `${JSON.stringify({ params: params.literal, predicted, why, candidates: others }, null, 1)}\n`
          : `${formatPlan(plan)}\n`,
      )
    })
}

/** With the option's name in what is said of it. */
function planned(planSet: (request: PlanRequest) => SetPlan, request: PlanRequest): SetPlan {
  try {
    return planSet(request)
  } catch (error) {
    if (!(error instanceof GloveboxError)) throw error
    throw new GloveboxError(error.code, error.message.replace('"maxMemoryMB"', '--memory'), { cause: error })
  }
}

function prefix(text: string): number | 'any' {
  return text === 'any' ? text : integer(0, 16)(text)
}
