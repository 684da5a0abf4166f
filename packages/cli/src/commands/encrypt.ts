import { type ClientModel, countUncalibrated, encryptQuery, type Sample } from '@glovebox/client'
import { type Command, Option } from 'commander'
import { of, openClientFile, openSecretFile, secretFile } from '../bundle.ts'
import { writeOutput } from '../files.ts'
import { readSamples } from '../samples/read.ts'
import { showBytes } from '../terminal/format.ts'
import { startProgress } from '../terminal/progress.ts'
import { short } from '../terminal/steps.ts'

/** How an input file is read; `encrypt` and `predict` share it. */
export interface InputOptions {
  readonly input: string
  readonly pixels?: boolean
}

export function addInputOptions(command: Command): Command {
  return command
    .requiredOption(
      '-i, --input <file>',
      'samples: .json (an array of samples, or of rows as objects), .csv (a sample a row, with names of columns or without), .npy, .txt (a text a line) or .png (one image)',
    )
    .addOption(new Option('--pixels', 'take numbers for pixels from 0 to 255, to be scaled as the model says'))
    .addOption(
      new Option(
        '--no-pixels',
        'take numbers as they are (default: bytes and whole numbers up to 255 are pixels if the model reads images)',
      ),
    )
}

/** A line for people whose samples leave the range that the model was calibrated on; empty for all others. */
export function rangeWarning(
  { part }: Pick<ClientModel, 'part'>,
  samples: readonly Sample[],
  options: { readonly pixels?: boolean },
): string {
  const count = countUncalibrated(part, samples, options)
  if (count === 0) return ''
  const { calibrated, before } = part.input
  const range = `${short(calibrated.low)} to ${short(calibrated.high)}`
  const prepared = before.length > 0 ? ', as the client has prepared them,' : ''
  return (
    `warning: ${count} of ${samples.length} samples${prepared} leave the range ${range} that the model was calibrated on; ` +
    'their results may be wrong (glovebox compile --calibration widens it)\n'
  )
}

export function addEncrypt(program: Command): void {
  const command = program
    .command('encrypt')
    .summary('encrypt samples')
    .description('Encrypt samples for a model.')
    .argument('<client.gbx>', 'the client part of the model')
    .requiredOption('-k, --keys <folder>', `the folder with ${secretFile}`)
    .requiredOption('-o, --output <query.gbx>', 'where the query goes')
  addInputOptions(command).action(async (path: string, options: InputOptions & { keys: string; output: string }) => {
    const model = await openClientFile(path)
    using secret = await openSecretFile(model, options.keys)
    const { samples, pixels, note } = await readSamples(options.input, model.part.input, options.pixels)
    using progress = startProgress('encrypting')
    const query = of(options.input, () => encryptQuery(model, secret, samples, { pixels, onProgress: progress.update }))
    progress.stop()
    await writeOutput(options.output, query)
    if (note) process.stderr.write(`${note}\n`)
    process.stderr.write(rangeWarning(model, samples, { pixels }))
    process.stdout.write(
      `${options.output}: ${samples.length} ${samples.length === 1 ? 'sample' : 'samples'}, ${showBytes(query.length)}\n`,
    )
  })
}
