import type { Cell } from '../../model/steps.ts'
import type { Tensor } from '../../tensor/tensor.ts'

// The steps of a file, with scikit-learn's names for types and attributes.

export type Preparation =
  | { readonly type: 'StandardScaler'; readonly mean_: Tensor | null; readonly scale_: Tensor | null }
  | { readonly type: 'MinMaxScaler'; readonly scale_: Tensor; readonly min_: Tensor }
  | { readonly type: 'MaxAbsScaler'; readonly scale_: Tensor }
  | { readonly type: 'RobustScaler'; readonly center_: Tensor | null; readonly scale_: Tensor | null }
  | { readonly type: 'Normalizer'; readonly norm: 'l1' | 'l2' | 'max' }
  | { readonly type: 'SimpleImputer'; readonly statistics_: readonly Cell[]; readonly missing_values: Cell }
  | {
      readonly type: 'OneHotEncoder'
      readonly categories_: readonly (readonly Cell[])[]
      readonly drop_idx_: readonly (number | null)[] | null
      readonly handle_unknown: 'error' | 'ignore'
    }
  | {
      readonly type: 'OrdinalEncoder'
      readonly categories_: readonly (readonly Cell[])[]
      readonly handle_unknown: 'error' | 'use_encoded_value'
      readonly unknown_value: number | null
      readonly encoded_missing_value: number | null
    }
  | { readonly type: 'KBinsDiscretizer'; readonly bin_edges_: readonly Tensor[] }
  | {
      readonly type: 'PolynomialFeatures'
      readonly degree: number
      readonly interaction_only: boolean
      readonly include_bias: boolean
    }
  | {
      readonly type: 'HashingVectorizer'
      readonly n_features: number
      readonly ngram_range: readonly [number, number]
      readonly lowercase: boolean
      readonly norm: 'l1' | 'l2' | null
      readonly alternate_sign: boolean
      readonly binary: boolean
      /** Of words; token_pattern says it. */
      readonly min_length: 1 | 2
    }

/** Branches of columns, each through steps of its own. */
export interface ColumnTransformer {
  readonly type: 'ColumnTransformer'
  readonly transformers: readonly { readonly columns: readonly number[]; readonly steps: readonly Step[] }[]
}

export type Projection =
  | {
      readonly type: 'PCA'
      readonly components_: Tensor
      readonly mean_: Tensor | null
      readonly whiten: boolean
      readonly explained_variance_: Tensor | null
    }
  | { readonly type: 'TruncatedSVD'; readonly components_: Tensor }

/** At the end a classifier, before it a projection. */
export interface Discriminant {
  readonly type: 'LinearDiscriminantAnalysis'
  readonly coef_?: Tensor
  readonly intercept_?: Tensor
  readonly classes_?: readonly string[]
  readonly scalings_?: Tensor
  readonly xbar_?: Tensor
}

export interface Linear<Type extends string = string> {
  readonly type: Type
  /** One row for each output, or only the row. */
  readonly coef_: Tensor
  readonly intercept_: Tensor
}

export interface Classes {
  readonly classes_: readonly string[]
}

export interface SupportVectors<Type extends string> {
  readonly type: Type
  readonly support_vectors_: Tensor
  readonly dual_coef_: Tensor
  readonly intercept_: Tensor
  readonly kernel: 'linear' | 'poly'
  readonly degree: number
  readonly gamma: number
  readonly coef0: number
}

export interface Perceptrons<Type extends string> {
  readonly type: Type
  readonly coefs_: readonly Tensor[]
  readonly intercepts_: readonly Tensor[]
  readonly activation: 'identity' | 'relu' | 'tanh' | 'logistic' | 'square'
}

export type Estimator =
  | Linear<
      | 'LinearRegression'
      | 'Ridge'
      | 'RidgeCV'
      | 'Lasso'
      | 'LassoCV'
      | 'ElasticNet'
      | 'ElasticNetCV'
      | 'BayesianRidge'
      | 'HuberRegressor'
      | 'SGDRegressor'
      | 'LinearSVR'
    >
  | (Linear<'PoissonRegressor' | 'GammaRegressor' | 'TweedieRegressor'> & { readonly link: 'identity' | 'log' })
  | (Linear<'RidgeClassifier' | 'RidgeClassifierCV' | 'LinearSVC' | 'Perceptron'> & Classes)
  | (Linear<'LogisticRegression' | 'LogisticRegressionCV'> & Classes & { readonly multi_class: 'ovr' | 'multinomial' })
  | (Linear<'SGDClassifier'> & Classes & { readonly loss: string })
  | (SupportVectors<'SVC'> & Classes)
  | SupportVectors<'SVR'>
  | (Perceptrons<'MLPClassifier'> & Classes)
  | Perceptrons<'MLPRegressor'>

export type Step = Preparation | ColumnTransformer | Projection | Discriminant | Estimator
export type StepOf<Type extends Step['type']> = Extract<Step, { type: Type }>
