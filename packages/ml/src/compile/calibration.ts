import { randomNumbers } from '../tensor/random.ts'
import { sizeOf } from '../tensor/tensor.ts'

/** Splits samples of `size` numbers. Throws RangeError for another length, numbers that are not finite, and nothing but zeros, which measure nothing. */
export function splitSamples(samples: Float64Array, size: number): Float64Array[] {
  if (!(samples instanceof Float64Array))
    throw new TypeError(
      `"samples" expected a Float64Array, got ${Array.isArray(samples) ? 'an array' : typeof samples}`,
    )
  const count = samples.length / size
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`"samples" expected a positive multiple of ${size} numbers, got ${samples.length}`)
  }
  const wrong = samples.findIndex((v) => !Number.isFinite(v))
  if (wrong >= 0) throw new RangeError(`"samples[${wrong}]" expected a finite number, got ${samples[wrong]}`)
  if (samples.every((v) => v === 0)) throw new RangeError('"samples" expected a number other than 0, got only zeros')
  return Array.from({ length: count }, (_, i) => samples.subarray(i * size, (i + 1) * size))
}

/**
 * Inputs to measure magnitudes on where none are given: half uniform noise in [0, 1], half dark with a few bright rectangles over the last two axes,
 * as pictures are. Repeatable. Better: real inputs.
 */
export function syntheticSamples(shape: readonly number[], count: number): Float64Array {
  const size = sizeOf(shape)
  const width = shape.at(-1) ?? 1
  const height = shape.at(-2) ?? 1
  const random = randomNumbers(20240607)
  const below = (n: number): number => Math.floor(random() * n)
  const out = new Float64Array(count * size)
  for (let k = 0; k < count; k++) {
    const sample = out.subarray(k * size, (k + 1) * size)
    if (k % 2 === 0) {
      for (let i = 0; i < size; i++) sample[i] = random()
      continue
    }
    for (let blob = 0; blob < 4; blob++) {
      const [top, left] = [below(height), below(width)]
      const [bottom, right] = [top + 1 + below(Math.ceil(height / 3)), left + 1 + below(Math.ceil(width / 3))]
      const level = 0.5 + random() / 2
      for (let i = 0; i < size; i++) {
        const [y, x] = [Math.floor(i / width) % height, i % width]
        if (y >= top && y < bottom && x >= left && x < right) sample[i] = level
      }
    }
  }
  return out
}
