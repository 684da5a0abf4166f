import { basename, join, resolve } from 'node:path'
import { prepareSample } from '@glovebox/client'
import { type Model, type Packing, type PixelScaling, parseActivations } from '@glovebox/ml'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { clientFile, of, serverFile, writeBundle } from '../bundle.ts'
import { readTable } from '../calibration/table.ts'
import { readModel } from '../model-file.ts'
import { finite, integer } from '../numbers.ts'
import { readSamples } from '../samples/read.ts'
import { showBytes } from '../terminal/format.ts'
import { showParams } from '../terminal/params.ts'
import { startProgress } from '../terminal/progress.ts'

const syntheticOnly =
  'ranges were measured on synthetic inputs from 0 to 1 only: give some that are typical with --calibration FILE, above all if yours go beyond\n'

interface CompileOptions {
  readonly output: string
  readonly calibration?: string
  readonly precision?: number
  readonly packing?: Packing
  readonly batchSize?: number
  readonly link?: number
  readonly activation?: string[]
  readonly costs?: string
  readonly pixelScale: number
  readonly pixelOffset: number
}

export function addCompile(program: Command): void {
  program
    .command('compile')
    .description('Compile a trained model to an encrypted program.')
    .argument('<model>', 'an ONNX file, JSON of scikit-learn or of a scorecard, or model.json of TensorFlow.js')
    .requiredOption('-o, --output <folder>', `where ${clientFile} (public) and ${serverFile} (with the weights) go`)
    .option(
      '-c, --calibration <file>',
      'typical inputs to measure ranges on: .npy, .json, .csv or .png (default: synthetic ones)',
    )
    .option('--precision <bits>', 'the largest error of an output is to be 2^-bits of the largest output', bits)
    .addOption(
      new Option('--packing <kind>', 'how samples lie in ciphertexts (default: what costs least)').choices([
        'coefficient',
        'slots',
        'batch',
      ]),
    )
    .option('--batch-size <count>', 'samples that are usually asked for at once', integer(1, 1_000_000))
    .option('--link <Mbit/s>', 'speed of the link between client and server', finite)
    .option(
      '--activation <rule...>',
      'polynomials for activations: relu=square, sigmoid=7, conv1=relu:minimax:4 (default: degrees are chosen)',
    )
    .option('--costs <file>', 'what operations cost where it will run, from glovebox calibrate')
    .option(
      '--pixel-scale <number>',
      'what the model was trained on: pixel from 0 to 255 times this …',
      finite,
      1 / 255,
    )
    .option('--pixel-offset <number>', '… plus this', finite, 0)
    .action(async (path: string, options: CompileOptions) => {
      const model = await readModel(path)
      const name = basename(resolve(options.output))
      const pixels = { scale: options.pixelScale, offset: options.pixelOffset }
      const samples =
        options.calibration === undefined ? undefined : await readCalibration(options.calibration, model, pixels)
      const rules = options.activation && parseActivations(options.activation)
      const costTable = await readTable(options.costs)
      using progress = startProgress('compiling')
      const made = await writeBundle(options.output, model, {
        name,
        pixels,
        ...(samples && { samples }),
        ...(options.precision !== undefined && { precisionBits: options.precision }),
        ...(options.packing && { packing: options.packing }),
        ...(options.batchSize !== undefined && { batchSize: options.batchSize }),
        ...(options.link !== undefined && { megabitsPerSecond: options.link }),
        ...(rules && { activations: { rules } }),
        ...(costTable && { costTable }),
      })
      progress.stop()
      if (!samples) process.stderr.write(syntheticOnly)
      process.stdout.write(
        `${join(options.output, clientFile)}: ${showBytes(made.clientBytes)}, for clients\n` +
          `${join(options.output, serverFile)}: ${showBytes(made.serverBytes)}, for the server only\n` +
          `${showParams(made.params)}; glovebox inspect ${options.output} says more\n`,
      )
    })
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
  return Float64Array.from(flat.flatMap((values) => [...values]))
}
