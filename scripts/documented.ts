// Commands as the documents have them, for what runs them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** The blocks ```sh of a page. */
export function shellBlocks(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code!)
}

/** The five commands of a page, each with its arguments: the block that begins with training. Throws where there is none. */
export function fiveCommands(page: string): string[][] {
  const block = shellBlocks(page).find((code) => code.startsWith('npx glovebox train '))
  const commands = block
    ?.trim()
    .split('\n')
    .map((line) => line.replace(/ +#.*$/, '').split(' '))
  if (commands?.length !== 5 || commands.some(([npx, glovebox]) => npx !== 'npx' || glovebox !== 'glovebox'))
    throw new Error(`${page} has no block of five commands "npx glovebox …" that begins with train`)
  return commands.map(([, , ...args]) => args)
}
