import { GloveboxError } from '@glovebox/he'
import { z } from 'zod'
import type { Model } from '../model/model.ts'
import { affine } from '../tensor/affine.ts'
import { buildSparse } from '../tensor/sparse.ts'
import { GraphBuilder } from './layers/graph-builder.ts'

const text = z.string().min(1).max(4096)
const most = 2 ** 16

const schema = z
  .object({
    format: z.literal('glovebox-per-sample'),
    version: z.literal(1),
    name: text.default('series'),
    /** Moments of a series. */
    samples: z.number().int().min(1).max(most),
    /** Numbers of a moment. */
    features: z.array(text).min(1).max(4096),
    /** What the client multiplies features by before encryption, so that they are of one size; weights are for those before. */
    scale: z.array(z.number().positive()).exactOptional(),
    outputs: z
      .array(z.object({ name: text, weights: z.array(z.number().finite()).min(1) }))
      .min(1)
      .max(4096),
  })
  .refine(
    ({ samples, features }) => samples * features.length <= 2 ** 20,
    '"samples" times "features" expected at most 2^20',
  )
  .refine(
    ({ features, outputs }) => outputs.every(({ weights }) => weights.length === features.length),
    '"weights" expected one for each feature, in every output',
  )
  .refine(
    ({ features, scale }) => (scale?.length ?? features.length) === features.length,
    '"scale" expected one for each feature',
  )

/**
 * A series whose moments all count alike, from the JSON of docs/models.md, as text or parsed: the input has `samples` moments with the same features each, output j is the
 * sum over all moments of weights[j] · features. Without a bias, so that a sum of series is as good as a series.
 * Throws GloveboxError `malformed`, naming the field.
 */
export function importPerSample(json: unknown): Model {
  const { name, samples, features, scale, outputs } = read(json)
  const columns = features.length
  const size = samples * columns
  const graph = new GraphBuilder(name, [samples, columns])
  const matrix = buildSparse(outputs.length, size, (row, add) => {
    const { weights } = outputs[row]!
    for (let i = 0; i < size; i++) add(i, weights[i % columns]! / (scale?.[i % columns] ?? 1))
  })
  const output = graph.affine(graph.input, affine(matrix), 'sums')
  return {
    before: scale
      ? [
          {
            op: 'scale',
            offset: new Array<number>(size).fill(0),
            factor: Array.from({ length: size }, (_, i) => scale[i % columns]!),
          },
        ]
      : [],
    graph: graph.build(output, 'sums'),
    after: [{ op: 'names', names: outputs.map((one) => one.name) }],
  }
}

function read(json: unknown): z.infer<typeof schema> {
  const result = schema.safeParse(typeof json === 'string' ? parse(json) : json)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw new GloveboxError('malformed', `the sums are not valid: ${[...path, message].join(': ')}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GloveboxError('malformed', 'the sums are not valid: expected JSON', { cause })
  }
}
