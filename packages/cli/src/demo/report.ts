import pc from 'picocolors'
import { drawPictures } from '../terminal/picture.ts'
import { side } from './mnist.ts'

// Digits sit in the middle of their pictures; the outermost pixels are paper.
const margin = 3
const gap = 2
const mostShown = 5

/** A few digits as pictures, each above what was predicted and what is true. */
export function showDigits(
  images: readonly Uint8Array[],
  labels: ArrayLike<number>,
  predicted: readonly number[],
  columns: number,
): string {
  const width = side - 2 * margin + gap
  const fit = Math.max(1, Math.min(mostShown, images.length, Math.floor((columns + gap) / width)))
  const shown = images.slice(0, fit)
  const pictures = drawPictures(
    shown.map((image) => ({ pixels: image, side })),
    { margin, gap, colours: pc.isColorSupported },
  )
  const captions = shown.map((_, i) => {
    const text = `predicted ${predicted[i]}, is ${labels[i]}`.padEnd(width)
    return predicted[i] === labels[i] ? pc.green(text) : pc.red(text)
  })
  return `${pictures}\n${captions.join('').trimEnd()}`
}
