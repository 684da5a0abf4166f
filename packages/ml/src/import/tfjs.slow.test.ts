import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { json, type KerasFiles, type KerasLayer, layer, transposed } from '../../test/keras.ts'
import { buildModel, floats, type NodeLiteral, node, rawFloats, type TensorLiteral } from '../../test/onnx.ts'
import { runOrt } from '../../test/ort.ts'
import { randomNumbers } from '../../test/random.ts'
import { runClear } from '../run/clear.ts'
import { readWeights } from './tfjs/weights.ts'
import { importTfjs } from './tfjs.ts'

const data = process.env.GLOVEBOX_DATA ?? join(import.meta.dirname, '../../../../../shared/data')
const folder = join(data, 'mobilenet-v1-0.25-tfjs')
const present = existsSync(join(folder, 'model.json'))
if (!present) console.warn(`skipped: there is no ${folder}`)

/** Strides of the 13 depthwise convolutions of MobileNet v1 (Howard et al. 2017, table 1). */
const strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1]

/** The layers up to the features; the file has weights only. */
function mobileNet(filters: (name: string) => number): KerasLayer[] {
  const convolution = (class_name: string, name: string, size: number, stride: number): KerasLayer[] => [
    layer(class_name, {
      name,
      ...(class_name === 'Conv2D' && { filters: filters(name) }),
      kernel_size: [size, size],
      strides: [stride, stride],
      padding: 'same',
      use_bias: false,
    }),
    layer('BatchNormalization', { name: `${name}_bn`, axis: -1, epsilon: 1e-3 }),
    layer('ReLU', { name: `${name}_relu`, max_value: 6 }),
  ]
  return [
    ...convolution('Conv2D', 'conv1', 3, 2),
    ...strides.flatMap((stride, i) => [
      ...convolution('DepthwiseConv2D', `conv_dw_${i + 1}`, 3, stride),
      ...convolution('Conv2D', `conv_pw_${i + 1}`, 1, 1),
    ]),
    layer('GlobalAveragePooling2D', { name: 'features' }),
  ]
}

describe.skipIf(!present)('MobileNet v1 0.25, weights by Google', () => {
  const files: KerasFiles = Object.fromEntries(
    present ? readdirSync(folder).map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]) : [],
  )
  const { weightsManifest } = present ? JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) : {}

  test('its 256 features of a picture of 96 x 96 are what onnxruntime computes', async () => {
    const weights = readWeights(weightsManifest, files)
    const of = (name: string, weight: string) => weights(name, weight) ?? expect.fail(`${name}/${weight}`)
    const layers = mobileNet((name) => of(name, 'kernel').shape[3]!)
    const config = {
      name: 'mobilenet',
      layers: [layer('InputLayer', { batch_input_shape: [null, null, null, 3] }), ...layers],
    }
    const topology = { class_name: 'Sequential', config }
    const shape = [96, 96, 3]
    const model = importTfjs(
      { ...files, 'model.json': json({ modelTopology: topology, weightsManifest }) },
      { inputShape: shape },
    )
    expect(model.graph.outputShape).toEqual([256])
    expect(model.graph.nodes.filter(({ activation }) => activation?.kind === 'Clip').length).toBe(27)

    // The same network in ONNX, channels first.
    const initializers: TensorLiteral[] = [floats('low', [], [0]), floats('high', [], [6])]
    const nodes: NodeLiteral[] = [node('Transpose', ['x'], 'in', { perm: [0, 3, 1, 2] })]
    let at = 'in'
    const push = (op: string, inputs: string[], attributes = {}): void => {
      const to = `v${nodes.length}`
      nodes.push(node(op, [at, ...inputs], to, attributes))
      at = to
    }
    const constant = (name: string, dims: readonly number[], values: ArrayLike<number>): string => {
      initializers.push(rawFloats(name, dims, values))
      return name
    }
    for (const { class_name, config } of layers) {
      const name = String(config.name)
      if (class_name === 'ReLU') push('Clip', ['low', 'high'])
      else if (class_name === 'BatchNormalization') {
        const list = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((weight) => {
          const tensor = of(name, weight)
          return constant(`${name}/${weight}`, tensor.shape, tensor.data)
        })
        push('BatchNormalization', list, { epsilon: { float: 1e-3 } })
      } else if (class_name !== 'GlobalAveragePooling2D') {
        const depthwise = class_name === 'DepthwiseConv2D'
        const kernel = transposed(
          of(name, depthwise ? 'depthwise_kernel' : 'kernel'),
          depthwise ? [2, 3, 0, 1] : [3, 2, 0, 1],
        )
        push('Conv', [constant(name, kernel.shape, kernel.data)], {
          strides: config.strides as number[],
          auto_pad: 'SAME_UPPER',
          group: depthwise ? kernel.shape[0]! : 1,
        })
      }
    }
    nodes.push(node('GlobalAveragePool', [at], 'mean'), node('Flatten', ['mean'], 'y'))
    const picture = randomNumbers(5, 96 * 96 * 3)
    const expected = await runOrt(buildModel({ input: ['n', ...shape], nodes, initializers }), shape, picture)
    const features = runClear(model.graph, picture)
    expect(expected.reduce((a, b) => Math.max(a, b))).toBeGreaterThan(0.5)
    // onnxruntime computes in single precision.
    features.forEach((v, i) => expect(Math.abs(v - expected[i]!)).toBeLessThan(1e-4))
  })
})
