import { type Command, InvalidArgumentError } from 'commander'
import { type ModelName, showName, versionName } from '../service/model-name.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import { openRegistry } from '../service/registry.ts'

interface DeployOptions extends ServiceOptions {
  readonly alias: string
  readonly json?: boolean
}

export function addDeploy(program: Command): void {
  const command = program
    .command('deploy')
    .summary('give a version an alias, such as production')
    .description('Give a version of a model an alias: who asks for the model without a version gets "production".')
    .argument('<model>', 'NAME@VERSION, or NAME@ALIAS for what an alias names now', versionName)
    .option('--alias <alias>', 'the alias, which moves here from any other version', alias, 'production')
  addServiceOptions(command)
    .option('--json', 'print one JSON object')
    .action(async (model: ModelName & { version: string }, options: DeployOptions) => {
      const api = await openService(options)
      const registry = openRegistry(api)
      const { name } = model
      const before = (await registry.get(name)).aliases?.find((each) => each.alias === options.alias)?.version
      const version = /^\d+$/.test(model.version)
        ? model.version
        : (await registry.byAlias(name, model.version)).version
      await registry.setAlias(name, options.alias, version)
      const was = before === undefined || before === version ? undefined : before
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ name, alias: options.alias, version, before: before ?? null })}\n`
          : `${showName({ name, version: options.alias })} is version ${version}${was === undefined ? '' : `; it was ${was}`}\n`,
      )
    })
}

function alias(text: string): string {
  if (/^[A-Za-z][A-Za-z0-9._-]{0,127}$/.test(text)) return text
  throw new InvalidArgumentError('Expected a letter, then letters, digits, points, dashes and underscores.')
}
