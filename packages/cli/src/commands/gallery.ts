import { type Command, InvalidArgumentError } from 'commander'
import { gallery } from '../gallery/list.ts'
import { listModels } from '../service/listed.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'

const names = gallery.map(({ name }) => name)

export function addGallery(program: Command): void {
  const command = program
    .command('gallery')
    .summary('push the models that come with Glovebox')
    .description(
      'Compile the models that come with Glovebox and push them to a service, one after the other; those that are there already are left as they are.',
    )
    .argument('[names...]', `only these of ${names.join(', ')}`, requireNames)
  addServiceOptions(command)
    .option('--json', 'print a JSON object a line')
    .action(async (wanted: string[], options: ServiceOptions & { json?: boolean }) => {
      const { pushGalleryModel } = await import('../gallery/push.ts')
      const api = await openService(options)
      const there = new Set((await listModels(api)).map(({ name }) => name))
      let failed = 0
      for (const model of gallery) {
        const { name } = model
        if (there.has(name) || (wanted.length > 0 && !wanted.includes(name))) continue
        const started = performance.now()
        try {
          const { version } = await pushGalleryModel(api, model)
          const ms = Math.round(performance.now() - started)
          process.stdout.write(options.json ? `${JSON.stringify({ name, version, ms })}\n` : `${name}@${version}\n`)
        } catch (error) {
          // The others may still come; a service that is gone takes none of them.
          if (wanted.length === 1 || (error as { code?: unknown }).code === 'unavailable') throw error
          failed++
          const { describeError } = await import('../errors.ts')
          process.stderr.write(`${describeError(error)} (${name})\n`)
        }
      }
      if (failed > 0) process.exitCode = 1
    })
}

function requireNames(text: string, before: readonly string[] = []): string[] {
  if (names.includes(text)) return [...before, text]
  throw new InvalidArgumentError(`Expected some of: ${names.join(', ')}.`)
}
