import { type Command, InvalidArgumentError } from 'commander'
import { testDigits } from '../demo/mnist.ts'
import { integer } from '../numbers.ts'
import { showParams } from '../terminal/params.ts'
import { type Progress, startProgress } from '../terminal/progress.ts'

const demos = ['digits']

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('Watch real handwritten digits being classified by a server process that cannot read them.')
    .argument('<name>', `which demo: ${demos.join(', ')}`, (name) => {
      if (demos.includes(name)) return name
      throw new InvalidArgumentError(`Expected one of: ${demos.join(', ')}.`)
    })
    .option('-n, --images <count>', 'test digits to classify', integer(1, testDigits), 100)
    .option('-t, --threads <count>', 'threads of the server', integer(1, 64), 1)
    .option('--json', 'print one JSON object with the measurements instead')
    .action(async (_: string, options: { images: number; threads: number; json?: boolean }) => {
      // An interrupt has to pass by the handlers that end the server and clean up.
      for (const [signal, code] of [
        ['SIGINT', 130],
        ['SIGTERM', 143],
      ] as const)
        process.once(signal, () => process.exit(code))
      const { runDigits } = await import('../demo/digits.ts')
      const { showDigits, showResult } = await import('../demo/report.ts')
      const stages = showStages()
      const { result, outcomes, model } = await runDigits({ ...options, onStage: stages.update }).finally(stages.stop)
      if (options.json) {
        process.stdout.write(`${JSON.stringify(result)}\n`)
        return
      }
      process.stdout.write(
        `The client encrypted ${result.images} handwritten digits. The server, another process, computed on what it cannot read.\n\n` +
          `${showDigits(outcomes, process.stdout.columns ?? 80)}\n\n${showResult(result, showParams(model.ckks.params))}\n`,
      )
    })
}

/** One bar after the other. */
function showStages(): { update: (stage: string, done: number, total: number) => void; stop: () => void } {
  let current: { stage: string; progress: Progress } | undefined
  const stop = (): void => {
    current?.progress.stop()
    current = undefined
  }
  return {
    update(stage, done, total) {
      if (current?.stage !== stage) {
        stop()
        current = { stage, progress: startProgress(stage) }
      }
      current.progress.update(done, total)
    },
    stop,
  }
}
