/**
 * `@glovebox/ml`: from a trained model to an encrypted program. Bytes in, bytes out; nothing here needs a secret key.
 * @packageDocumentation
 */
export { type Bundle, bundle, clientPartOf } from './compile/bundle.ts'
export { syntheticSamples } from './compile/calibration.ts'
export { type CompileOptions, compile } from './compile/compile.ts'
export type { Graph, Node } from './graph/graph.ts'
export { importOnnx } from './import/onnx.ts'
export type { Layout } from './layout/layout.ts'
export { lower } from './passes/lower.ts'
export {
  type ClientPart,
  decodeClientPart,
  encodeClientPart,
  isUncalibrated,
  packInput,
  readOutput,
  scalePixels,
} from './program/client.ts'
export {
  type KeysNeeded,
  keysNeeded,
  type PixelScaling,
  type Program,
  type ProgramInput,
  type ProgramOutput,
  type ProgramStep,
  registersOf,
} from './program/program.ts'
export type { Cost, Report, StepCost } from './program/report.ts'
export { decodeServerPart, encodeServerPart } from './program/server.ts'
export { runClear } from './run/clear.ts'
export { type CostTable, costOf, defaultCostTable } from './run/cost.ts'
export {
  type Prepared,
  prepare,
  type RunOptions,
  runEncrypted,
  runEncryptedAsync,
  type StepTiming,
} from './run/encrypted.ts'
export { type SimulateOptions, simulate } from './run/simulate.ts'
