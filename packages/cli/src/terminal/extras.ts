import { cardFile, type Extras } from '../model-folder.ts'
import { shorten } from './format.ts'

/** What is said of a model besides its parts, a line each; nothing where there is nothing. */
export function showExtras(
  { card, examples, metrics = {} }: Extras,
  columns: number = process.stdout.columns ?? 80,
): string {
  const title = card
    ?.split('\n')
    .find((line) => line.trim() !== '')
    ?.replace(/^#+ */, '')
  const scores = Object.entries(metrics).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
  const lines = [
    ...(title === undefined ? [] : [`card         ${cardFile}: ${title}`]),
    ...(examples ? [`examples     ${examples.items.length} of kind ${examples.kind}, ${examples.source}`] : []),
    ...(scores.length === 0 ? [] : [`metrics      ${scores.join(', ')}`]),
  ]
  return lines.map((line) => `${shorten(line, columns)}\n`).join('')
}

/** The same for programs; inputs are not in it. */
export function extrasFacts({ card, examples, metrics }: Extras): object {
  return {
    ...(card !== undefined && { card: true }),
    ...(examples && { examples: examples.items.length }),
    ...(metrics && { metrics }),
  }
}
