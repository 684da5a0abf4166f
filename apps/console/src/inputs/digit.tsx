import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Example, numbersOf, type Picture } from '../api/models.ts'
import { Pixels, paint } from '../components/pixels.tsx'
import { digitOf, drawStrokes, type Point, type Stroke } from './strokes.ts'
import type { InputProps } from './types.ts'

const side = 280
const pen = 22
/** Of a pixel of the drawing area, for a press of an arrow key. */
const step = 10

const keys: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

/** An area to draw in, by pointer or by keys, and digits to choose from. */
export function DigitInput({ examples, onChange }: InputProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [strokes, setStrokes] = useState<readonly Stroke[]>([])
  const [chosen, setChosen] = useState<number>()
  const [cursor, setCursor] = useState<(Point & { readonly down: boolean }) | undefined>()
  const drawing = useRef(false)

  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (!context || !canvas.current) return
    const example = chosen === undefined ? undefined : pictureOf(examples?.items[chosen])
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, side, side)
    if (example) {
      const small = document.createElement('canvas')
      small.width = example.width
      small.height = example.height
      paint(small, example)
      context.imageSmoothingEnabled = false
      context.drawImage(small, 0, 0, side, side)
    }
    drawStrokes(context, strokes, pen)
    if (cursor) drawCursor(context, cursor)
  }, [strokes, chosen, cursor, examples])

  const take = (next: readonly Stroke[]): void => {
    setChosen(undefined)
    setStrokes(next)
    const picture = digitOf(next)
    onChange(picture && { sample: picture.pixels, pixels: true, picture })
  }
  const pick = (i: number): void => {
    setStrokes([])
    setCursor(undefined)
    setChosen(i)
    const example = examples?.items[i]
    const picture = pictureOf(example)
    onChange(
      picture && {
        sample: picture.pixels,
        pixels: true,
        picture,
        ...(example?.expected !== undefined && { expected: example.expected }),
      },
    )
  }
  const clear = (): void => {
    setStrokes([])
    setChosen(undefined)
    setCursor(undefined)
    onChange(undefined)
  }
  const pointOf = (event: PointerEvent): Point => {
    const { left, top, width, height } = canvas.current!.getBoundingClientRect()
    return { x: ((event.clientX - left) / width) * side, y: ((event.clientY - top) / height) * side }
  }
  const extend = (point: Point): void => take([...strokes.slice(0, -1), [...(strokes.at(-1) ?? []), point]])

  const onKey = (event: KeyboardEvent): void => {
    const move = keys[event.key]
    const at = cursor ?? { x: side / 2, y: side / 2, down: false }
    if (move) {
      const keep = (v: number): number => Math.max(pen / 2, Math.min(side - pen / 2, v))
      const next = { x: keep(at.x + step * move[0]), y: keep(at.y + step * move[1]), down: at.down }
      setCursor(next)
      if (at.down) extend({ x: next.x, y: next.y })
    } else if (event.key === ' ' || event.key === 'Enter') {
      setCursor({ ...at, down: !at.down })
      if (!at.down) take([...strokes, [{ x: at.x, y: at.y }]])
    } else if (event.key === 'Escape' || event.key === 'Delete' || event.key === 'Backspace') clear()
    else return
    event.preventDefault()
  }

  const items = examples?.items ?? []
  return (
    <div class="draw">
      <div class="stack-s">
        <div
          role="application"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes keys: an application is drawn in.
          tabIndex={0}
          aria-label={`Drawing area: ${describe(strokes, chosen === undefined ? undefined : items[chosen])}`}
          aria-describedby="draw-help"
          class="drawing-area"
          onKeyDown={onKey}
        >
          <canvas
            ref={canvas}
            class="drawing"
            width={side}
            height={side}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId)
              drawing.current = true
              setCursor(undefined)
              take([...strokes, [pointOf(event)]])
            }}
            onPointerMove={(event) => drawing.current && extend(pointOf(event))}
            onPointerUp={() => {
              drawing.current = false
            }}
            onPointerCancel={() => {
              drawing.current = false
            }}
          />
        </div>
        <div>
          <button
            type="button"
            class="button tiny"
            onClick={clear}
            disabled={strokes.length === 0 && chosen === undefined}
          >
            Wipe
          </button>
        </div>
      </div>
      <div class="stack-s">
        <p class="small soft" id="draw-help">
          Draw a digit with finger, pen or mouse. By keyboard: arrow keys move the pen, space puts it down and lifts it,
          delete wipes.
        </p>
        {items.length > 0 && (
          <fieldset class="plain stack-s">
            <legend class="label">or take one of these</legend>
            <div class="picks">
              {items.map((item, i) => (
                <button
                  type="button"
                  class="pick"
                  key={item.name}
                  aria-pressed={chosen === i}
                  aria-label={item.expected === undefined ? item.name : `a ${item.expected} (${item.name})`}
                  onClick={() => pick(i)}
                >
                  <Pixels picture={pictureOf(item)!} />
                </button>
              ))}
            </div>
          </fieldset>
        )}
      </div>
    </div>
  )
}

function describe(strokes: readonly Stroke[], example: Example | undefined): string {
  if (example) return `the example ${example.name}`
  return strokes.length === 0 ? 'empty' : `${strokes.length} ${strokes.length === 1 ? 'line' : 'lines'}`
}

function pictureOf(example: Example | undefined): Picture | undefined {
  const pixels = example && numbersOf(example.input)
  if (!pixels) return undefined
  const width = Math.round(Math.sqrt(pixels.length))
  return { width, height: width, pixels }
}

function drawCursor(context: CanvasRenderingContext2D, { x, y, down }: Point & { readonly down: boolean }): void {
  context.strokeStyle = '#f0c66b'
  context.fillStyle = '#f0c66b'
  context.lineWidth = 3
  context.beginPath()
  context.arc(x, y, down ? 6 : 11, 0, 2 * Math.PI)
  if (down) context.fill()
  else context.stroke()
}
