import { z } from 'zod'
import type { Tensor } from '../../tensor/tensor.ts'
import type { GraphBuilder } from '../layers/graph-builder.ts'
import { Layer, malformed, unsupported, type Value } from './layer.ts'
import { advice, translations } from './table.ts'

/** A layer as model.json describes it. */
export interface LayerConfig {
  readonly class_name: string
  readonly name?: string
  readonly config: Readonly<Record<string, unknown>> | readonly unknown[]
  readonly inbound_nodes?: readonly unknown[]
}

const layerSchema: z.ZodType<LayerConfig> = z.object({
  class_name: z.string().max(256),
  name: z.string().max(4096).exactOptional(),
  config: z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]),
  inbound_nodes: z.array(z.unknown()).max(4096).exactOptional(),
})
const layersSchema = z.array(layerSchema).max(4096)

/** Models in models, at most so deep. */
const maxDepth = 8

/** A model or one within it: layers in a row, or wired by name. */
export interface ModelConfig {
  readonly class_name: string
  readonly config: unknown
}

const kinds = ['Sequential', 'Functional', 'Model']

function isModel({ class_name }: { readonly class_name: string }): boolean {
  return kinds.includes(class_name)
}

/** The layers of a model; older files have a plain list for a Sequential. */
export function layersOf({ class_name, config }: ModelConfig): LayerConfig[] {
  const listed = Array.isArray(config) ? config : (config as { layers?: unknown } | null)?.layers
  const result = layersSchema.safeParse(listed)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw malformed(`${class_name}: ${['layers', ...path].join('.')}: ${message}`)
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

function fieldsOf({ config }: LayerConfig): Readonly<Record<string, unknown>> {
  return isList(config) ? {} : config
}

export function nameOf(layer: LayerConfig): string {
  const { name } = fieldsOf(layer)
  return layer.name ?? (typeof name === 'string' ? name : layer.class_name)
}

/** The shape of a sample as the first layer says it, with its batch axis. */
export function inputShapeOf(model: ModelConfig): unknown {
  const [first] = layersOf(model)
  if (!first) return undefined
  if (isModel(first)) return inputShapeOf(first)
  const { batch_input_shape, batch_shape, batchInputShape } = fieldsOf(first)
  return batch_input_shape ?? batch_shape ?? batchInputShape
}

/** What everything needs that translates layers. */
export interface Building {
  readonly graph: GraphBuilder
  readonly weights: (layer: string, weight: string) => Tensor | undefined
}

/** A model with one input and one output as part of the graph. */
export function applyModel(model: ModelConfig, input: Value, building: Building, depth = 0): Value {
  if (depth > maxDepth) throw unsupported(`models are within each other more than ${maxDepth} deep`)
  const layers = layersOf(model)
  if (model.class_name === 'Sequential') {
    return layers.reduce((value, layer) => applyLayer(layer, [value], building, depth), input)
  }
  return applyWired(layers, model, input, building, depth)
}

function applyLayer(layer: LayerConfig, inputs: readonly Value[], building: Building, depth: number): Value {
  const { class_name: type } = layer
  if (isModel(layer)) {
    const [x] = inputs
    if (inputs.length !== 1 || !x)
      throw unsupported(`${type} "${nameOf(layer)}" has ${inputs.length} inputs; one is supported`)
    if (x.softmax) throw unsupported(`${type} "${nameOf(layer)}" follows a softmax, which is only done at the end`)
    return applyModel(layer, x, building, depth + 1)
  }
  const translate = Object.hasOwn(translations, type) ? translations[type] : undefined
  if (!translate) {
    throw unsupported(
      `layer type ${type} of "${nameOf(layer)}" is not supported; supported are ${Object.keys(translations).join(', ')}` +
        (Object.hasOwn(advice, type) ? `. ${advice[type]}` : ''),
    )
  }
  const config = { ...fieldsOf(layer), name: nameOf(layer) }
  return translate(new Layer(type, config, building.graph, building.weights), inputs)
}

/** A use of a layer: its name, and which of its calls. */
type Use = readonly [name: string, call: number]

/** Only the layers that the output needs are computed, each call of a layer once. */
function applyWired(
  layers: readonly LayerConfig[],
  { class_name, config }: ModelConfig,
  input: Value,
  building: Building,
  depth: number,
): Value {
  const { input_layers, output_layers } = (config ?? {}) as { input_layers?: unknown; output_layers?: unknown }
  const begin = onlyUse(input_layers, `"input_layers" of ${class_name}`)
  const end = onlyUse(output_layers, `"output_layers" of ${class_name}`)
  const byName = new Map(layers.map((layer) => [nameOf(layer), layer]))
  const values = new Map<string, Value | 'open'>([[begin.join(' '), input]])
  const compute = (use: Use): Value => {
    const [name, call] = use
    const key = use.join(' ')
    const known = values.get(key)
    if (known === 'open') throw malformed(`layer "${name}" is part of a circle`)
    if (known) return known
    const layer = byName.get(name)
    const inbound = layer?.inbound_nodes?.[call]
    if (!layer || inbound === undefined) throw malformed(`there is no call ${call} of a layer "${name}"`)
    values.set(key, 'open')
    const uses = usesOf(inbound)
    if (uses.length === 0) throw unsupported(`layer "${name}" is a second input; one is supported`)
    const value = applyLayer(layer, uses.map(compute), building, depth)
    values.set(key, value)
    return value
  }
  return compute(end)
}

function onlyUse(value: unknown, what: string): Use {
  // One layer stands alone or in a list.
  const uses = usesOf(isUse(value) ? [value] : value)
  if (uses.length !== 1) throw unsupported(`${what} has ${uses.length} entries; one is supported`)
  return uses[0]!
}

function isUse(value: unknown): value is [string, number, ...unknown[]] {
  return Array.isArray(value) && typeof value[0] === 'string' && Number.isInteger(value[1])
}

/** Uses within a call: [name, call, tensor] in lists (Keras 2), or `keras_history` of that form somewhere inside (Keras 3). */
function usesOf(value: unknown, depth = 0): Use[] {
  if (depth > 16) throw malformed('"inbound_nodes" is nested too deeply')
  if (isUse(value)) {
    if (value[2] !== undefined && value[2] !== 0) throw unsupported(`output ${value[2]} of layer "${value[0]}"`)
    return [[value[0], value[1]]]
  }
  if (Array.isArray(value)) return value.flatMap((part) => usesOf(part, depth + 1))
  if (typeof value !== 'object' || value === null) return []
  if ('keras_history' in value) return usesOf(value.keras_history, depth + 1)
  return Object.values(value).flatMap((part) => usesOf(part, depth + 1))
}
