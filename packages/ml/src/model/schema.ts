import { z } from 'zod'
import type { Activation } from '../graph/activation.ts'
import type { Branch, Cell, Column, ColumnEncoding, InputStep, OutputStep } from './steps.ts'

// What comes over the wire as steps: every length has a limit, branches lie in branches at most `maxDepth` deep.

/** Numbers that one step takes or gives at most: 2^20. */
const maxNumbers = 2 ** 20
/** Columns, branches and categories at most: 2^16. */
const maxEntries = 2 ** 16
const maxDepth = 4

const finite = z.number().finite()
const text = z.string().max(4096)
const cell: z.ZodType<Cell> = z.union([finite, text, z.null()])
const index = z
  .number()
  .int()
  .min(0)
  .max(maxNumbers - 1)
const flag = z.literal(true).exactOptional()
const cells = z.array(cell).max(maxEntries)
const numbers = z.array(finite).max(maxNumbers)
const names = z.array(text).max(maxEntries)

const column: z.ZodType<Column> = z.strictObject({
  name: text,
  values: names.exactOptional(),
  open: flag,
  text: flag,
  unused: flag,
})

const encoding: z.ZodType<ColumnEncoding> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('number'), from: index }),
  z.strictObject({
    kind: z.literal('one-hot'),
    from: index,
    values: cells,
    silent: cells.exactOptional(),
    strict: flag,
  }),
  z
    .strictObject({
      kind: z.literal('ordinal'),
      from: index,
      values: cells,
      codes: numbers,
      otherwise: finite.exactOptional(),
    })
    .refine(({ values, codes }) => values.length === codes.length, 'a code for every value'),
  z
    .strictObject({ kind: z.literal('bins'), from: index, edges: numbers, missing: z.boolean() })
    .refine(({ edges }) => edges.every((edge, i) => i === 0 || edges[i - 1]! < edge), 'ascending edges'),
])

const plainSteps = [
  z.strictObject({ op: z.literal('columns'), columns: z.array(column).max(maxEntries) }),
  z.strictObject({ op: z.literal('impute'), values: cells, missing: cell.exactOptional() }),
  z.strictObject({ op: z.literal('encode'), columns: z.array(encoding).max(maxEntries) }),
  z
    .strictObject({ op: z.literal('scale'), offset: numbers, factor: numbers })
    .refine(({ offset, factor }) => offset.length === factor.length, 'an offset for every factor'),
  z.strictObject({ op: z.literal('normalise'), norm: z.literal(['l1', 'l2', 'max']) }),
  z.strictObject({ op: z.literal('products'), terms: z.array(z.array(index).max(8)).max(maxNumbers) }),
  z.strictObject({
    op: z.literal('hash-text'),
    size: z.number().int().min(1).max(maxNumbers),
    ngrams: z
      .tuple([z.number().int().min(1).max(16), z.number().int().min(1).max(16)])
      .refine(([least, most]) => least <= most, 'least before greatest'),
    norm: z.literal(['l1', 'l2', 'none']),
    keepCase: flag,
    shortest: z.literal([1, 2]).exactOptional(),
    unsigned: flag,
    binary: flag,
  }),
] as const

function stepsOfDepth(depth: number): z.ZodType<InputStep[]> {
  if (depth === 0) return z.array(z.discriminatedUnion('op', plainSteps)).max(64)
  const branch: z.ZodType<Branch> = z.strictObject({
    from: z.array(index).max(maxNumbers),
    steps: stepsOfDepth(depth - 1),
  })
  const branches = z.strictObject({ op: z.literal('branches'), branches: z.array(branch).max(maxEntries) })
  return z.array(z.discriminatedUnion('op', [...plainSteps, branches])).max(64)
}

/** Each takes a millisecond or more for a long text: a client part must not keep its client busy for hours. */
const maxHashedTexts = 256

/** Of what a client does before encryption. */
export const inputStepsSchema: z.ZodType<InputStep[]> = stepsOfDepth(maxDepth).refine(
  (steps) => hashedTexts(steps) <= maxHashedTexts,
  `at most ${maxHashedTexts} hashed texts`,
)

function hashedTexts(steps: readonly InputStep[]): number {
  return steps.reduce((sum, step) => {
    if (step.op === 'branches') return step.branches.reduce((all, branch) => all + hashedTexts(branch.steps), sum)
    return step.op === 'hash-text' ? sum + 1 : sum
  }, 0)
}

const along = z
  .strictObject({
    length: z.number().int().min(1).max(maxNumbers),
    stride: z.number().int().min(1).max(maxNumbers),
  })
  .exactOptional()

const activation: z.ZodType<Activation> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal(['Relu', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign', 'Erf', 'Exp', 'Abs']),
  }),
  z.strictObject({ kind: z.literal('Gelu'), approximate: z.literal(['none', 'tanh']) }),
  z.strictObject({ kind: z.literal(['LeakyRelu', 'Elu']), alpha: finite }),
  z.strictObject({ kind: z.literal('HardSigmoid'), alpha: finite, beta: finite }),
  z.strictObject({ kind: z.literal('Clip'), low: finite, high: finite }),
])

/** Of what a client does with the decrypted output. */
export const outputStepsSchema: z.ZodType<OutputStep[]> = z
  .array(
    z.discriminatedUnion('op', [
      z.strictObject({ op: z.literal('softmax'), log: flag, along }),
      z.strictObject({ op: z.literal('argmax'), last: flag, along }),
      z.strictObject({ op: z.literal('sigmoid') }),
      z.strictObject({ op: z.literal('exp') }),
      z.strictObject({ op: z.literal('apply'), activation }),
      z.strictObject({ op: z.literal('scale'), factor: finite, offset: finite }),
      z.strictObject({ op: z.literal('clip'), low: finite, high: finite }),
      z.strictObject({ op: z.literal('share') }),
      z.strictObject({ op: z.literal('total'), names, bias: finite }),
      z.strictObject({ op: z.literal('names'), names }),
      z.strictObject({ op: z.literal('labels'), names, threshold: finite.exactOptional() }),
    ]),
  )
  .max(64)
