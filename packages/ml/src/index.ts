/**
 * `@glovebox/ml`: from a trained model to an encrypted program. Bytes in, bytes out; nothing here needs a secret key.
 * @packageDocumentation
 */
export { type Bundle, bundle, clientPartOf } from './compile/bundle.ts'
export { syntheticSamples } from './compile/calibration.ts'
export { type CompileOptions, compile } from './compile/compile.ts'
export { type TypicalRows, typicalRows } from './compile/typical-rows.ts'
export type { Graph, Node } from './graph/graph.ts'
export { importOnnx, type OnnxOptions } from './import/onnx.ts'
export { importPerSample } from './import/per-sample.ts'
export { importScorecard, type ScorecardOptions } from './import/scorecard.ts'
export { importSklearn } from './import/sklearn.ts'
export { importTfjs, type TfjsOptions } from './import/tfjs.ts'
export type { Encoding, Packing } from './layout/circuit.ts'
export type { Layout } from './layout/layout.ts'
export { type Answer, runAfter } from './model/after.ts'
export { runBefore } from './model/before.ts'
export { type Model, modelOf } from './model/model.ts'
export type { Along, Branch, Cell, Column, ColumnEncoding, InputStep, OutputStep, TextHashing } from './model/steps.ts'
export { type ActivationRule, type ActivationSpec, parseActivations } from './passes/activation-rules.ts'
export {
  type ActivationReport,
  type ApproximateOptions,
  type ApproximationReport,
  approximate,
} from './passes/approximate.ts'
export { lower } from './passes/lower.ts'
export {
  type ClientPart,
  decodeClientPart,
  encodeClientPart,
  isUncalibrated,
  packInput,
  readOutput,
  requireSample,
  scalePixels,
} from './program/client.ts'
export {
  type IntegerInput,
  type KeysNeeded,
  keysNeeded,
  needsKeys,
  type PixelScaling,
  type Program,
  type ProgramInput,
  type ProgramOutput,
  type ProgramStep,
  type ReplyForm,
  registersOf,
  samplesPerRun,
} from './program/program.ts'
export type { Alternative, Cost, Report, StepCost } from './program/report.ts'
export { decodeServerPart, encodeServerPart } from './program/server.ts'
export { showProgram } from './program/show.ts'
export { runClear } from './run/clear.ts'
export { type CostTable, costOf, defaultCostTable } from './run/cost.ts'
export { type RunOptions, runEncrypted, runEncryptedAsync, type StepTiming } from './run/encrypted.ts'
export { type EncodedLinear, type Prepared, prepare } from './run/prepare.ts'
export { openContext, type Scheme, type SchemeContext, schemeOf } from './run/scheme.ts'
export { type SimulateOptions, simulate } from './run/simulate.ts'
export type { SparseMatrix } from './tensor/sparse.ts'
export type { Tensor } from './tensor/tensor.ts'
export type { AdamOptions } from './train/adam.ts'
export { type LinearModel, linearGraph, linearOutputs, sampleRows } from './train/linear-model.ts'
export { trainLogistic } from './train/logistic.ts'
export type { MinimiseOptions } from './train/minimise.ts'
export type { Step } from './train/objective.ts'
export { trainRidge } from './train/ridge.ts'
export {
  type Labelled,
  type SoftmaxOptions,
  type TrainInBatchesOptions,
  type TrainOptions,
  trainSoftmax,
  trainSoftmaxInBatches,
} from './train/softmax.ts'
