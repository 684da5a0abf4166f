import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { writeOutput } from '../files.ts'
import { addServiceOptions, openService, type ServiceOptions } from '../service/options.ts'
import { showDate } from '../terminal/format.ts'
import { showTable } from '../terminal/table.ts'

const scopes = ['predict', 'push', 'admin'] as const
type Scope = (typeof scopes)[number]

/** As the service has them. */
interface Token {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly created: number
  readonly expires: number | null
  readonly revoked: number | null
}

interface CreateOptions extends ServiceOptions {
  readonly tenant: string
  readonly name?: string
  readonly scope: readonly Scope[]
  readonly expires?: number
  readonly output?: string
  readonly json?: boolean
}

export function addToken(program: Command): void {
  const token = program
    .command('token')
    .summary('make, list and revoke tokens')
    .description('Make, list and revoke the tokens of a service. Needs one with the scope admin.')
  const create = token
    .command('create')
    .description('Make a token. It is shown once, and nobody can read it out of the service again.')
    .requiredOption('--tenant <tenant>', 'who it is for: what is pushed and uploaded with it is theirs')
    .option('--name <text>', 'what it is for, for the list')
    .requiredOption('--scope <scopes>', `what it may do, with commas between: ${scopes.join(', ')}`, scopesOf)
    .option('--expires <days>', 'days until it is worth nothing (default: never)', days)
    .option('-o, --output <file>', 'write it to a file that only you can read (mode 0600) instead of the screen')
  addServiceOptions(create)
    .option('--json', 'print one JSON object')
    .action(async (options: CreateOptions) => {
      const { tenant, scope, expires, output } = options
      const api = await openService(options)
      const made = await api.json<Token & { token: string }>('POST', '/v2/tokens', {
        tenant,
        name: options.name ?? 'glovebox token create',
        scopes: scope,
        ...(expires !== undefined && { expires_in: Math.round(expires * 86_400) }),
      })
      const { token: secret, ...entry } = made
      if (output !== undefined) await writeOutput(output, new TextEncoder().encode(`${secret}\n`), 0o600)
      process.stdout.write(
        options.json
          ? `${JSON.stringify(output === undefined ? made : { ...entry, file: join(output) })}\n`
          : output === undefined
            ? `${secret}\n`
            : `${output}: token ${entry.id} of ${tenant}; use it by --token-file ${output}\n`,
      )
      if (output === undefined && !options.json)
        process.stderr.write(`token ${entry.id} of ${tenant}: keep it, it is not shown again\n`)
    })
  const list = token.command('list').description('List tokens, without what makes them tokens.')
  addServiceOptions(list)
    .option('--json', 'print one JSON object, {"tokens": […]}')
    .action(async (options: ServiceOptions & { json?: boolean }) => {
      const api = await openService(options)
      const { tokens } = await api.json<{ tokens: Token[] }>('GET', '/v2/tokens')
      const state = ({ revoked, expires }: Token): string =>
        revoked !== null
          ? `revoked ${showDate(revoked)}`
          : expires === null
            ? 'valid'
            : `${expires > Date.now() ? 'until' : 'expired'} ${showDate(expires)}`
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ tokens })}\n`
          : tokens.length === 0
            ? 'no tokens yet: npx glovebox token create --tenant TENANT --scope predict\n'
            : showTable(
                ['id', 'tenant', 'scopes', 'made', 'state', 'name'],
                tokens.map((one) => [
                  one.id,
                  one.tenant,
                  one.scopes.join(','),
                  showDate(one.created),
                  state(one),
                  one.name,
                ]),
              ),
      )
    })
  const revoke = token
    .command('revoke')
    .description('Make a token worthless, at once.')
    .argument('<id>', 'of the token, as the list has it')
  addServiceOptions(revoke).action(async (id: string, options: ServiceOptions) => {
    const api = await openService(options)
    await api.request('DELETE', `/v2/tokens/${encodeURIComponent(id)}`)
    process.stdout.write(`token ${id} is worth nothing any more\n`)
  })
}

function scopesOf(text: string): Scope[] {
  const found = text.split(',').map((one) => one.trim())
  const wrong = found.find((one) => !scopes.some((scope) => scope === one))
  if (wrong !== undefined) throw new InvalidArgumentError(`Expected some of ${scopes.join(', ')}, with commas between.`)
  return [...new Set(found as Scope[])]
}

function days(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= 36_500)) throw new InvalidArgumentError('Expected days, above 0.')
  return value
}
