import { GloveboxError } from '@glovebox/he'
import { z } from 'zod'
import type { Cell } from '../../model/steps.ts'
import { arraySchema as array } from './array.ts'
import type { ColumnTransformer, Step } from './step.ts'

// The file format of docs/models.md. What a step says beyond these attributes is not looked at.

const cell: z.ZodType<Cell> = z.union([z.number(), z.string(), z.null(), z.boolean().transform(Number)])
const name = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const flag = z.boolean()
const optional = array.nullable()
const categories = z.array(z.array(cell))
const linear = { coef_: array, intercept_: array }
const classes_ = z.array(name).min(2)
const classifier = { ...linear, classes_ }
const vectors = {
  support_vectors_: array,
  dual_coef_: array,
  intercept_: array,
  kernel: z.literal(['linear', 'poly']),
  degree: z.number().int().min(1).max(3),
  gamma: z.number(),
  coef0: z.number(),
}
const layers = {
  coefs_: z.array(array).min(1),
  intercepts_: z.array(array),
  activation: z.literal(['identity', 'relu', 'tanh', 'logistic', 'square']),
}
const whole = (least: number, most: number): z.ZodNumber => z.number().int().min(least).max(most)

/** The attributes of each type. */
const attributes: Readonly<Record<Exclude<Step['type'], 'ColumnTransformer'>, z.ZodRawShape>> = {
  StandardScaler: { mean_: optional, scale_: optional },
  MinMaxScaler: { scale_: array, min_: array },
  MaxAbsScaler: { scale_: array },
  RobustScaler: { center_: optional, scale_: optional },
  Normalizer: { norm: z.literal(['l1', 'l2', 'max']) },
  SimpleImputer: { statistics_: z.array(cell), missing_values: cell.default(null) },
  OneHotEncoder: {
    categories_: categories,
    drop_idx_: z.array(z.number().int().nullable()).nullable().default(null),
    handle_unknown: z.literal(['error', 'ignore']).default('error'),
  },
  OrdinalEncoder: {
    categories_: categories,
    handle_unknown: z.literal(['error', 'use_encoded_value']).default('error'),
    unknown_value: z.number().nullable().default(null),
    encoded_missing_value: z.number().nullable().default(null),
  },
  KBinsDiscretizer: { bin_edges_: z.array(array) },
  PolynomialFeatures: { degree: whole(1, 3), interaction_only: flag, include_bias: flag },
  HashingVectorizer: {
    n_features: whole(1, 2 ** 20),
    ngram_range: z.tuple([whole(1, 16), whole(1, 16)]),
    lowercase: flag.default(true),
    norm: z.literal(['l1', 'l2']).nullable(),
    alternate_sign: flag.default(true),
    binary: flag.default(false),
    min_length: z.literal([1, 2]).default(2),
  },
  PCA: {
    components_: array,
    mean_: optional,
    whiten: flag.default(false),
    explained_variance_: optional.default(null),
  },
  TruncatedSVD: { components_: array },
  LinearDiscriminantAnalysis: {
    coef_: array.exactOptional(),
    intercept_: array.exactOptional(),
    classes_: classes_.exactOptional(),
    scalings_: array.exactOptional(),
    xbar_: array.exactOptional(),
  },
  LinearRegression: linear,
  Ridge: linear,
  RidgeCV: linear,
  Lasso: linear,
  LassoCV: linear,
  ElasticNet: linear,
  ElasticNetCV: linear,
  BayesianRidge: linear,
  HuberRegressor: linear,
  SGDRegressor: linear,
  LinearSVR: linear,
  PoissonRegressor: { ...linear, link: z.literal('log').default('log') },
  GammaRegressor: { ...linear, link: z.literal('log').default('log') },
  TweedieRegressor: { ...linear, link: z.literal(['identity', 'log']) },
  RidgeClassifier: classifier,
  RidgeClassifierCV: classifier,
  LinearSVC: classifier,
  Perceptron: classifier,
  LogisticRegression: { ...classifier, multi_class: z.literal(['ovr', 'multinomial']) },
  LogisticRegressionCV: { ...classifier, multi_class: z.literal(['ovr', 'multinomial']) },
  SGDClassifier: { ...classifier, loss: z.string() },
  SVC: { ...vectors, classes_ },
  SVR: vectors,
  MLPClassifier: { ...layers, classes_ },
  MLPRegressor: layers,
}
// The record above and the types of step.ts say the same twice: zod cannot be asked for types across files.
const schemas = new Map(
  Object.entries(attributes).map(([type, shape]) => [
    type,
    z.object({ type: z.literal(type), ...shape }) as unknown as z.ZodType<Step>,
  ]),
)

const transformerSchema: z.ZodType<{ transformers: { columns: number[]; steps: unknown[] }[] }> = z.object({
  transformers: z
    .array(z.object({ columns: z.array(z.number().int().min(0)), steps: z.array(z.unknown()).max(64) }))
    .max(2 ** 16),
})

/** A whole file. `columns`: their number where they have no names. */
export interface SklearnModel {
  readonly name: string
  readonly columns: number | readonly { readonly name: string; readonly values?: readonly string[] }[]
  readonly steps: readonly Step[]
}

const head: z.ZodType<Omit<SklearnModel, 'steps'> & { steps: unknown[] }> = z.object({
  format: z.literal('glovebox-sklearn'),
  version: z.literal(1),
  name: z.string().max(4096).default('model'),
  columns: z.union([
    whole(1, 2 ** 24),
    z
      .array(z.object({ name: z.string().max(4096), values: z.array(z.string()).exactOptional() }))
      .min(1)
      .max(2 ** 16),
  ]),
  steps: z.array(z.unknown()).min(1).max(64),
})

function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  const place = [where, ...path].filter((part) => part !== '').join('.')
  throw new GloveboxError('malformed', `the scikit-learn model is not valid: ${place}: ${message}`)
}

function readStep(value: unknown, where: string, depth: number): Step {
  const { type } = check(z.object({ type: z.string().max(256) }), value, where)
  if (type === 'ColumnTransformer') return readTransformer(value, where, depth)
  const schema = schemas.get(type)
  if (!schema) {
    throw new GloveboxError(
      'unsupported',
      `${where}: type ${type} is not supported; supported are ColumnTransformer, ${[...schemas.keys()].join(', ')}`,
    )
  }
  return check(schema, value, `${where} (${type})`)
}

function readTransformer(value: unknown, where: string, depth: number): ColumnTransformer {
  if (depth >= 4) throw new GloveboxError('unsupported', `${where}: more than 4 ColumnTransformers within each other`)
  const { transformers } = check(transformerSchema, value, where)
  return {
    type: 'ColumnTransformer',
    transformers: transformers.map(({ columns, steps }, i) => ({
      columns,
      steps: steps.map((step, j) => readStep(step, `${where}.transformers.${i}.steps.${j}`, depth + 1)),
    })),
  }
}

/** Checks every field. Throws GloveboxError `malformed` or `unsupported`, naming the step, its type and the attribute. */
export function readSklearn(value: unknown): SklearnModel {
  const { steps, ...rest } = check(head, value, '')
  return { ...rest, steps: steps.map((step, i) => readStep(step, `steps.${i}`, 0)) }
}
