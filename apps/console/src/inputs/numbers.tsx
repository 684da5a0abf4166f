import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { numbersOf } from '../api/models.ts'
import { showCount } from '../format.ts'
import { colourOf } from '../theme.ts'
import { Choices } from './choices.tsx'
import type { InputProps } from './types.ts'

/** Plain numbers, pasted as JSON or CSV, or examples of them. */
export function NumbersInput({ examples, info, onChange }: InputProps): JSX.Element {
  const items = examples?.items ?? []
  const [chosen, setChosen] = useState<number | undefined>()
  const [text, setText] = useState('')
  const expected = examples?.shape?.reduce((product, n) => product * n, 1) ?? sizeOf(info)
  const values = parse(text)
  const problem = problemOf(values, expected, text)

  const take = (next: string, truth?: string): void => {
    setText(next)
    const numbers = parse(next)
    onChange(
      numbers && problemOf(numbers, expected, next) === undefined && numbers.length > 0
        ? { sample: numbers, pixels: false, words: next, ...(truth !== undefined && { expected: truth }) }
        : undefined,
    )
  }
  const pick = (i: number): void => {
    setChosen(i)
    const item = items[i]!
    take((numbersOf(item.input) ?? []).map((value) => Number(value.toPrecision(7))).join(', '), item.expected)
  }
  return (
    <div class="stack-s">
      <Choices legend="Begin with" items={items} chosen={chosen} onPick={pick} />
      <div class="field">
        <label for="numbers-input">
          {expected === undefined ? 'Numbers' : `${showCount(expected)} numbers`}, as JSON or separated by commas
        </label>
        <textarea
          id="numbers-input"
          class="input mono"
          rows={5}
          spellcheck={false}
          value={text}
          aria-invalid={problem !== undefined}
          aria-describedby="numbers-hint"
          onInput={(event) => {
            setChosen(undefined)
            take(event.currentTarget.value)
          }}
        />
        <span class="hint" id="numbers-hint" aria-live="polite">
          {problem ??
            (values && values.length > 0 ? `${showCount(values.length)} numbers` : (examples?.describe ?? ''))}
        </span>
      </div>
      {values && values.length > 1 && <Spark values={values} />}
    </div>
  )
}

/** Of models that take numbers as they are: those of a sample. */
function sizeOf({ first, columns, inputShape, inputSize }: InputProps['info']): number | undefined {
  if (columns) return columns.length
  return first.length === 0 ? inputShape.reduce((product, n) => product * n, 1) || inputSize : undefined
}

function parse(text: string): number[] | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return []
  try {
    if (trimmed.startsWith('[')) {
      const flat = (JSON.parse(trimmed) as unknown[]).flat(4)
      return flat.every((value) => typeof value === 'number' && Number.isFinite(value)) ? (flat as number[]) : undefined
    }
  } catch {
    return undefined
  }
  const numbers = trimmed
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(Number)
  return numbers.every(Number.isFinite) ? numbers : undefined
}

function problemOf(
  values: readonly number[] | undefined,
  expected: number | undefined,
  text: string,
): string | undefined {
  if (!values) return 'Not all of this is numbers: write 1.5, 2, 3 or [1.5, 2, 3].'
  if (text.trim() === '' || expected === undefined || values.length === expected) return undefined
  return `The model takes ${showCount(expected)} numbers, these are ${showCount(values.length)}.`
}

/** The numbers as a line, decoration beside their text. */
function Spark({ values }: { readonly values: readonly number[] }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (!element || !context) return
    const paintLine = (): void => {
      const { width, height } = element
      const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
      context.clearRect(0, 0, width, height)
      context.strokeStyle = colourOf('--link')
      context.lineWidth = 2
      context.beginPath()
      values.forEach((value, i) => {
        const x = (i / Math.max(1, values.length - 1)) * (width - 8) + 4
        const y = height - 8 - ((value - low) / (high - low || 1)) * (height - 16)
        if (i === 0) context.moveTo(x, y)
        else context.lineTo(x, y)
      })
      context.stroke()
    }
    paintLine()
    addEventListener('glovebox-theme', paintLine)
    return () => removeEventListener('glovebox-theme', paintLine)
  }, [values])
  return <canvas ref={canvas} class="spark" width={640} height={96} role="img" aria-label="The numbers as a line" />
}
