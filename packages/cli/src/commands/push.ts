import { type Command, InvalidArgumentError, Option } from 'commander'
import { clientFile, serverFile } from '../bundle.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import type { Tag } from '../service/registry.ts'
import { showBytes } from '../terminal/format.ts'
import { startProgress } from '../terminal/progress.ts'

interface PushCommand extends ServiceOptions {
  readonly name: string
  readonly alias?: readonly string[]
  readonly public?: boolean
  readonly description?: string
  readonly tag?: readonly Tag[]
  readonly force?: boolean
  readonly json?: boolean
}

export function addPush(program: Command): void {
  const command = program
    .command('push')
    .summary('upload a compiled model as a new version')
    .description(
      'Upload a compiled model to a service, as a new version. Versions never change; the weights never leave the service again.',
    )
    .argument('<folder>', `with ${clientFile} and ${serverFile}, as compile and train write it`)
    .requiredOption('--name <name>', 'of the model; made where it is not there yet', name)
  addServiceOptions(command)
    .addOption(
      new Option(
        '--alias <alias>',
        'a name for this version, such as production; may be given several times',
      ).argParser((text: string, before: string[] = []) => [...before, name(text)]),
    )
    .option('--public', 'let every tenant of the service predict with the model')
    .option('--description <text>', 'what this version is')
    .addOption(
      new Option('--tag <key=value>', 'of this version; may be given several times').argParser(
        (text: string, before: Tag[] = []) => [...before, tag(text)],
      ),
    )
    .option('--force', 'make a version also of files that are one already')
    .option('--json', 'print one JSON object')
    .action(async (folder: string, options: PushCommand) => {
      const { push } = await import('../service/push.ts')
      const api = await openService(options)
      using progress = startProgress('uploading')
      const { alias: aliases, tag: tags, public: open, description, force } = options
      const pushed = await push(api, folder, {
        name: options.name,
        description,
        ...(aliases && { aliases }),
        ...(tags && { tags }),
        ...(open !== undefined && { open }),
        ...(force !== undefined && { force }),
        onProgress: progress.update,
      })
      progress.stop()
      const { created, version, bytes, uploadedBytes } = pushed
      const named = `${pushed.name}@${version}`
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ ...pushed, server: api.url })}\n`
          : created
            ? `${named}: ${showBytes(bytes)}, ${uploadedBytes === bytes ? 'all' : showBytes(uploadedBytes)} of it uploaded to ${api.url}\n`
            : `${named}: these files are this version already, so nothing was made (--force makes another)\n`,
      )
      for (const alias of aliases ?? [])
        if (!options.json) process.stdout.write(`${pushed.name}@${alias} is version ${version}\n`)
    })
}

function name(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text)) return text
  throw new InvalidArgumentError('Expected letters, digits, points, dashes and underscores.')
}

function tag(text: string): Tag {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Expected KEY=VALUE.')
  return { key: text.slice(0, at), value: text.slice(at + 1) }
}
