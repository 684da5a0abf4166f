import type { Command } from 'commander'
import { writeOutput } from '../files.ts'
import { type ModelName, modelName } from '../service/model-name.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'

export function addTypes(program: Command): void {
  const command = program
    .command('types')
    .summary('write TypeScript types of a model')
    .description('Write TypeScript types of what a model of a service takes and gives.')
    .argument('<model>', 'NAME, NAME@VERSION or NAME@ALIAS', modelName)
    .option('-o, --output <file.ts>', 'where they go (default: standard output)')
  addServiceOptions(command).action(async (named: ModelName, options: ServiceOptions & { output?: string }) => {
    const [{ typesOf }, { openRemote }] = await Promise.all([
      import('@glovebox/client'),
      import('../service/remote.ts'),
    ])
    await using model = await openRemote(await openService(options), named)
    const text = typesOf(model, named.name)
    if (options.output === undefined) process.stdout.write(text)
    else {
      await writeOutput(options.output, new TextEncoder().encode(text))
      process.stdout.write(`${options.output}: types of ${named.name}\n`)
    }
  })
}
