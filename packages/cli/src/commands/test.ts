import type { Sample } from '@glovebox/client'
import { GloveboxError } from '@glovebox/he'
import { type Command, Option } from 'commander'
import { integer } from '../numbers.ts'
import { readSamples } from '../samples/read.ts'
import { type ModelName, modelName, showName } from '../service/model-name.ts'
import { addKeyOptions, addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import type { KeyOptions } from '../service/remote.ts'
import { showTest, testFacts } from '../terminal/evaluation.ts'
import { startStages } from '../terminal/progress.ts'

interface TestOptions extends ServiceOptions, KeyOptions {
  readonly data: string
  readonly labels?: string
  readonly target?: string
  readonly clear?: string
  readonly samples?: number
  readonly pixels?: boolean
  readonly json?: boolean
}

/** Of MNIST, where nobody says how many. */
const usualDigits = 100

export function addTest(program: Command): void {
  const command = program
    .command('test')
    .summary('compare encrypted with clear on a test set')
    .description(
      'Compare a model of a service, encrypted, with the same model in the clear, here: accuracy, differences, times.\nThe service sees ciphertexts only; the clear side runs on the folder that was pushed.',
    )
    .argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS', modelName)
    .requiredOption(
      '-i, --data <file>',
      'the test set, as predict takes it: .json, .csv, .npy, .txt or .png; or mnist for the 10,000 test digits of MNIST',
    )
    .addOption(
      new Option('--labels <file>', 'what is true of each sample: a text or number a line, or a JSON array').conflicts(
        'target',
      ),
    )
    .option('--target <column>', 'the same, as a column of the table of --data')
    .option('-n, --samples <count>', 'the first so many samples (default: all; 100 of mnist)', integer(1, 1_000_000))
    .option('--clear <folder>', 'the folder that was pushed (default: remembered by push)')
  addServiceOptions(addKeyOptions(command))
    .addOption(new Option('--pixels', 'take numbers for pixels from 0 to 255, to be scaled as the model says'))
    .addOption(new Option('--no-pixels', 'take numbers as they are'))
    .option('--json', 'print one JSON object')
    .action(async (named: ModelName, options: TestOptions) => {
      const [{ openRemote }, { runEncryptedly }, { clearFolder, runClearly }, { compare }] = await Promise.all([
        import('../service/remote.ts'),
        import('../evaluate/run.ts'),
        import('../evaluate/clear.ts'),
        import('../evaluate/compare.ts'),
      ])
      const api = await openService(options)
      await using model = await openRemote(api, named, options)
      const name = showName(named)
      const folder = await clearFolder(model.part, name, options.clear)
      const { samples, pixels, truth } = await testSet(model.part.input, options)
      using stages = startStages()
      const onProgress = (done: number, total: number): void => stages.update('in the clear', done, total)
      const clear = await runClearly(folder, model.part, samples, { pixels, onProgress })
      const measured = await runEncryptedly(model, samples, { pixels, onStage: stages.update })
      stages.stop()
      const tested = { name, server: api.url, folder, comparison: compare(measured, clear, truth), measured }
      process.stdout.write(options.json ? `${JSON.stringify(testFacts(tested))}\n` : showTest(tested))
    })
}

interface TestSet {
  readonly samples: readonly Sample[]
  readonly pixels: boolean
  readonly truth: readonly string[] | undefined
}

async function testSet(
  input: Parameters<typeof readSamples>[1],
  { data, labels, target, samples: count, pixels: asked }: TestOptions,
): Promise<TestSet> {
  if (data === 'mnist') {
    if (labels !== undefined || target !== undefined)
      throw new TypeError('"--data mnist" knows its labels: leave --labels and --target out')
    const { readDigits, testDigits } = await import('../demo/mnist.ts')
    if (count !== undefined && count > testDigits)
      throw new RangeError(`"--samples" expected at most ${testDigits} of mnist, got ${count}`)
    const { images, labels: truth } = await readDigits('test', count ?? usualDigits)
    return { samples: images, pixels: true, truth: Array.from(truth, String) }
  }
  const { readLabels, readTarget } = await import('../evaluate/labels.ts')
  const { samples, pixels, note } = await readSamples(data, input, asked)
  if (note) process.stderr.write(`${note}\n`)
  const truth =
    labels !== undefined ? await readLabels(labels) : target !== undefined ? await readTarget(data, target) : undefined
  if (truth && truth.length !== samples.length)
    throw new GloveboxError(
      'malformed',
      `${labels ?? data} expected what is true of ${samples.length} samples, got ${truth.length}`,
    )
  return { samples: samples.slice(0, count), pixels, truth: truth?.slice(0, count) }
}
