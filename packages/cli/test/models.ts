/** A small pipeline as models/export_sklearn.py writes it: a number and a category. */
export const sklearn = {
  format: 'glovebox-sklearn',
  version: 1,
  name: 'risk',
  columns: [{ name: 'age' }, { name: 'weight' }],
  steps: [
    { type: 'SimpleImputer', statistics_: [50, 80] },
    { type: 'StandardScaler', mean_: [50, 80], scale_: [10, 15] },
    {
      type: 'LogisticRegression',
      coef_: [[1.5, -0.5]],
      intercept_: [0.25],
      classes_: ['low', 'high'],
      multi_class: 'ovr',
    },
  ],
} as const

/** What `sklearn` says: the probability of 'high'. */
export function riskOf(age: number | null, weight: number | null): number {
  const score = 1.5 * (((age ?? 50) - 50) / 10) - 0.5 * (((weight ?? 80) - 80) / 15) + 0.25
  return 1 / (1 + Math.exp(-score))
}

export const scorecard = {
  format: 'glovebox-scorecard',
  version: 1,
  name: 'card',
  intercept: -1,
  link: 'logistic',
  features: [
    { name: 'age', edges: [40, 60], weights: [-0.5, 0.25, 1] },
    { name: 'sex', categories: ['female', 'male'], weights: [-0.2, 0.2] },
  ],
} as const
