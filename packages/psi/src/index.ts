export { canonicalDomain } from './items/domain.ts'
export {
  checkHardening,
  createHardening,
  defaultHardeningLimits,
  type Hardening,
  type HardeningLimits,
  type HardeningOptions,
  harden,
  type ScryptHardening,
} from './items/hardening.ts'
export { type Credential, type Item, type ItemKind, itemBytes, itemKinds } from './items/items.ts'
export { canonicalUser } from './items/user.ts'
export type { OprfMode } from './oprf/suite.ts'
export { type ApsiOptions, type ApsiParams, readApsiParams } from './params/apsi.ts'
export type { NoiseEstimate } from './params/noise.ts'
export type { MatrixLiteral, Method, PowersLiteral, SetParamsLiteral } from './params/params.ts'
export { type PowerProduct, powersPlan, searchBasis } from './params/postage-stamp.ts'
export { batchSet, friendlySet, matrixSet, type SetPresetOptions } from './params/presets.ts'
export {
  createSetParams,
  type FalsePositiveOptions,
  falsePositiveLog2,
  type SetParams,
  type SetShape,
} from './params/set-params.ts'
export type { CostTable, RingCosts } from './plan/costs.ts'
export { costs } from './plan/costs.ts'
export { formatPlan } from './plan/format.ts'
export { planSet, type SetPlan } from './plan/plan.ts'
export type { PlanCandidate, PlanPrediction, PlanRequest } from './plan/request.ts'
