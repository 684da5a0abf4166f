import { basename, join, resolve } from 'node:path'
import { prepareSample } from '@glovebox/client'
import {
  type ActivationRule,
  type Model,
  type Packing,
  type PixelScaling,
  type Program,
  parseActivations,
  typicalRows,
} from '@glovebox/ml'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { clientFile, of, serverFile, writeBundle } from '../bundle.ts'
import { readTable } from '../calibration/table.ts'
import { readModel } from '../model-file.ts'
import { cardFile, type Extras, examplesFile, extrasBeside, metricsFile, writeExtras } from '../model-folder.ts'
import { finite, integer } from '../numbers.ts'
import { replacing } from '../replaced.ts'
import { readSamples } from '../samples/read.ts'
import { type SchemeName, schemeOption } from '../scheme.ts'
import { showBytes } from '../terminal/format.ts'
import { showChoice } from '../terminal/model.ts'
import { showParams } from '../terminal/params.ts'
import { startProgress } from '../terminal/progress.ts'
import { describeAfter, describeBefore } from '../terminal/steps.ts'

interface CompileOptions {
  readonly output: string
  readonly force?: boolean
  readonly calibration?: string
  readonly precision?: number
  readonly scheme?: SchemeName
  readonly packing?: Packing
  readonly batchSize?: number
  readonly summands?: number
  readonly link?: number
  readonly activation?: readonly ActivationRule[]
  readonly costs?: string
  readonly pixelScale: number
  readonly pixelOffset: number
}

export function addCompile(cli: Command): void {
  cli
    .command('compile')
    .summary('compile a trained model to an encrypted program')
    .description('Compile a trained model to an encrypted program.')
    .argument(
      '<model>',
      'an ONNX file, JSON of scikit-learn, of a scorecard or of sums over a series, or model.json of TensorFlow.js',
    )
    .requiredOption('-o, --output <folder>', `where ${clientFile} (public) and ${serverFile} (with the weights) go`)
    .option(
      '-c, --calibration <file>',
      'typical inputs to measure ranges on, as predict takes them: .npy, .json, .csv, .txt or .png (default: synthetic ones)',
    )
    .option(
      '--precision <bits>',
      'encryption, or rounding to integers, may add errors of 2^-bits of the largest output (default: 10, which is 0.1 %)',
      bits,
    )
    .addOption(schemeOption())
    .addOption(
      new Option(
        '--packing <kind>',
        'how samples lie in ciphertexts: coefficient (affine models, no keys), slots (one sample), batch (thousands at once) (default: what costs least)',
      ).choices(['coefficient', 'slots', 'batch']),
    )
    .option('--batch-size <count>', 'samples that are usually asked for at once (default: 1)', integer(1, 1_000_000))
    .option(
      '--summands <count>',
      'samples that the server may add up encrypted, to answer for their sum (default: 1)',
      integer(1, 65_536),
    )
    .option('--link <Mbit/s>', 'speed of the link between client and server (default: 50)', positive)
    .option(
      '--activation <rule>',
      'what stands for activations: relu=square, sigmoid=7 (a degree), conv1=relu:minimax:4; may be given several times (default: polynomials of chosen degrees)',
      activation,
    )
    .option(
      '--costs <file>',
      'what operations cost where it will run, from glovebox calibrate (default: this machine, where it was calibrated)',
    )
    .option(
      '--pixel-scale <number>',
      'what the model was trained on: pixel from 0 to 255 times this …',
      finite,
      1 / 255,
    )
    .option('--pixel-offset <number>', '… plus this', finite, 0)
    .option('--force', 'replace another model that is in the folder, with its card, examples and metrics')
    .action(async (path: string, options: CompileOptions) => {
      const model = await readModel(path)
      const extras = await extrasBeside(path)
      const name = basename(resolve(options.output))
      const pixels = { scale: options.pixelScale, offset: options.pixelOffset }
      const samples =
        options.calibration === undefined ? undefined : await readCalibration(options.calibration, model, pixels)
      const costTable = await readTable(options.costs)
      using progress = startProgress('compiling')
      const made = await writeBundle(
        options.output,
        model,
        {
          name,
          pixels,
          ...(samples && { samples }),
          ...(options.precision !== undefined && { precisionBits: options.precision }),
          ...(options.scheme && { scheme: options.scheme }),
          ...(options.packing && { packing: options.packing }),
          ...(options.batchSize !== undefined && { batchSize: options.batchSize }),
          ...(options.summands !== undefined && { summands: options.summands }),
          ...(options.link !== undefined && { megabitsPerSecond: options.link }),
          ...(options.activation && { activations: { rules: options.activation } }),
          ...(costTable && { costTable }),
        },
        replacing(options.output, options.force ?? false),
      )
      progress.stop()
      await writeExtras(options.output, extras)
      if (!samples) process.stderr.write(syntheticOnly(model, made.program))
      const { program } = made
      process.stdout.write(
        `${join(options.output, clientFile)}: ${showBytes(made.clientBytes)}, for clients\n` +
          `${join(options.output, serverFile)}: ${showBytes(made.serverBytes)}, for the server only\n` +
          beside(options.output, extras) +
          moved(program) +
          `${showChoice(program.report.alternatives, options.packing !== undefined)}\n` +
          approximated(program) +
          exact(program) +
          `${showParams(made.params)}; glovebox inspect ${options.output} says more\n`,
      )
    })
}

/** What was copied from the folder of the model. */
function beside(folder: string, { card, examples, metrics }: Extras): string {
  const files = [
    ...(card === undefined ? [] : [cardFile]),
    ...(examples ? [examplesFile] : []),
    ...(metrics ? [metricsFile] : []),
  ]
  return files.length === 0
    ? ''
    : `${files.map((file) => join(folder, file)).join(', ')}: from the model's folder, for all who use it\n`
}

/** What became work of the client, in the clear. */
function moved({ input, output }: Program): string {
  const [first, last] = [describeBefore(input.before), describeAfter(output.after)]
  return (
    (first.length > 0 ? `the client first ${first.join(', then ')}\n` : '') +
    (last.length > 0 ? `the client last ${last.join(', then ')}\n` : '')
  )
}

/** What polynomials do to the answer, where there are some. */
function approximated({ report: { approximation } }: Program): string {
  if (!approximation?.accuracy) return ''
  const { activations, accuracy, met } = approximation
  const count = `${activations.length} ${activations.length === 1 ? 'activation' : 'activations'}`
  const off = `${Number((100 * accuracy.relativeError).toPrecision(2))} %`
  return `${count} became polynomials, which moves outputs by ${off} of their size${met ? '' : ': more than was allowed, so look at glovebox inspect'}\n`
}

/** What a program in BFV takes and promises. */
function exact({ input: { integers }, report }: Program): string {
  return integers ? `${report.notes.find((note) => note.startsWith('exact'))}\n` : ''
}

/** Whether results can be trusted hangs on the inputs that ranges were measured on. */
function syntheticOnly(model: Model, { input: { integers } }: Program): string {
  const how = 'give some that are typical with --calibration FILE'
  if (integers && model.before.length === 0)
    return `inputs are taken to be ${integers.multiples ? 'pictures of bytes' : 'from 0 to 1'}, and others are refused: ${how}, if yours are\n`
  if (model.before.length === 0)
    return `ranges were measured on synthetic inputs from 0 to 1 only: ${how}, above all if yours go beyond\n`
  const { unknown } = typicalRows(model)
  if (unknown.length === 0)
    return `ranges were measured on synthetic rows, made by what the model says of its columns: ${how} to be sure\n`
  const names = unknown.slice(0, 5).join(', ') + (unknown.length > 5 ? ` and ${unknown.length - 5} more` : '')
  return (
    `warning: the model does not say how large ${names} ${unknown.length === 1 ? 'is' : 'are'}, and ranges were measured on a guess; ` +
    `real rows may be refused or give wrong results: ${how}\n`
  )
}

function positive(text: string): number {
  const value = finite(text)
  if (!(value > 0)) throw new InvalidArgumentError('Expected a number above 0.')
  return value
}

/** One more rule. */
function activation(text: string, before: readonly ActivationRule[] = []): ActivationRule[] {
  try {
    return [...before, ...parseActivations([text])]
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(`${error.message.replace(/^"activation" e/, 'E')}.`)
    throw error
  }
}

function bits(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= 40))
    throw new InvalidArgumentError('Expected a number above 0 and up to 40.')
  return value
}

/** Rows of cells go through what the model's client does first. */
async function readCalibration(file: string, { before, graph }: Model, pixels: PixelScaling): Promise<Float64Array> {
  const input = { shape: graph.inputShape, pixels, before }
  const { samples, pixels: arePixels, note } = await readSamples(file, input)
  if (note) process.stderr.write(`${note}\n`)
  const flat = of(file, () =>
    samples.map((sample, i) => prepareSample({ input }, sample, { pixels: arePixels }, `sample ${i}`)),
  )
  const size = flat[0]!.length
  const all = new Float64Array(flat.length * size)
  flat.forEach((values, i) => all.set(values, i * size))
  return all
}
