import type { Command } from 'commander'
import { blame } from '../bundle.ts'
import { readSamples } from '../samples/read.ts'
import { type ModelName, modelName } from '../service/model-name.ts'
import { addKeyOptions, addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import type { KeyOptions } from '../service/remote.ts'
import { outputsHelp, outputsJson, outputsText } from '../terminal/outputs.ts'
import { startStages } from '../terminal/progress.ts'
import { addInputOptions, type InputOptions, rangeWarning } from './encrypt.ts'

type PredictOptions = InputOptions & KeyOptions & ServiceOptions & { readonly json?: boolean }

export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .summary('have a server compute on what it cannot read')
    .description(
      'Have a server compute on samples that it cannot read.\nKeys are made for the first prediction and kept where only you can read them; glovebox keys shows and deletes them.',
    )
    .argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS', modelName)
  addServiceOptions(addKeyOptions(addInputOptions(command)))
    .option('--json', outputsHelp)
    .action(async (named: ModelName, options: PredictOptions) => {
      const { openRemote } = await import('../service/remote.ts')
      await using model = await openRemote(await openService(options), named, options)
      const { samples, pixels, note } = await readSamples(options.input, model.part.input, options.pixels)
      using stages = startStages()
      const { outputs, answers } = await model
        .predict(samples, { pixels, onStage: stages.update })
        .catch((error: unknown) => Promise.reject(blame(options.input, error)))
      stages.stop()
      if (note) process.stderr.write(`${note}\n`)
      process.stderr.write(rangeWarning(model, samples, { pixels }))
      process.stdout.write(`${options.json ? outputsJson(outputs, answers) : outputsText(outputs, answers)}\n`)
    })
}
