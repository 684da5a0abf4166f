import { GloveboxError } from '@glovebox/he'
import type { Activation } from '../../graph/activation.ts'
import type { OutputStep } from '../../model/steps.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { GraphBuilder } from '../layers/graph-builder.ts'
import { requireWidth, scaling, termsOf } from './client-steps.ts'
import { polynomialKernel } from './polynomial-kernel.ts'
import type { Classes, Linear, Step, StepOf } from './step.ts'

/** A step that is computed on ciphertexts; undefined where it cannot be. */
export function encryptedStep(graph: GraphBuilder, x: number, step: Step, where: string): number | undefined {
  const width = graph.sizeOf(x)
  const name = step.type
  switch (step.type) {
    case 'StandardScaler':
    case 'MinMaxScaler':
    case 'MaxAbsScaler':
    case 'RobustScaler': {
      const { offset, factor } = scaling(step, width, where)
      return graph.scale(
        x,
        factor,
        offset.map((v, i) => -v * factor[i]!),
        name,
      )
    }
    case 'PCA': {
      const gain = step.whiten ? step.explained_variance_?.data.map((v) => 1 / Math.sqrt(v)) : undefined
      if (step.whiten && gain?.length !== step.components_.shape[0]) {
        throw invalid(where, '"explained_variance_" expected a number for every component')
      }
      return project(graph, x, { weights: step.components_, centre: step.mean_, gain: gain ?? null }, name, where)
    }
    case 'TruncatedSVD':
      return project(graph, x, { weights: step.components_, centre: null, gain: null }, name, where)
    case 'LinearDiscriminantAnalysis': {
      const { scalings_: scalings, xbar_: centre } = step
      if (!scalings || !centre) throw invalid(where, 'in the middle of a pipeline "scalings_" and "xbar_" are expected')
      return project(graph, x, { weights: transposed(scalings), centre, gain: null }, name, where)
    }
    case 'PolynomialFeatures':
      return products(graph, x, termsOf(step, width, where), name)
    default:
      return undefined
  }
}

function invalid(where: string, message: string): GloveboxError {
  return new GloveboxError('malformed', `the scikit-learn model is not valid: ${where}: ${message}`)
}

function transposed({ shape, data }: Tensor): Tensor {
  const [rows = 0, columns = 1] = shape
  const out = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!)
  return { shape: [columns, rows], data: out }
}

interface Components {
  /** A row for each output. */
  readonly weights: Tensor
  readonly centre: Tensor | null
  readonly gain: Float64Array | null
}

/** (weights · (x - centre)) · gain */
function project(graph: GraphBuilder, x: number, projection: Components, name: string, where: string): number {
  const width = graph.sizeOf(x)
  const { weights, centre, gain } = projection
  requireWidth(weights.shape[1] ?? 0, width, where)
  if (centre) requireWidth(centre.data.length, width, where)
  const rows = weights.shape[0]!
  const bias = new Float64Array(rows)
  const scaled = weights.data.map((w, i) => w * (gain?.[Math.floor(i / width)] ?? 1))
  if (centre) scaled.forEach((w, i) => (bias[Math.floor(i / width)]! -= w * centre.data[i % width]!))
  return graph.dense(x, scaled, bias, name)
}

/** Products of elements: those of degree d are those of degree d - 1 times one more. */
function products(graph: GraphBuilder, x: number, terms: readonly (readonly number[])[], name: string): number {
  const degree = Math.max(...terms.map((term) => term.length))
  let sum = -1
  let power = x
  let places = new Map(Array.from({ length: graph.sizeOf(x) }, (_, i) => [`${i}`, i]))
  for (let d = 1; d <= degree; d++) {
    const chosen = terms.flatMap((term, i) => (term.length === d ? [{ term, i }] : []))
    if (d > 1) {
      // The first d - 1 elements of a term are a term too, but with `interaction_only` no square is.
      const left = chosen.map(({ term }) => places.get(term.slice(0, -1).join())!)
      const right = chosen.map(({ term }) => term.at(-1)!)
      power = graph.multiply(graph.pick(power, left, name), graph.pick(x, right, name), name)
      places = new Map(chosen.map(({ term }, i) => [term.join(), i]))
    }
    const back = new Int32Array(terms.length).fill(-1)
    for (const { term, i } of chosen) back[i] = places.get(term.join())!
    const placed = graph.pick(power, back, name)
    sum = sum < 0 ? placed : graph.add(sum, placed, name)
  }
  const ones = terms.map(() => 1)
  return graph.scale(
    sum,
    ones,
    terms.map((term) => (term.length === 0 ? 1 : 0)),
    name,
  )
}

/** What a pipeline ends in: a node, and what the client makes of it. Undefined where the step is no estimator. */
export function estimator(
  graph: GraphBuilder,
  x: number,
  step: Step,
  where: string,
): { node: number; after: OutputStep[] } | undefined {
  switch (step.type) {
    case 'SVC':
    case 'SVR': {
      const after: OutputStep[] = step.type === 'SVC' ? [{ op: 'labels', names: step.classes_ }] : []
      return { node: supportVectors(graph, x, step, where), after }
    }
    case 'MLPClassifier':
    case 'MLPRegressor':
      return layered(graph, x, step, where)
    case 'LinearDiscriminantAnalysis': {
      const { coef_, intercept_, classes_ } = step
      if (!coef_ || !intercept_ || !classes_) {
        throw invalid(where, 'at the end of a pipeline "coef_", "intercept_" and "classes_" are expected')
      }
      const probable: OutputStep = { op: classes_.length === 2 ? 'sigmoid' : 'softmax' }
      return classified(graph, x, { type: step.type, coef_, intercept_, classes_ }, [probable], where)
    }
    case 'LogisticRegression':
    case 'LogisticRegressionCV':
      return classified(graph, x, step, logistic(step), where)
    case 'SGDClassifier':
      return classified(graph, x, step, stochastic(step), where)
    case 'RidgeClassifier':
    case 'RidgeClassifierCV':
    case 'LinearSVC':
    case 'Perceptron':
      return classified(graph, x, step, [], where)
    case 'PoissonRegressor':
    case 'GammaRegressor':
    case 'TweedieRegressor':
      return { node: linear(graph, x, step, where), after: step.link === 'log' ? [{ op: 'exp' }] : [] }
    default:
      return 'coef_' in step ? { node: linear(graph, x, step as Linear, where), after: [] } : undefined
  }
}

function linear(graph: GraphBuilder, x: number, { type, coef_, intercept_ }: Linear, where: string): number {
  const width = graph.sizeOf(x)
  const rows = coef_.shape.length === 2 ? coef_.shape[0]! : 1
  requireWidth(coef_.data.length / rows, width, where)
  const { data } = intercept_
  if (data.length !== rows && data.length !== 1)
    throw invalid(where, `"intercept_" expected ${rows} numbers, got ${data.length}`)
  const bias = Float64Array.from({ length: rows }, (_, i) => data[data.length === 1 ? 0 : i]!)
  return graph.dense(x, coef_.data, bias, type)
}

function classified(
  graph: GraphBuilder,
  x: number,
  step: Linear & Classes,
  probable: readonly OutputStep[],
  where: string,
): { node: number; after: OutputStep[] } {
  const node = linear(graph, x, step, where)
  const outputs = graph.sizeOf(node)
  const names = labels(step.classes_, outputs, probable.length > 0, where)
  // The largest of several decisions is chosen before rounding and clipping make probabilities equal.
  return { node, after: outputs === 1 ? [...probable, names] : [names, ...probable] }
}

/** Of two classes with one output: the second, where its probability is above a half or its decision above 0. */
function labels(names: readonly string[], outputs: number, probable: boolean, where: string): OutputStep {
  if (outputs !== names.length && !(outputs === 1 && names.length === 2)) {
    throw invalid(where, `${names.length} classes do not fit ${outputs} outputs`)
  }
  return { op: 'labels', names, ...(outputs === 1 && probable && { threshold: 0.5 }) }
}

/** For each class a logistic function and then shares, or the softmax; that of decisions -d and d is the logistic function of 2d. */
function logistic({ multi_class, classes_ }: StepOf<'LogisticRegression' | 'LogisticRegressionCV'>): OutputStep[] {
  if (multi_class === 'ovr') return classes_.length === 2 ? [{ op: 'sigmoid' }] : [{ op: 'sigmoid' }, { op: 'share' }]
  return classes_.length === 2 ? [{ op: 'scale', factor: 2, offset: 0 }, { op: 'sigmoid' }] : [{ op: 'softmax' }]
}

/** Two losses have probabilities; that of the modified Huber loss is (clip(d, -1, 1) + 1) / 2 (Zhang 2004). */
function stochastic({ loss }: StepOf<'SGDClassifier'>): OutputStep[] {
  if (loss === 'log_loss' || loss === 'log') return [{ op: 'sigmoid' }, { op: 'share' }]
  if (loss !== 'modified_huber') return []
  return [{ op: 'clip', low: -1, high: 1 }, { op: 'scale', factor: 0.5, offset: 0.5 }, { op: 'share' }]
}

function supportVectors(graph: GraphBuilder, x: number, step: StepOf<'SVC' | 'SVR'>, where: string): number {
  const { support_vectors_: vectors, dual_coef_: dual, intercept_: intercept } = step
  const width = graph.sizeOf(x)
  requireWidth(vectors.shape[1] ?? 0, width, where)
  if (dual.data.length !== vectors.shape[0] || intercept.data.length !== 1) {
    throw invalid(where, `"dual_coef_" expected ${vectors.shape[0]} numbers and "intercept_" one`)
  }
  const plain = step.kernel === 'linear'
  const kernel = {
    vectors: vectors.data,
    weights: dual.data,
    gamma: plain ? 1 : step.gamma,
    coef0: plain ? 0 : step.coef0,
    degree: plain ? 1 : step.degree,
    intercept: intercept.data[0]!,
  }
  return polynomialKernel(graph, x, kernel, step.type)
}

const activations: Readonly<Record<string, Activation>> = {
  relu: { kind: 'Relu' },
  tanh: { kind: 'Tanh' },
  logistic: { kind: 'Sigmoid' },
}

function layered(
  graph: GraphBuilder,
  x: number,
  step: StepOf<'MLPClassifier' | 'MLPRegressor'>,
  where: string,
): { node: number; after: OutputStep[] } {
  const { coefs_, intercepts_, activation } = step
  let value = x
  coefs_.forEach((weights, i) => {
    const name = `${step.type} layer ${i + 1}`
    const bias = intercepts_[i]?.data
    requireWidth(weights.shape[0] ?? 0, graph.sizeOf(value), `${where}, layer ${i + 1}`)
    if (bias?.length !== weights.shape[1]) {
      throw invalid(where, `"intercepts_" of layer ${i + 1} expected ${weights.shape[1]} numbers, got ${bias?.length}`)
    }
    value = graph.dense(value, transposed(weights).data, bias!, name)
    if (i === coefs_.length - 1 || activation === 'identity') return
    // Not scikit-learn's own: networks trained for encryption have it.
    value =
      activation === 'square'
        ? graph.multiply(value, value, name)
        : graph.activate(value, activations[activation]!, name)
  })
  if (step.type === 'MLPRegressor') return { node: value, after: [] }
  const outputs = graph.sizeOf(value)
  return {
    node: value,
    after: [{ op: outputs === 1 ? 'sigmoid' : 'softmax' }, labels(step.classes_, outputs, true, where)],
  }
}
