import type { InputStep } from './steps.ts'

/**
 * Where the i-th number that is encrypted came from, for messages: `column "age"`, several joined by ` · `, or `cell 3` of a row without names.
 * Undefined where nobody can say: a number of a hashed text, or steps that do not fit.
 */
export function sourceOf(steps: readonly InputStep[], i: number): string | undefined {
  const columns = columnsOf(steps, steps.length, i)
  if (!columns || columns.length === 0) return undefined
  const [first] = steps
  const names = [...new Set(columns)].map((column) => {
    const name = first?.op === 'columns' ? first.columns[column]?.name : undefined
    return name === undefined ? `cell ${column}` : `column "${name}"`
  })
  return names.join(' · ')
}

/** The columns of the row that the i-th number behind so many steps was made of. */
function columnsOf(steps: readonly InputStep[], count: number, i: number): number[] | undefined {
  const step = steps[count - 1]
  if (!step) return [i]
  const before = (j: number): number[] | undefined => columnsOf(steps, count - 1, j)
  switch (step.op) {
    case 'columns':
    case 'impute':
    case 'scale':
    case 'normalise':
      return before(i)
    case 'encode': {
      let place = 0
      for (const encoding of step.columns) {
        const width =
          encoding.kind === 'one-hot'
            ? encoding.values.length
            : encoding.kind === 'bins'
              ? encoding.edges.length + 1 + (encoding.missing ? 1 : 0)
              : 1
        if (i < place + width) return before(encoding.from)
        place += width
      }
      return undefined
    }
    case 'products': {
      const found = (step.terms[i] ?? []).map(before)
      return found.some((columns) => !columns) ? undefined : found.flatMap((columns) => columns!)
    }
    case 'branches': {
      let place = 0
      for (const branch of step.branches) {
        const width = widthOf(branch.steps, branch.from.length)
        if (width === undefined) return undefined
        if (i < place + width) {
          const inner = columnsOf(branch.steps, branch.steps.length, i - place)
          const outer = inner?.map((j) => (branch.from[j] === undefined ? undefined : before(branch.from[j])))
          return outer?.some((columns) => !columns) ? undefined : outer?.flatMap((columns) => columns!)
        }
        place += width
      }
      return undefined
    }
    case 'hash-text':
      return undefined
  }
}

/** How many numbers steps make of so many; undefined of a text. */
function widthOf(steps: readonly InputStep[], from: number): number | undefined {
  let width: number | undefined = from
  for (const step of steps) {
    if (step.op === 'products') width = step.terms.length
    else if (step.op === 'hash-text') width = step.size
    else if (step.op === 'branches') {
      width = step.branches.reduce<number | undefined>((sum, branch) => {
        const own = widthOf(branch.steps, branch.from.length)
        return sum === undefined || own === undefined ? undefined : sum + own
      }, 0)
    } else if (step.op === 'encode') {
      width = step.columns.reduce((sum, encoding) => {
        if (encoding.kind === 'one-hot') return sum + encoding.values.length
        return sum + (encoding.kind === 'bins' ? encoding.edges.length + 1 + (encoding.missing ? 1 : 0) : 1)
      }, 0)
    }
  }
  return width
}
