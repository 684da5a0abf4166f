import { importOnnx } from '@glovebox/ml'
import { readInput } from '../files.ts'
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
  name: 'digits-linear',
  summary: 'handwritten digits by one linear layer, without any evaluation keys',
  question: 'Which digits are these? One linear layer, 784 pixels to 10 scores, on encrypted pixels.',
  before: '80 s for a digit with a neural network (2016)',
  samples: { usual: 200, most: testDigits },
  async load({ samples }) {
    const bytes = await readInput(await modelFile('digits-linear', 'model.onnx'))
    const { images, labels } = await readDigits('test', samples)
    const train = await readDigits('train', calibration)
    const inputs = images.map(scaled)
    const truth = [...labels]
    return {
      model: importOnnx(bytes),
      compile: { samples: Float64Array.from(train.images.flatMap((image) => [...scaled(image)])) },
      inputs,
      provenance: 'real',
      source: `${samples} of the 10,000 MNIST test images`,
      together: 1,
      metric: { name: 'accuracy', score: (outputs) => accuracy(outputs.map(largest), truth) },
      reference: () => inputs.map(referenceOfOnnx(bytes, [1, side, side])),
      picture: ({ outputs }, columns) => showDigits(images, labels, outputs.map(largest), columns),
    }
  },
}

/** As the models take pixels: from 0 to 1. */
function scaled(image: Uint8Array): Float64Array {
  return Float64Array.from(image, (pixel) => pixel / 255)
}
