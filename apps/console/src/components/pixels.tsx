import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Picture } from '../api/models.ts'

interface PixelsProps {
  readonly picture: Picture
  /** What it shows; none: it is beside a text that says so. */
  readonly label?: string
  readonly class?: string
}

/** Bytes as a picture, a pixel each, or three for a pixel. */
export function Pixels({ picture, label, class: name }: PixelsProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (canvas.current) paint(canvas.current, picture)
  }, [picture])
  return (
    <canvas
      ref={canvas}
      width={picture.width}
      height={picture.height}
      class={name}
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    />
  )
}

export function paint(canvas: HTMLCanvasElement, { width, height, pixels }: Picture): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const image = context.createImageData(width, height)
  const channels = pixels.length >= 3 * width * height ? 3 : 1
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[channels === 3 ? 3 * i + c : i] ?? 0
    image.data[4 * i + 3] = 255
  }
  context.putImageData(image, 0, 0)
}
