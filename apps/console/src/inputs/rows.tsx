import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ExampleColumn, Examples, Row } from '../api/models.ts'
import { plural } from '../format.ts'
import type { ColumnInfo } from '../private/types.ts'
import { Choices } from './choices.tsx'
import type { InputProps } from './types.ts'

/** More than these scroll in a place of their own. */
const mostAtOnce = 24

type Cells = Readonly<Record<string, string>>

/** Rows of a table: one to begin with, and a field for each column. */
export function RowsInput({ examples, info, onChange }: InputProps): JSX.Element {
  const columns = columnsOf(info.columns ?? [], examples)
  const items = examples?.items.filter(({ input }) => typeof input === 'object' && !Array.isArray(input)) ?? []
  const many = columns.length > mostAtOnce
  const [chosen, setChosen] = useState<number | undefined>(items.length > 0 ? 0 : undefined)
  const [cells, setCells] = useState<Cells>(() => cellsOf(items[0]?.input as Row | undefined))

  const send = (next: Cells, expected?: string): void => {
    setCells(next)
    if (columns.some((column) => problemOf(column, next[column.name]))) {
      onChange(undefined)
      return
    }
    const words = columns.map(({ name, label = name }) => `${label}: ${next[name] || 'missing'}`).join('\n')
    onChange({ sample: rowOf(columns, next), pixels: false, words, ...(expected !== undefined && { expected }) })
  }
  const pick = (i: number): void => {
    setChosen(i)
    send(cellsOf(items[i]!.input as Row), items[i]!.expected)
  }
  // The first row is taken once.
  useEffect(() => {
    if (items.length > 0) pick(0)
  }, [])

  return (
    <div class="stack-s">
      <Choices legend="Begin with" items={items} chosen={chosen} onPick={pick} />
      <fieldset class="plain">
        <legend class="label">
          {plural(columns.length, 'column')}{' '}
          <span class="soft small">
            {columns.some(({ values }) => !values) ? '– empty is missing' : ''}
            {many ? ' – scroll for all of them' : ''}
          </span>
        </legend>
        <div class={many ? 'cells cells-scroll' : 'cells'}>
          {columns.map((column) => (
            <CellField
              key={column.name}
              column={column}
              value={cells[column.name] ?? ''}
              onInput={(value) => {
                setChosen(undefined)
                send({ ...cells, [column.name]: value })
              }}
            />
          ))}
        </div>
      </fieldset>
    </div>
  )
}

type FormColumn = ExampleColumn & Pick<ColumnInfo, 'text'>

interface CellFieldProps {
  readonly column: FormColumn
  readonly value: string
  readonly onInput: (value: string) => void
}

function CellField({ column, value, onInput }: CellFieldProps): JSX.Element {
  const { name, label = name, unit, values, low, high } = column
  const id = `cell-${name}`
  const problem = problemOf(column, value)
  return (
    <div class="field">
      <label for={id}>
        {label}
        {unit && <span class="soft"> ({unit})</span>}
      </label>
      {values ? (
        <select id={id} class="input" value={value} onChange={(event) => onInput(event.currentTarget.value)}>
          <option value="">missing</option>
          {values.map((text) => (
            <option key={text} value={text}>
              {text}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          class="input"
          inputMode={column.text ? 'text' : 'decimal'}
          autocomplete="off"
          value={value}
          {...(low !== undefined && high !== undefined && { title: `usually ${low} to ${high}` })}
          aria-invalid={problem !== undefined}
          {...(problem && { 'aria-describedby': `${id}-problem` })}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
      {problem && (
        <span class="hint" id={`${id}-problem`} role="alert">
          {problem}
        </span>
      )}
    </div>
  )
}

/** As the model's columns are, with what the examples say of them. */
function columnsOf(columns: readonly ColumnInfo[], examples: Examples | undefined): FormColumn[] {
  const known = new Map(examples?.columns?.map((column) => [column.name, column]))
  return columns.map(({ name, values, text }) => ({
    ...known.get(name),
    name,
    ...(values && { values }),
    ...(text && { text }),
  }))
}

function cellsOf(row: Row | undefined): Cells {
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, cell]) => [name, cell === null ? '' : String(cell)]))
}

function rowOf(columns: readonly FormColumn[], cells: Cells): Row {
  return Object.fromEntries(
    columns.map(({ name, values, text }) => {
      const cell = cells[name]?.trim() ?? ''
      return [name, cell === '' ? null : values || text ? cell : numberOf(cell)]
    }),
  )
}

function problemOf({ values, text }: FormColumn, cell = ''): string | undefined {
  if (values || text || cell.trim() === '' || Number.isFinite(numberOf(cell))) return undefined
  return 'Give a number, such as 12.5, or leave it empty.'
}

/** With a point or a comma. */
function numberOf(text: string): number {
  return Number(text.trim().replace(',', '.'))
}
