// Writes TensorFlow.js layers models: model.json and one weight file.

export interface KerasLayer {
  readonly class_name: string
  readonly config: Readonly<Record<string, unknown>>
  readonly name?: string
  readonly inbound_nodes?: readonly unknown[]
}
export interface KerasWeight {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}
export type KerasFiles = Record<string, Uint8Array>

export const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** Layer number i is called `l0`, `l1`, … where it has no name. */
export function layer(class_name: string, config: Record<string, unknown> = {}): KerasLayer {
  return { class_name, config }
}

/** A topology with float32 weights by name. */
export function kerasFiles(modelTopology: object, weights: Readonly<Record<string, KerasWeight>> = {}): KerasFiles {
  const entries = Object.entries(weights)
  const manifest = {
    paths: ['weights.bin'],
    weights: entries.map(([name, { shape }]) => ({ name, shape, dtype: 'float32' })),
  }
  const data = Float32Array.from(entries.flatMap(([, { data }]) => Array.from(data)))
  return {
    'model.json': json({ format: 'layers-model', modelTopology, weightsManifest: [manifest] }),
    'weights.bin': new Uint8Array(data.buffer),
  }
}

/** Layers in a row, on samples of a shape. */
export function sequential(
  inputShape: readonly (number | null)[],
  layers: readonly KerasLayer[],
  weights: Readonly<Record<string, KerasWeight>> = {},
): KerasFiles {
  const named = layers.map((one, i) => ({ ...one, config: { name: `l${i}`, ...one.config } }))
  const input = layer('InputLayer', { name: 'in', batch_input_shape: [null, ...inputShape] })
  return kerasFiles(
    { model_config: { class_name: 'Sequential', config: { name: 's', layers: [input, ...named] } } },
    weights,
  )
}

/** The elements of an array with its axes in another order. */
export function transposed({ shape, data }: KerasWeight, axes: readonly number[]): KerasWeight {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1))
  const to = axes.map((axis) => shape[axis]!)
  const out: number[] = []
  const walk = (depth: number, at: number): void => {
    if (depth === axes.length) out.push(data[at]!)
    else for (let i = 0; i < to[depth]!; i++) walk(depth + 1, at + i * strides[axes[depth]!]!)
  }
  walk(0, 0)
  return { shape: to, data: out }
}
