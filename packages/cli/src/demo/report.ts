import Table from 'cli-table3'
import pc from 'picocolors'
import { showBytes, showMs } from '../terminal/format.ts'
import { drawPictures } from '../terminal/picture.ts'
import type { DemoResult } from './digits.ts'
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

/** The measurements as a table. */
export function showResult(result: DemoResult, paramsText: string): string {
  const table = new Table({ style: { head: [], border: [], compact: true } })
  const correct = Math.round(result.accuracy * result.images)
  table.push(
    ['agrees with the clear model', `${result.agreeWithClear} of ${result.images} digits`],
    ['accuracy', `${(100 * result.accuracy).toFixed(1)} % (${correct} of ${result.images})`],
    ['largest logit error', `${(100 * result.maxLogitError).toFixed(3)} % of the largest logit`],
    ['server compute, median', `${showMs(result.serverMsMedian)} a digit, ${threads(result.threads)}`],
    ['round trip, median', `${showMs(result.roundTripMsMedian)} a digit`],
    ['upload / reply', `${showBytes(result.uploadBytes)} / ${showBytes(result.replyBytes)} a digit`],
    ['evaluation keys', `${showBytes(result.keyBytes)}, uploaded once; made in ${showMs(result.keygenMs)}`],
    ['parameters', paramsText],
    [
      'security',
      `${result.securityBits} bits (log2 QP ${result.logQP.toFixed(1)} at ring degree ${result.ringDegree})`,
    ],
  )
  return table.toString()
}

function threads(count: number): string {
  return count === 1 ? '1 thread' : `${count} threads`
}
