import { z } from 'zod'
import type { Graph } from '../graph/graph.ts'
import type { Model } from '../model/model.ts'
import type { OutputStep } from '../model/steps.ts'
import { GraphBuilder } from './layers/graph-builder.ts'
import { malformed, unsupported, type Value } from './tfjs/layer.ts'
import { applyModel, inputShapeOf, type ModelConfig } from './tfjs/topology.ts'
import { manifestSchema, readWeights } from './tfjs/weights.ts'

/** What a TensorFlow.js model does not say itself. */
export interface TfjsOptions {
  /** Shape of one sample, where the model leaves it open or for another size of pictures. */
  readonly inputShape?: readonly number[]
  /** What the classes are called, in the order of the outputs. */
  readonly labels?: readonly string[]
}

const modelSchema = z.object({
  class_name: z.literal(['Sequential', 'Functional', 'Model']),
  config: z.unknown(),
})
const fileSchema = z.object({
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: manifestSchema,
})

/**
 * A TensorFlow.js layers model: `files` holds `model.json` and its weight files under the names that it calls them by. Weights may be quantised. The shape of a
 * sample is the model's without the batch, channels last where the layers say so. A softmax or logistic function at the end is the client's.
 *
 * Throws GloveboxError `malformed`, `unsupported` (naming the layer, its type and the field) or `too-large`.
 */
export function importTfjs(files: Readonly<Record<string, Uint8Array>>, options: TfjsOptions = {}): Model {
  const { modelTopology, weightsManifest } = readFile(files)
  const found = modelSchema.safeParse(modelTopology.model_config ?? modelTopology)
  if (!found.success) {
    throw unsupported('the model is not supported: "modelTopology" expected a Sequential or Functional layers model')
  }
  const model = found.data as ModelConfig
  const inputShape = sampleShape(options.inputShape ?? inputShapeOf(model), options.inputShape !== undefined)
  const graph = new GraphBuilder('x', inputShape)
  const weights = readWeights(weightsManifest, files)
  const end = applyModel(model, { node: graph.input, shape: inputShape }, { graph, weights })
  return finish(graph.build(end.node, 'y', end.shape), end, options.labels)
}

function readFile(files: Readonly<Record<string, Uint8Array>>): z.infer<typeof fileSchema> {
  const bytes = Object.hasOwn(files, 'model.json') ? files['model.json'] : undefined
  if (!(bytes instanceof Uint8Array)) throw new TypeError('"files" expected the bytes of "model.json"')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw malformed('model.json: expected JSON', { cause })
  }
  const result = fileSchema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw malformed(`model.json: ${path.join('.')}: ${message}`)
}

/** Axes behind the batch; all must be known. */
function sampleShape(value: unknown, asked: boolean): number[] {
  const shape = asked ? value : Array.isArray(value) ? value.slice(1) : undefined
  const isSize = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= 1 && (n as number) <= 2 ** 24
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    const got = Array.isArray(shape) ? `[${shape.map((n) => n ?? 'any')}]` : 'none'
    throw unsupported(`the input expected a shape of whole numbers, got ${got}: give it as the option "inputShape"`)
  }
  return shape
}

/** What the client does at the end does not stay in the graph. */
function finish(graph: Graph, end: Value, names: readonly string[] | undefined): Model {
  const last = graph.nodes[graph.output]!
  const kind = end.softmax ? undefined : last.activation?.kind
  const client = kind === 'Sigmoid' ? 'sigmoid' : kind === 'Exp' ? 'exp' : undefined
  const along = end.softmax === last.size ? {} : { along: { length: end.softmax ?? 1, stride: 1 } }
  const after: OutputStep[] = end.softmax ? [{ op: 'softmax', ...along }] : client ? [{ op: client }] : []
  if (names) {
    const binary = names.length === 2 && last.size === 1
    if (names.length !== last.size && !binary) {
      throw new RangeError(`"labels" expected ${last.size} names, got ${names.length}`)
    }
    after.push({ op: 'labels', names, ...(binary && client === 'sigmoid' && { threshold: 0.5 }) })
  }
  if (!client) return { before: [], graph, after }
  const nodes = graph.nodes.filter((node) => node !== last || graph.output < graph.nodes.length - 1)
  return { before: [], graph: { ...graph, nodes, output: last.inputs[0]! }, after }
}
