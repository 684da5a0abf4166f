import { GloveboxError } from '@glovebox/he'
import type { Model } from '../model/model.ts'
import type { InputStep } from '../model/steps.ts'
import { GraphBuilder } from './layers/graph-builder.ts'
import { clientSteps, columnsOf } from './sklearn/client-steps.ts'
import { encryptedStep, estimator } from './sklearn/estimators.ts'
import { readSklearn } from './sklearn/schema.ts'
import type { Step } from './sklearn/step.ts'

/**
 * A scikit-learn model from the JSON that models/export_sklearn.py writes, as text or parsed (docs/models.md). Scalers, imputers and encoders in front
 * are steps of the client, everything from the first projection or estimator on is computed encrypted, and what makes probabilities and
 * labels of decisions is the client's again.
 *
 * Throws GloveboxError `malformed`, `unsupported` or `too-large`, naming the step, its type and the attribute.
 */
export function importSklearn(json: unknown): Model {
  const file = readSklearn(typeof json === 'string' ? parse(json) : json)
  const columns = columnsOf(file)
  const before: InputStep[] = columns.length > 0 ? [{ op: 'columns', columns }] : []
  let width = typeof file.columns === 'number' ? file.columns : columns.length
  const last = file.steps.length - 1
  let encrypted: { graph: GraphBuilder; value: number } | undefined
  for (const [i, step] of file.steps.slice(0, last).entries()) {
    const where = `steps.${i} (${step.type})`
    const client = encrypted ? undefined : clientSteps(step, width, where)
    if (client) {
      before.push(...client.steps)
      width = client.width
      continue
    }
    encrypted ??= start(width)
    const value = encryptedStep(encrypted.graph, encrypted.value, step, where)
    if (value === undefined) throw misplaced(step, where)
    encrypted.value = value
  }
  const step = file.steps[last]!
  const where = `steps.${last} (${step.type})`
  const { graph, value } = encrypted ?? start(width)
  const end = estimator(graph, value, step, where)
  if (!end) throw new GloveboxError('unsupported', `${where}: a model is expected to end in an estimator`)
  return { before, graph: graph.build(end.node, end.after.length > 0 ? 'decision' : 'prediction'), after: end.after }
}

function start(width: number): { graph: GraphBuilder; value: number } {
  const graph = new GraphBuilder('x', [width])
  return { graph, value: graph.input }
}

function misplaced(step: Step, where: string): GloveboxError {
  const reason =
    'coef_' in step || 'coefs_' in step || 'dual_coef_' in step
      ? 'an estimator must be the last step'
      : 'it cannot be computed on ciphertexts; move it before the first projection, where it is work of the client'
  return new GloveboxError('unsupported', `${where}: ${reason}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GloveboxError('malformed', 'the scikit-learn model is not valid: expected JSON', { cause })
  }
}
