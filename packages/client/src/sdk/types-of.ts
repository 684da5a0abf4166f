import { toHex } from '@glovebox/he'
import type { ClientPart, Column, InputStep } from '@glovebox/ml'
import { indexed } from '../session/prediction.ts'

/** Above so many names a type is `string`: editors and people get no help from more. */
const mostNames = 256

/**
 * The text of a .d.ts with the types of a model: what it takes (a row with the names of its columns and its categories, a text, a picture, numbers) and the names of its
 * classes. For `service.model<DigitsModel>('digits')`. `name` is that of the model, in any form.
 */
export function typesOf({ part }: { readonly part: ClientPart }, name: string = part.name): string {
  const base = pascal(name)
  const { before } = part.input
  const [first] = before
  const row = first?.op === 'columns' ? first.columns : undefined
  const text = row?.length === 1 && row[0]!.text ? true : first?.op === 'hash-text'
  const { label, score } = namesOf(part)
  const lines = [
    `// The model ${quote(name)}, program ${toHex(part.digest).slice(0, 16)}…: written by \`glovebox types\`.`,
    ...(row || text ? [] : [`import type { Picture } ${"from '@glovebox/client'"}`]),
    '',
    ...(row
      ? [
          `/** What the model takes: a row by the names of its columns. */`,
          `export interface ${base}Row {`,
          ...row.flatMap((column, i) => fieldOf(column, isOptional(before, i))),
          '}',
          '',
        ]
      : []),
    `/** For service.model<${base}Model>(${quote(name).replaceAll('*/', '*\\/')}). */`,
    `export interface ${base}Model {`,
    `  /** ${inputText(part, row !== undefined, text)} */`,
    `  readonly input: ${row ? (text ? `${base}Row | string` : `${base}Row | readonly (number | string | null)[]`) : text ? 'string' : 'Picture | ArrayLike<number>'}`,
    `  /** The class that is most likely. */`,
    `  readonly label: ${label}`,
    `  /** What has a score. */`,
    `  readonly score: ${score}`,
    '}',
    '',
  ]
  return lines.join('\n')
}

function inputText({ input: { shape } }: ClientPart, row: boolean, text: boolean): string {
  if (row) return text ? 'A row, or its text.' : 'A row by names, or its cells in order.'
  return text ? 'A text.' : `Numbers of shape ${shape.join(' x ')}, or a picture of that size.`
}

function fieldOf(column: Column, optional: boolean): string[] {
  const { name, values, open, text, unused } = column
  const none = optional || unused
  const type = values ? `${unionOf(values)}${open ? ' | (string & {})' : ''}` : text ? 'string' : 'number'
  return [`  readonly ${property(name)}${none ? '?' : ''}: ${type}${none ? ' | null' : ''}`]
}

/** Whether a column may be missing: something fills it in, or makes a bin or a category of it. */
function isOptional(steps: readonly InputStep[], column: number): boolean {
  for (const step of steps) {
    if (step.op === 'columns') continue
    if (step.op === 'impute') return step.values[column] !== null && step.values[column] !== undefined
    if (step.op === 'encode') {
      const own = step.columns.filter(({ from }) => from === column)
      return own.every(
        (encoding) =>
          (encoding.kind === 'bins' && encoding.missing) ||
          (encoding.kind === 'one-hot' && (!encoding.strict || encoding.values.includes(null))) ||
          (encoding.kind === 'ordinal' && (encoding.otherwise !== undefined || encoding.values.includes(null))),
      )
    }
    if (step.op === 'branches') {
      const own = step.branches.filter(({ from }) => from.includes(column))
      return own.every(({ from, steps: inner }) => isOptional(inner, from.indexOf(column)))
    }
    return false
  }
  return false
}

function namesOf({ output: { after, shape } }: ClientPart): { readonly label: string; readonly score: string } {
  const labels = after.findLast((step) => step.op === 'labels')
  const names = after.findLast((step) => step.op === 'names' || step.op === 'labels')
  const total = after.some((step) => step.op === 'total' || (step.op === 'argmax' && step.along === undefined))
  const along = after.some((step) => step.op === 'argmax' && step.along !== undefined)
  const count = total ? 1 : shape.reduce((product, n) => product * n, 1)
  const indices = along ? undefined : Array.from({ length: Math.min(count, mostNames + 1) }, (_, i) => String(i))
  // A model of one value that knows two classes tells it as one, unless it is a probability.
  const single = labels && count === 1 && labels.names.length === 2
  const probable = after.some((step) => ['sigmoid', 'softmax', 'share'].includes(step.op))
  const scored = single && !probable ? ['0'] : (names?.names ?? indices)
  return {
    label: labels ? unionOf(labels.names) : indices && indexed(after, count) ? unionOf(indices) : 'undefined',
    score: scored ? unionOf(scored) : 'string',
  }
}

function unionOf(names: readonly string[]): string {
  if (names.length === 0) return 'never'
  return names.length > mostNames ? 'string' : [...new Set(names)].map(quote).join(' | ')
}

/** A name comes from a server, and the text is compiled: nothing in it may end the string, the comment or the line. */
function quote(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${escaped.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`
}

function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name)
}

function pascal(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  const text = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
  return /^[A-Za-z]/.test(text) ? text : `Model${text}`
}
