import { GloveboxError } from '@glovebox/he'
import { type Command, InvalidArgumentError } from 'commander'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import { showBytes, showDate } from '../terminal/format.ts'
import { showTable } from '../terminal/table.ts'

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('show and delete the keys that predict keeps')
    .description(
      'Show and delete the keys that predict and test keep: secret ones here, in files that only you can read, and evaluation keys at the service.',
    )
  const list = keys.command('list').description('List keys: where they are, and until when.')
  addServiceOptions(list)
    .option('--json', 'print one JSON object, {"keys": […], "reached": …}')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const { listKeys } = await import('../service/keys.ts')
      const { keys: found, reached } = await listKeys(await openService(options))
      if (options.json) process.stdout.write(`${JSON.stringify({ keys: found, reached })}\n`)
      else if (found.length === 0) process.stdout.write('no keys yet: npx glovebox predict makes them\n')
      else {
        const rows = found.map(({ digest, model, bytes, made, hereUntil, thereUntil }) => [
          digest.slice(0, shownDigits),
          made === null ? '' : showDate(made),
          hereUntil === null ? 'no' : `until ${showDate(hereUntil)}`,
          !reached ? 'not known' : thereUntil === null ? 'no' : `until ${showDate(thereUntil)}`,
          bytes === null ? '' : showBytes(bytes),
          model ?? '',
        ])
        process.stdout.write(showTable(['keys', 'made', 'kept here', 'at the service', 'size', 'model'], rows))
      }
    })
  const forget = keys
    .command('forget')
    .description(
      'Delete keys, here and at the service; the next prediction makes new ones. What was encrypted under them can be decrypted no more.',
    )
    .argument('[keys...]', 'by their digits as the list has them, or by the name of a model', keysName)
    .option('--all', 'all that are kept here')
  addServiceOptions(forget).action(async (names: string[], options: ServiceOptions & { all?: boolean }) => {
    if ((names.length === 0) !== (options.all === true))
      forget.error('error: say which keys, by their digits or a model, or --all')
    const { forgetKeys, listKeys } = await import('../service/keys.ts')
    const api = await openService(options)
    const { keys: found } = await listKeys(api)
    for (const name of names)
      if (!found.some((set) => isOf(set, name)))
        throw new GloveboxError('not-found', `there are no keys "${name}", here or at ${api.url}`)
    const chosen = found.filter((set) => (options.all ? set.id !== null : names.some((name) => isOf(set, name))))
    for (const set of chosen) {
      await forgetKeys(api, set)
      process.stdout.write(`keys ${set.digest.slice(0, shownDigits)}${set.model ? ` of ${set.model}` : ''} are gone\n`)
    }
    if (chosen.length === 0) process.stdout.write('no keys are kept here\n')
  })
}

const shownDigits = 16
const fewestDigits = 8

function isOf({ digest, model }: { readonly digest: string; readonly model: string | null }, name: string): boolean {
  return model === name || (name.length >= fewestDigits && digest.startsWith(name))
}

function keysName(text: string, before: readonly string[] = []): string[] {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text)) return [...before, text]
  throw new InvalidArgumentError(`Expected ${fewestDigits} digits or more of the list, or the name of a model.`)
}
