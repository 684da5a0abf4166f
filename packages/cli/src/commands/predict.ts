import { type ClientKeys, createKeys, type RemoteModel } from '@glovebox/client'
import type { Command } from 'commander'
import { blame, openKeyFiles, secretFile } from '../bundle.ts'
import { readSamples } from '../samples/read.ts'
import { type ModelName, modelName } from '../service/model-name.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import { openRemote } from '../service/remote.ts'
import { outputsHelp, outputsJson, outputsText } from '../terminal/outputs.ts'
import { startProgress } from '../terminal/progress.ts'
import { addInputOptions, type InputOptions, rangeWarning } from './encrypt.ts'

export function addPredict(program: Command): void {
  const command = program
    .command('predict')
    .summary('have a server compute on what it cannot read')
    .description('Have a server compute on samples that it cannot read.')
    .argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS', modelName)
    .option('-k, --keys <folder>', `the folder with ${secretFile}, made by keygen (default: fresh keys for this call)`)
    .option('--json', outputsHelp)
  addServiceOptions(addInputOptions(command)).action(
    async (named: ModelName, options: InputOptions & ServiceOptions & { keys?: string; json?: boolean }) => {
      const model = await openRemote(await openService(options), named)
      const { samples, pixels, note } = await readSamples(options.input, model.part.input, options.pixels)
      using keys = options.keys === undefined ? freshKeys(model) : await openKeyFiles(model, options.keys)
      using progress = startProgress('predicting')
      const { outputs, answers } = await model
        .predict(samples, keys, { pixels, onProgress: progress.update })
        .catch((error: unknown) => Promise.reject(blame(options.input, error)))
      progress.stop()
      if (note) process.stderr.write(`${note}\n`)
      process.stderr.write(rangeWarning(model, samples, { pixels }))
      process.stdout.write(`${options.json ? outputsJson(outputs, answers) : outputsText(outputs, answers)}\n`)
    },
  )
}

function freshKeys(model: RemoteModel): ClientKeys {
  using progress = startProgress('making keys')
  return createKeys(model, { onProgress: progress.update })
}
