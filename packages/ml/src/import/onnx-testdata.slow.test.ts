import { describe, expect, test } from 'vitest'
import { haveTestdata, type OnnxCase, onnxCases, tryCase } from '../../test/onnx-testdata.ts'

// Every model of Debian's libonnx-testdata is imported in each way that it can be: with each of its inputs as the variable one and the others as
// constants, and with axis 0 as the batch or not. What is imported must compute the expected outputs; what is refused must say which op it is about.

/** Ops that are said to be supported, and how many models with nothing but such ops are imported and right, at least. */
const claimed: Readonly<Record<string, number>> = {
  Abs: 1,
  Add: 10,
  ArgMax: 16,
  AveragePool: 20,
  BatchNormalization: 7,
  Cast: 16,
  CastLike: 8,
  Celu: 1,
  Clip: 9,
  Concat: 13,
  Constant: 7,
  ConstantOfShape: 0,
  Conv: 33,
  Div: 4,
  Dropout: 8,
  Elu: 5,
  Erf: 1,
  Exp: 4,
  Expand: 6,
  Flatten: 11,
  Gather: 4,
  Gelu: 0,
  Gemm: 14,
  GlobalAveragePool: 2,
  HardSigmoid: 4,
  HardSwish: 1,
  Identity: 1,
  LayerNormalization: 0,
  LeakyRelu: 5,
  LogSoftmax: 10,
  MatMul: 4,
  Mean: 3,
  Mul: 11,
  Neg: 6,
  PRelu: 8,
  Pad: 8,
  Pow: 13,
  ReduceMean: 10,
  ReduceSum: 12,
  Relu: 3,
  Reshape: 11,
  Selu: 5,
  Shape: 0,
  Sigmoid: 7,
  Slice: 8,
  Softmax: 11,
  Softplus: 3,
  Softsign: 2,
  Split: 9,
  Squeeze: 5,
  Sub: 4,
  Sum: 4,
  Tanh: 5,
  Tile: 4,
  Transpose: 10,
  Unsqueeze: 10,
}

/** Models of claimed ops that cannot be computed on encrypted numbers, and what the error says. */
const beyond: readonly (readonly [models: RegExp, count: number, reason: RegExp])[] = [
  [/layer_normalization_/, 19, /LayerNormalization .* divides by the deviation of values that depend on the input/],
  [/_uint8$|clip_default_int8/, 7, /input 0 has element type u?int8; put a Cast to float before it/],
  [/batchnorm_.*training_mode/, 2, /attribute "training_mode" = 1/],
  [/training_dropout/, 4, /training_mode, is true: export for inference/],
  [/STRING/, 6, /is text|type is string|(Cast|CastLike) node "output"/],
  [/node\/constant$/, 1, /what Constant node "values" computes is always the same/],
  [/node\/shape/, 10, /the output "y" of Shape node "y" does not depend on the input/],
  [/constantofshape/, 3, /ConstantOfShape node .* (depends on the model's input|element type int64)/],
  [/identity_(opt|sequence)/, 2, /Identity node .*; a tensor is supported/],
  [/reshape_allowzero_reordered|split_zero_size|slice_start_out/, 3, /has size 0|is empty/],
  [/Embedding/, 2, /Gather node .* input 0 is a constant/],
  [/\/(pow|operator_pow)$/, 2, /the exponent is \d\.\d+; whole numbers/],
  [/converted\/Softsign$/, 1, /Div node .* division by a value that depends on the input/],
]

interface Verdict {
  readonly onnx: OnnxCase
  readonly equal: boolean
  readonly refusals: readonly string[]
  readonly differences: readonly string[]
}

function judge(onnx: OnnxCase): Verdict {
  const inner = new Set(onnx.graph.initializer.map(({ name }) => name))
  const inputs = onnx.graph.input.map(({ name }) => name).filter((name) => !inner.has(name))
  const refusals: string[] = []
  const differences: string[] = []
  let equal = false
  for (const batch of ['none', 'first'] as const) {
    for (const input of inputs.length > 0 ? inputs : ['']) {
      for (const { name } of onnx.graph.output) {
        const outcome = tryCase(onnx, input, name, batch)
        if (outcome.kind === 'equal') equal = true
        else if (outcome.kind === 'refused') refusals.push(outcome.message)
        else differences.push(`${onnx.name}, ${input} -> ${name}, batch ${batch}: ${outcome.message}`)
      }
    }
  }
  return { onnx, equal, refusals, differences }
}

if (!haveTestdata) console.warn('skipped: the package libonnx-testdata is not there (apt-get install libonnx-testdata)')

describe.skipIf(!haveTestdata)('the node tests of ONNX (Debian package libonnx-testdata)', () => {
  const verdicts = haveTestdata ? onnxCases().map(judge) : []
  const isClaimed = ({ onnx }: Verdict): boolean => onnx.ops.every((op) => Object.hasOwn(claimed, op))

  test('what is imported computes what is expected', () => {
    expect(verdicts.length).toBeGreaterThan(1000)
    expect(verdicts.flatMap(({ differences }) => differences)).toEqual([])
  })

  test('a refusal names an op of the model', () => {
    const silent = verdicts.flatMap(({ onnx, refusals }) => {
      const ops = onnx.ops.map((op) => op.replace(/^.*\./, ''))
      return refusals
        .filter((message) => !ops.some((op) => message.includes(op)))
        .map((message) => [onnx.name, message])
    })
    expect(silent).toEqual([])
  })

  test('models with other ops are refused for them', () => {
    const others = verdicts.filter((verdict) => !isClaimed(verdict))
    const missing = others.filter(({ onnx, equal, refusals }) => {
      const op = onnx.ops.find((name) => !Object.hasOwn(claimed, name))!
      return equal || !refusals.every((message) => message.startsWith(`unsupported: op ${op} of node `))
    })
    expect(missing.map(({ onnx }) => onnx.name)).toEqual([])
    expect(others.length).toBeGreaterThan(600)
  })

  test('models of claimed ops are imported, but for those that no encryption can compute', () => {
    const left = verdicts.filter((verdict) => isClaimed(verdict) && !verdict.equal)
    for (const [models, count, reason] of beyond) {
      const found = left.filter(
        ({ onnx, refusals }) => models.test(onnx.name) && refusals.some((text) => reason.test(text)),
      )
      expect([models, found.length]).toEqual([models, count])
      for (const verdict of found) left.splice(left.indexOf(verdict), 1)
    }
    expect(left.map(({ onnx, refusals }) => [onnx.name, refusals[0]])).toEqual([])
  })

  test('counts', () => {
    const all = verdicts.filter(isClaimed)
    const right = (of: readonly Verdict[]): number => of.filter(({ equal }) => equal).length
    const byOp = Object.keys(claimed).map((op) => {
      const with_ = all.filter(({ onnx }) => onnx.ops.includes(op))
      return { op, equal: right(with_), refused: with_.length - right(with_) }
    })
    console.log(
      `${verdicts.length} models of libonnx-testdata: ${right(all)} imported and equal, ${all.length - right(all)} of claimed ops refused, ` +
        `${verdicts.length - all.length} of other ops refused\n` +
        byOp.map(({ op, equal, refused }) => `${op} ${equal}${refused ? ` (${refused} refused)` : ''}`).join(', '),
    )
    for (const { op, equal } of byOp) expect([op, equal >= claimed[op]!, equal]).toEqual([op, true, equal])
    expect(right(all)).toBeGreaterThanOrEqual(362)
  })
})
