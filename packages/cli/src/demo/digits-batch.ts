import { importOnnx } from '@glovebox/ml'
import { readInput } from '../files.ts'
import { showCount } from '../terminal/format.ts'
import { largest } from '../terminal/outputs.ts'
import type { Demo } from './demo.ts'
import { accuracy } from './metrics.ts'
import { readDigits, side, testDigits } from './mnist.ts'
import { modelFile } from './model-file.ts'
import { referenceOfOnnx } from './reference-onnx.ts'
import { showDigits } from './report.ts'

/** Training digits that ranges are measured on. */
const calibration = 200

export const demo: Demo = {
  name: 'digits-batch',
  summary: 'ten thousand handwritten digits in one go',
  question:
    'Which digits are these, all of them? A network of 100 squares; every ciphertext holds one pixel of thousands of images.',
  before: '250 s for 4,096 digits (CryptoNets, 2016)',
  samples: { usual: testDigits, most: testDigits },
  async load({ samples }) {
    const bytes = await readInput(await modelFile('digits-batch', 'model.onnx'))
    const { images, labels } = await readDigits('test', samples)
    const train = await readDigits('train', calibration)
    const inputs = images.map(scaled)
    const truth = [...labels]
    return {
      model: importOnnx(bytes),
      compile: {
        samples: Float64Array.from(train.images.flatMap((image) => [...scaled(image)])),
        batchSize: testDigits,
        packing: 'batch',
      },
      inputs,
      provenance: 'real',
      source:
        samples === testDigits
          ? 'all 10,000 MNIST test images'
          : `${showCount(samples)} of the 10,000 MNIST test images`,
      together: samples,
      metric: { name: 'accuracy', score: (outputs) => accuracy(outputs.map(largest), truth) },
      reference: () => inputs.map(referenceOfOnnx(bytes, [side, side])),
      picture: ({ outputs }, columns) => {
        const predicted = outputs.map(largest)
        const wrong = predicted.flatMap((digit, i) => (digit === truth[i] ? [] : [i]))
        const some = (which: readonly number[]): string =>
          showDigits(
            which.map((i) => images[i]!),
            which.map((i) => truth[i]!),
            which.map((i) => predicted[i]!),
            columns,
          )
        const first = some(predicted.map((_, i) => i))
        if (wrong.length === 0) return first
        return `${first}\n\nRead wrongly: ${showCount(wrong.length)} of ${showCount(samples)}, such as\n\n${some(wrong)}`
      },
    }
  },
}

/** As the model takes pixels: from 0 to 1. */
function scaled(image: Uint8Array): Float64Array {
  return Float64Array.from(image, (pixel) => pixel / 255)
}
