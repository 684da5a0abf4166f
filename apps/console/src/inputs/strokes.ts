import type { Picture } from '../api/models.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

export type Stroke = readonly Point[]

/** As MNIST has its digits: in a box of 20 pixels, centred by mass in 28. */
const side = 28
const box = 20
/** Of the pen, in pixels of the small picture. */
const pen = 2.1
/** That stays free at the edge, wherever the centre of mass is. */
const edge = 1

/** Strokes as the models' pictures are: scaled to the box, anti-aliased, moved so that the centre of mass is in the middle, as far as all of it stays in the picture. */
export function digitOf(strokes: readonly Stroke[]): Picture | undefined {
  const points = strokes.flat()
  if (points.length === 0) return undefined
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)]
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top]
  // A dot is not blown up to the whole box.
  const scale = Math.min((box - pen) / Math.max(width, height, 1e-6), (box - pen) / 0.2)
  const moved = strokes.map((stroke) =>
    stroke.map(({ x, y }) => ({
      x: (x - left - width / 2) * scale + side / 2,
      y: (y - top - height / 2) * scale + side / 2,
    })),
  )
  const first = render(moved, 0, 0)
  const mass = first.reduce((sum, value) => sum + value, 0)
  if (mass === 0) return undefined
  const mean = (of: (i: number) => number): number => first.reduce((sum, value, i) => sum + value * of(i), 0) / mass
  const room = (length: number): number => (side - (length * scale + pen)) / 2 - edge
  const dx = within(room(width), side / 2 - 0.5 - mean((i) => i % side))
  const dy = within(room(height), side / 2 - 0.5 - mean((i) => Math.floor(i / side)))
  return { width: side, height: side, pixels: render(moved, dx, dy) }
}

function within(most: number, shift: number): number {
  return Math.max(-most, Math.min(most, shift))
}

function render(strokes: readonly Stroke[], dx: number, dy: number): number[] {
  const canvas = new OffscreenCanvas(side, side)
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) return []
  context.fillRect(0, 0, side, side)
  context.translate(dx, dy)
  drawStrokes(context, strokes, pen)
  const { data } = context.getImageData(0, 0, side, side)
  return Array.from({ length: side * side }, (_, i) => data[4 * i]!)
}

/** White lines with round ends. */
export function drawStrokes(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  strokes: readonly Stroke[],
  width: number,
): void {
  context.strokeStyle = '#fff'
  context.lineWidth = width
  context.lineCap = 'round'
  context.lineJoin = 'round'
  for (const stroke of strokes) {
    context.beginPath()
    stroke.forEach(({ x, y }, i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)))
    const [only] = stroke
    if (stroke.length === 1 && only) context.lineTo(only.x + 1e-3, only.y)
    context.stroke()
  }
}
