import { hashText } from './hashing.ts'
import type { Branch, Cell, Column, ColumnEncoding, InputStep } from './steps.ts'

/** A row has at most so many cells, 2^24: steps come from a server, and hashed texts are as long as it likes. */
const maxCells = 2 ** 24

/** A row on its way to numbers, and which column of the data each cell came from, for messages. */
interface Row {
  readonly cells: ArrayLike<Cell>
  readonly nameOf: (i: number) => string
}

/**
 * What the client encrypts of a sample: all steps in order, then every cell must be a finite number. Throws TypeError or RangeError,
 * naming the column and what it expects, never what it holds.
 */
export function runBefore(steps: readonly InputStep[], cells: ArrayLike<Cell>): Float64Array {
  let row: Row = { cells, nameOf: (i) => `cell ${i}` }
  for (const step of steps) row = runStep(step, row)
  return Float64Array.from({ length: row.cells.length }, (_, i) => numberAt(row, i))
}

function runStep(step: InputStep, row: Row): Row {
  const { cells, nameOf } = row
  switch (step.op) {
    case 'columns':
      return nameColumns(step.columns, cells)
    case 'impute': {
      requireLength(row, step.values.length)
      const missing = step.missing ?? null
      return { cells: step.values.map((value, i) => (clean(cells[i]!) === missing ? value : cells[i]!)), nameOf }
    }
    case 'encode':
      return encode(step.columns, row)
    case 'scale':
      requireLength(row, step.offset.length)
      return { cells: step.offset.map((offset, i) => scaled(row, i, offset, step.factor[i]!)), nameOf }
    case 'normalise':
      return { cells: normalise(row, step.norm), nameOf }
    case 'products': {
      const product = (term: readonly number[]): number => term.reduce((value, i) => value * numberAt(row, i), 1)
      return {
        cells: Float64Array.from(step.terms, product),
        nameOf: (i) => step.terms[i]!.map((j) => nameOf(j)).join(' · '),
      }
    }
    case 'branches':
      return runBranches(step.branches, row)
    case 'hash-text': {
      requireLength(row, 1)
      const text = clean(cells[0]!)
      if (typeof text !== 'string') throw new TypeError(`${nameOf(0)} expected a text, got ${kindOf(text)}`)
      return { cells: hashText(text, step), nameOf: () => nameOf(0) }
    }
  }
}

/** NaN is how many programs write a missing number. */
function clean(cell: Cell): Cell {
  return Number.isNaN(cell) || cell === undefined ? null : cell
}

function kindOf(cell: Cell): string {
  if (cell === null) return 'a missing value'
  if (typeof cell === 'number') return Number.isFinite(cell) ? 'a number' : 'an infinite number'
  return typeof cell === 'string' ? 'a text' : typeof cell
}

function requireLength({ cells, nameOf }: Row, length: number): void {
  if (cells.length !== length) {
    const first = cells.length > 0 ? `, from ${nameOf(0)}` : ''
    throw new RangeError(`"cells" expected ${length} values${first}, got ${cells.length}`)
  }
}

function cellAt({ cells }: Row, i: number): Cell {
  if (!(i < cells.length)) throw new RangeError(`"cells" expected at least ${i + 1} values, got ${cells.length}`)
  return clean(cells[i]!)
}

function numberAt(row: Row, i: number): number {
  const cell = cellAt(row, i)
  if (typeof cell !== 'number' || !Number.isFinite(cell)) {
    throw new TypeError(`${row.nameOf(i)} expected a finite number, got ${kindOf(cell)}`)
  }
  return cell
}

/** What is missing stays so: an imputer may follow. */
function scaled(row: Row, i: number, offset: number, factor: number): Cell {
  return cellAt(row, i) === null ? null : (numberAt(row, i) - offset) * factor
}

function normalise(row: Row, norm: 'l1' | 'l2' | 'max'): Float64Array {
  return normaliseNumbers(
    Float64Array.from({ length: row.cells.length }, (_, i) => numberAt(row, i)),
    norm,
  )
}

/** Numbers divided by their norm; zeros stay. */
export function normaliseNumbers(numbers: ArrayLike<number>, norm: 'l1' | 'l2' | 'max'): Float64Array {
  const values = Float64Array.from(numbers)
  let length = 0
  for (const v of values) {
    if (norm === 'max') length = Math.max(length, Math.abs(v))
    else length += norm === 'l1' ? Math.abs(v) : v * v
  }
  if (norm === 'l2') length = Math.sqrt(length)
  return length > 0 ? values.map((v) => v / length) : values
}

function runBranches(branches: readonly Branch[], row: Row): Row {
  const rows: Row[] = []
  /** Where the cells of each branch begin. */
  const starts: number[] = []
  let count = 0
  for (const { from, steps } of branches) {
    let branch: Row = { cells: from.map((i) => cellAt(row, i)), nameOf: (i) => row.nameOf(from[i]!) }
    for (const step of steps) branch = runStep(step, branch)
    starts.push(count)
    count += branch.cells.length
    if (count > maxCells) throw new RangeError(`"steps" expected branches that make at most ${maxCells} cells`)
    rows.push(branch)
  }
  const cells: Cell[] = []
  for (const from of rows) for (let i = 0; i < from.cells.length; i++) cells.push(from.cells[i]!)
  return {
    cells,
    nameOf(i) {
      const branch = starts.findLastIndex((start) => start <= i)
      return rows[branch]!.nameOf(i - starts[branch]!)
    },
  }
}

/** The first values of a list, for a message. */
function show(values: readonly Cell[]): string {
  const shown = values.slice(0, 8).map((value) => JSON.stringify(value))
  return shown.join(', ') + (values.length > 8 ? ` or ${values.length - 8} others` : '')
}

function nameColumns(columns: readonly Column[], cells: ArrayLike<Cell>): Row {
  if (cells.length !== columns.length) {
    const names = columns.slice(0, 8).map(({ name }) => name)
    throw new RangeError(
      `"cells" expected ${columns.length} values (${names.join(', ')}${columns.length > 8 ? ', …' : ''}), got ${cells.length}`,
    )
  }
  const nameOf = (i: number): string => `column "${columns[i]!.name}"`
  columns.forEach(({ values, open, text, unused }, i) => {
    const cell = clean(cells[i]!)
    if (unused || cell === null) return
    if (values) {
      if (typeof cell !== 'string' || !(open || values.includes(cell))) {
        const got = typeof cell === 'string' ? 'another text' : kindOf(cell)
        throw new TypeError(`${nameOf(i)} expected one of ${show(values)}, got ${got}`)
      }
    } else if (typeof cell !== (text ? 'string' : 'number') || Math.abs(Number(cell)) === Infinity) {
      throw new TypeError(`${nameOf(i)} expected ${text ? 'a text' : 'a finite number'}, got ${kindOf(cell)}`)
    }
  })
  return { cells, nameOf }
}

function encode(encodings: readonly ColumnEncoding[], row: Row): Row {
  const cells: Cell[] = []
  const from: number[] = []
  for (const encoding of encodings) {
    for (const value of encodeColumn(encoding, row)) {
      cells.push(value)
      from.push(encoding.from)
    }
  }
  return { cells, nameOf: (i) => row.nameOf(from[i]!) }
}

function encodeColumn(encoding: ColumnEncoding, row: Row): Cell[] {
  const { from } = encoding
  const cell = cellAt(row, from)
  switch (encoding.kind) {
    case 'number':
      return [cell === null ? null : numberAt(row, from)]
    case 'one-hot': {
      const { values, silent = [], strict } = encoding
      if (strict && !values.includes(cell) && !silent.includes(cell)) throw unknown(row, from, [...values, ...silent])
      return values.map((value) => (value === cell ? 1 : 0))
    }
    case 'ordinal': {
      const code = encoding.codes[encoding.values.indexOf(cell)]
      if (code !== undefined) return [code]
      if (cell === null) return [null]
      if (encoding.otherwise === undefined) throw unknown(row, from, encoding.values)
      return [encoding.otherwise]
    }
    case 'bins': {
      const bins = new Array<number>(encoding.edges.length + 1 + (encoding.missing ? 1 : 0)).fill(0)
      if (cell === null && encoding.missing) bins[bins.length - 1] = 1
      else {
        const value = numberAt(row, from)
        const above = encoding.edges.findIndex((edge) => value < edge)
        bins[above < 0 ? encoding.edges.length : above] = 1
      }
      return bins
    }
  }
}

function unknown(row: Row, i: number, values: readonly Cell[]): RangeError {
  const got = cellAt(row, i) === null ? 'a missing value' : 'another value'
  return new RangeError(`${row.nameOf(i)} expected one of ${show(values)}, got ${got}`)
}
