import { GloveboxError } from '@glovebox/he'
import type { Command } from 'commander'
import { type ListedModel as Listed, listModels, notThere } from '../service/listed.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import { showTable } from '../terminal/table.ts'

export function addModels(program: Command): void {
  const command = program
    .command('models')
    .summary('list the models of a service')
    .description('List the models of a service that one may use.')
    .argument('[name]', 'only this one, with all its versions')
  addServiceOptions(command)
    .option('--json', 'print one JSON object, {"models": […]}')
    .action(async (name: string | undefined, options: ServiceOptions & { json?: boolean }) => {
      const api = await openService(options)
      const all = await listModels(api)
      const models = name === undefined ? all : all.filter((model) => model.name === name)
      if (name !== undefined && models.length === 0) throw new GloveboxError('not-found', notThere(api, all, { name }))
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ models })}\n`
          : name === undefined
            ? showModels(models, api.url)
            : showVersions(models[0]!),
      )
    })
}

function showModels(models: readonly Listed[], url: string): string {
  if (models.length === 0) return `no models at ${url} yet: npx glovebox push FOLDER --name NAME\n`
  const rows = models.map(({ name, versions, aliases = {} }) => {
    const highest = versions[0]
    return [
      name,
      String(versions.length),
      highest?.kind ?? '',
      highest?.packing ?? '',
      Object.entries(aliases)
        .map(([alias, version]) => `${alias} → ${version}`)
        .join(', '),
    ]
  })
  return showTable(['model', 'versions', 'inputs', 'packing', 'aliases'], rows)
}

function showVersions({ name, description, versions, aliases = {} }: Listed): string {
  const rows = versions.map(({ version, created, tags = {} }) => [
    version,
    created === undefined ? '' : new Date(created).toISOString().slice(0, 16).replace('T', ' '),
    Object.entries(aliases)
      .filter(([, of]) => of === version)
      .map(([alias]) => alias)
      .join(', '),
    Object.entries(tags)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  ])
  return `${name}${description ? `: ${description}` : ''}\n${showTable(['version', 'made (UTC)', 'aliases', 'tags'], rows)}`
}
