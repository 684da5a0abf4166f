import { type Command, InvalidArgumentError } from 'commander'
import { demos } from '../demo/list.ts'
import { testDigits } from '../demo/mnist.ts'
import { integer } from '../numbers.ts'
import { startStages } from '../terminal/progress.ts'

const names = [...demos.keys()]

interface DemoOptions {
  readonly samples?: number
  readonly images?: number
  readonly threads: number
  readonly data?: string
  readonly costs?: string
  readonly out: string
  readonly json?: boolean
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .summary('watch a server compute on what it cannot read')
    .description('Watch a server process compute on what it cannot read. Without a name: handwritten digits.')
    .argument('[name]', `which demo: ${names.join(', ')}`, requireName, 'digits')
    .option('-n, --samples <count>', 'inputs to predict', integer(1, 1_000_000))
    .option('--images <count>', 'the same, of digits', integer(1, testDigits))
    .option('-t, --threads <count>', 'threads of the server', integer(1, 64), 1)
    .option('--data <folder>', 'folder with the real data sets, where they do not come with npm')
    .option(
      '--costs <file>',
      'what operations cost, as glovebox calibrate wrote it (default: its usual place, if it is there)',
    )
    .option('--out <folder>', 'where pictures go', 'out')
    .option('--json', 'print one JSON object with the measurements instead')
    .action(async (name: string, options: DemoOptions) => {
      // An interrupt has to pass by the handlers that end the server and clean up.
      for (const [signal, code] of [
        ['SIGINT', 130],
        ['SIGTERM', 143],
      ] as const)
        process.once(signal, () => process.exit(code))
      process.stdout.write(await show(name, options))
    })
}

function requireName(name: string): string {
  if (names.includes(name)) return name
  throw new InvalidArgumentError(`Expected one of: ${names.join(', ')}.`)
}

const columns = (): number => process.stdout.columns ?? 80

async function show(name: string, options: DemoOptions): Promise<string> {
  const { runDemo } = await import('../demo/run.ts')
  const { showRun } = await import('../demo/show.ts')
  const demo = await demos.get(name)!()
  const samples = options.samples ?? options.images ?? demo.samples.usual
  if (samples > demo.samples.most)
    throw new RangeError(`"--samples" expected at most ${demo.samples.most} for ${name}, got ${samples}`)
  const stages = startStages()
  const { threads, data, costs } = options
  const run = await runDemo(demo, { samples, threads, data, costs, onStage: stages.update }).finally(stages.stop)
  if (options.json) {
    const result = { ...demo.json?.(run), ...run.result }
    // What people are shown after it is in it.
    const also = demo.also === undefined ? undefined : JSON.parse(await show(demo.also, options))
    return `${JSON.stringify({ ...result, ...(also && { also }) })}\n`
  }
  const shown = `${await showRun(demo, run, columns(), options.out)}\n`
  return demo.also === undefined ? shown : `${shown}\n\n${await show(demo.also, options)}`
}
