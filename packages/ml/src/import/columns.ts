import type { Node } from '../graph/graph.ts'
import type { Cell, Column, ColumnEncoding, InputStep } from '../model/steps.ts'
import { affine } from '../tensor/affine.ts'
import { pickMatrix } from '../tensor/sparse.ts'
import { sizeOf } from '../tensor/tensor.ts'
import { unsupported } from './decode.ts'
import { float32 } from './element.ts'
import type { ColumnEntry, Columns, Variable } from './operand.ts'

/** An input of the file: the numbers (or texts) of a sample that it holds. */
export interface ModelInput {
  readonly name: string
  readonly size: number
  readonly text: boolean
}

/** The input of the graph, made when an op first computes with it. */
export interface InputBuilder {
  readonly nodes: Node[]
  readonly inputs: readonly ModelInput[]
  readonly inputShape: readonly number[]
  /** What the client does with a sample to get the input of the graph. */
  before: readonly InputStep[]
  /** What was entered already. */
  readonly entered: Map<Columns, Variable>
}

/** Descriptions of columns are for tables: beyond this many an input is no row of one. */
const maxColumns = 2 ** 16

/** Every element by itself. */
export function entriesOf(columns: Columns): readonly ColumnEntry[] {
  if (columns.entries) return columns.entries
  const count = sizeOf(columns.shape)
  if (count > maxColumns)
    throw unsupported(`an input of ${count} columns cannot be prepared column by column; at most ${maxColumns} can`)
  return Array.from({ length: count }, (_, i) => ({ from: columns.first + i, offset: 0, factor: 1 }))
}

/** The numbers that an entry gives. */
export function widthOf(entry: ColumnEntry): number {
  return entry.oneHot?.length ?? 1
}

/** The input as a value of the graph, for an op (`by`, for messages) that computes with it encrypted. */
export function enter(builder: InputBuilder, columns: Columns, by: string): Variable {
  const known = builder.entered.get(columns)
  if (known) return known
  const made = enterOnce(builder, columns, by)
  builder.entered.set(columns, made)
  return made
}

function enterOnce(builder: InputBuilder, columns: Columns, by: string): Variable {
  requireNumbers(builder.inputs, columns, by)
  const whole = builder.inputs.length === 1
  if (whole && !columns.norm && (columns.entries ?? []).every(isPlain)) {
    open(builder, [], by)
    const variable: Variable = { kind: 'variable', node: 0, shape: columns.shape, type: columns.type }
    return columns.entries ? pick(builder, columns.entries, variable) : variable
  }
  const entries = entriesOf(columns)
  open(builder, stepsOf(builder.inputs, entries, columns.norm), by)
  return {
    kind: 'variable',
    node: 0,
    shape: columns.shape,
    type: columns.type.kind === 'float' ? columns.type : float32,
  }
}

/** Texts must have become numbers. */
function requireNumbers(inputs: readonly ModelInput[], { entries, type }: Columns, by: string): void {
  const texts = new Set<number>()
  let first = 0
  for (const { size, text } of inputs) {
    if (text) for (let i = 0; i < size; i++) texts.add(first + i)
    first += size
  }
  const left = entries
    ? entries.some(({ from, oneHot, codes }) => texts.has(from) && !oneHot && !codes)
    : type.kind === 'text'
  if (left)
    throw unsupported(`${by} is not supported: its input is text; OneHotEncoder and LabelEncoder make numbers of it`)
}

function isPlain({ impute, oneHot, codes, offset, factor }: ColumnEntry): boolean {
  return impute === undefined && !oneHot && !codes && offset === 0 && factor === 1
}

function pick({ nodes }: InputBuilder, entries: readonly ColumnEntry[], input: Variable): Variable {
  const { size, name } = nodes[0]!
  if (entries.length === size && entries.every(({ from }, i) => from === i)) return input
  const map = affine(
    pickMatrix(
      Int32Array.from(entries, ({ from }) => from),
      size,
    ),
  )
  nodes.push({ op: 'affine', inputs: [0], size: entries.length, name, map })
  return { ...input, node: nodes.length - 1 }
}

/** Makes node 0, or finds it made in the same way. */
function open(builder: InputBuilder, steps: readonly InputStep[], by: string): void {
  const { nodes, inputs, inputShape } = builder
  if (nodes.length === 0) {
    builder.before = steps
    const encode = steps.find((step) => step.op === 'encode')
    const size = encode ? encode.columns.reduce((sum, column) => sum + sizeOfEncoding(column), 0) : sizeOf(inputShape)
    nodes.push({ op: 'input', inputs: [], size, name: inputs[0]!.name })
  } else if (JSON.stringify(builder.before) !== JSON.stringify(steps)) {
    throw unsupported(
      `${by} is not supported: it takes the input prepared in another way than earlier nodes; prepare every column once, join them by Concat, and use the result`,
    )
  }
}

function sizeOfEncoding(column: ColumnEncoding): number {
  if (column.kind === 'one-hot') return column.values.length
  return column.kind === 'bins' ? column.edges.length + 1 + (column.missing ? 1 : 0) : 1
}

function stepsOf(
  inputs: readonly ModelInput[],
  entries: readonly ColumnEntry[],
  norm: Columns['norm'],
): readonly InputStep[] {
  const steps: InputStep[] = []
  const named = columnsOf(inputs, entries)
  if (inputs.length > 1 || named.some(({ values }) => values)) steps.push({ op: 'columns', columns: named })
  if (entries.some(({ impute }) => impute !== undefined)) {
    const values = new Array<Cell>(named.length).fill(null)
    for (const { from, impute } of entries) if (impute !== undefined) values[from] = impute
    const missing = entries[0]!.missing
    if (entries.some((entry) => entry.missing !== missing))
      throw unsupported('the columns of the input have different marks for missing values; one is supported')
    steps.push({ op: 'impute', values, ...(missing !== undefined && { missing }) })
  }
  // Always there: it is also the choice and the order of the columns.
  steps.push({ op: 'encode', columns: entries.map(encodingOf) })
  if (entries.some(({ offset, factor }) => offset !== 0 || factor !== 1)) {
    const spread = (of: (entry: ColumnEntry) => number): number[] =>
      entries.flatMap((entry) => new Array<number>(widthOf(entry)).fill(of(entry)))
    steps.push({ op: 'scale', offset: spread(({ offset }) => offset), factor: spread(({ factor }) => factor) })
  }
  if (norm) steps.push({ op: 'normalise', norm })
  return steps
}

function encodingOf({ from, oneHot, strict, codes }: ColumnEntry): ColumnEncoding {
  if (oneHot) return { kind: 'one-hot', from, values: oneHot, ...(strict && { strict }) }
  return codes ? { kind: 'ordinal', from, ...codes } : { kind: 'number', from }
}

/** Names of all columns, and all categories that their encodings know. */
function columnsOf(inputs: readonly ModelInput[], entries: readonly ColumnEntry[]): Column[] {
  const used = new Set(entries.map(({ from }) => from))
  const columns: { name: string; values?: string[]; open?: true; unused?: true }[] = inputs
    .flatMap(({ name, size }) => Array.from({ length: size }, (_, i) => (size === 1 ? name : `${name}[${i}]`)))
    .map((name, i) => ({ name, ...(!used.has(i) && { unused: true }) }))
  for (const { from, oneHot, strict, codes } of entries) {
    const texts = (oneHot ?? codes?.values ?? []).filter((value) => typeof value === 'string')
    if (texts.length === 0) continue
    columns[from]!.values = [...new Set([...(columns[from]!.values ?? []), ...texts])]
    if (codes ? codes.otherwise !== undefined : !strict) columns[from]!.open = true
  }
  return columns
}
