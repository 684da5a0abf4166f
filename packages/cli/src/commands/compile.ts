import { basename, join, resolve } from 'node:path'
import { flattenSample, type SampleInput } from '@glovebox/client'
import { importOnnx } from '@glovebox/ml'
import { type Command, InvalidArgumentError } from 'commander'
import { clientFile, of, serverFile, writeBundle } from '../bundle.ts'
import { readInput } from '../files.ts'
import { finite } from '../numbers.ts'
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
  readonly pixelScale: number
  readonly pixelOffset: number
}

export function addCompile(program: Command): void {
  program
    .command('compile')
    .description('Compile a trained model to an encrypted program.')
    .argument('<model.onnx>', 'the model, as one file')
    .requiredOption('-o, --output <folder>', `where ${clientFile} (public) and ${serverFile} (with the weights) go`)
    .option(
      '-c, --calibration <file>',
      'typical inputs to measure ranges on: .npy, .json, .csv or .png (default: synthetic ones)',
    )
    .option('--precision <bits>', 'the largest error of an output is to be 2^-bits of the largest output', bits)
    .option(
      '--pixel-scale <number>',
      'what the model was trained on: pixel from 0 to 255 times this …',
      finite,
      1 / 255,
    )
    .option('--pixel-offset <number>', '… plus this', finite, 0)
    .action(async (path: string, options: CompileOptions) => {
      const bytes = await readInput(path)
      const { graph } = of(path, () => importOnnx(bytes))
      const name = basename(resolve(options.output))
      const pixels = { scale: options.pixelScale, offset: options.pixelOffset }
      const samples =
        options.calibration === undefined
          ? undefined
          : await readCalibration(options.calibration, { shape: graph.inputShape, pixels })
      using progress = startProgress('compiling')
      const made = await writeBundle(options.output, graph, {
        name,
        pixels,
        ...(samples && { samples }),
        ...(options.precision !== undefined && { precisionBits: options.precision }),
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

async function readCalibration(file: string, input: SampleInput): Promise<Float64Array> {
  const { samples, pixels, note } = await readSamples(file, input)
  if (note) process.stderr.write(`${note}\n`)
  const flat = of(file, () => samples.map((sample, i) => flattenSample(sample, input, { pixels }, `sample ${i}`)))
  return Float64Array.from(flat.flatMap((values) => [...values]))
}
