import { stat } from 'node:fs/promises'
import { GloveboxError } from '@glovebox/he'
import { type Command, Option } from 'commander'
import { secretFile } from '../bundle.ts'
import { readInput } from '../files.ts'
import { type Api, openApi } from './api.ts'

/** Where a service is, and who asks it. */
export interface ServiceOptions {
  readonly server: string
  readonly tokenFile?: string
}

/** Of commands that predict. */
export function addKeyOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '-k, --keys <folder>',
        `the folder with ${secretFile}, made by keygen (default: keys that are kept for you, made once)`,
      ).conflicts('freshKeys'),
    )
    .option('--fresh-keys', 'make keys for this call alone, and keep none')
}

const usualServer = 'http://127.0.0.1:8080'

/** A token is on no command line: everybody on the machine can read those. */
export function addServiceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('-s, --server <url>', 'the address of the service').env('GLOVEBOX_SERVER').default(usualServer),
    )
    .option('--token-file <file>', 'a file with a token of the service (default: the one in $GLOVEBOX_TOKEN, if any)')
}

export async function openService({ server, tokenFile }: ServiceOptions): Promise<Api> {
  const token = tokenFile === undefined ? process.env.GLOVEBOX_TOKEN?.trim() : await tokenIn(tokenFile)
  if (token !== undefined && token !== '' && !/^[\w.~+/=-]{8,1024}$/.test(token))
    throw new GloveboxError(
      'malformed',
      `${tokenFile ?? 'GLOVEBOX_TOKEN'} expected a token: one line of 8 to 1024 letters, digits and -._~+/=`,
    )
  const api = openApi(server, token === '' ? undefined : token)
  const { protocol, hostname } = new URL(api.url)
  if (api.token !== undefined && protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname))
    process.stderr.write(`warning: the token goes to ${hostname} unencrypted: use https there\n`)
  return api
}

async function tokenIn(file: string): Promise<string> {
  const text = new TextDecoder().decode(await readInput(file)).trim()
  const { mode } = await stat(file)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    process.stderr.write(`warning: ${file} can be read by others: chmod 600 ${file}\n`)
  return text
}
