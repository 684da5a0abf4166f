import {
  type ByteReader,
  ByteWriter,
  createParams,
  decodeFrame,
  digest,
  encodeFrame,
  equalBytes,
  GloveboxError,
} from '@glovebox/he'
import { z } from 'zod'
import { splitOffset } from '../layout/circuit.ts'
import { sizeOf } from '../tensor/tensor.ts'
import { type Program, type ProgramStep, registersOf } from './program.ts'
import {
  inputSchema,
  levelSchema,
  outputSchema,
  paramsSchema,
  periodSchema,
  readHeader,
  readLayout,
  readNumbers,
  reportSchema,
  widthOf,
  writeLayout,
  writeNumbers,
} from './wire.ts'

const rotationsSchema = z.array(z.number().int().min(0).max(65535)).max(65536)
const timing = { name: z.string().max(4096), level: levelSchema, rescale: z.boolean() }
const register = z.number().int().min(0).max(4096)

const stepSchema = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('linear'),
    ...timing,
    input: register,
    scale: z.number().positive(),
    period: periodSchema,
    width: z.literal([4, 8]),
    offsets: rotationsSchema.min(1),
    folds: rotationsSchema,
    babies: rotationsSchema,
    giants: rotationsSchema,
    /** Length of the bias; 0 for none. */
    bias: z.union([z.literal(0), periodSchema]),
  }),
  z.object({ op: z.literal('multiply'), ...timing, inputs: z.tuple([register, register]) }),
  z.object({ op: z.literal('add'), ...timing, inputs: z.tuple([register, register]) }),
])

const headerSchema = z.object({
  format: z.literal(1),
  name: z.string().max(4096),
  params: paramsSchema,
  input: inputSchema,
  output: outputSchema,
  relinearise: z.literal(['before', 'after']),
  report: reportSchema,
  steps: z.array(stepSchema).max(4096),
})
type Header = z.infer<typeof headerSchema>

/** A program as a frame, and its digest, which keys, queries and replies are bound to. */
export function encodeServerPart(program: Program): { bytes: Uint8Array; digest: Uint8Array } {
  const { layout: inputLayout, ...input } = program.input
  const { layout: outputLayout, ...output } = program.output
  const header = {
    ...program,
    format: 1,
    input: { ...input, period: inputLayout.period },
    output: { ...output, period: outputLayout.period },
    steps: program.steps.map((step) => {
      if (step.op !== 'linear') return step
      const { diagonals, plan, bias, ...rest } = step
      const { period, offsets, folds } = diagonals
      const width = widthOf([...diagonals.values, bias ?? new Float64Array(0)])
      return { ...rest, period, width, offsets, folds, ...plan, bias: bias?.length ?? 0 }
    }),
  }
  const writer = new ByteWriter(2 ** 16)
  writer.text(JSON.stringify(header))
  writeLayout(writer, inputLayout)
  writeLayout(writer, outputLayout)
  program.steps.forEach((step) => {
    if (step.op !== 'linear') return
    const arrays = [...step.diagonals.values, ...(step.bias ? [step.bias] : [])]
    const width = widthOf(arrays)
    for (const values of arrays) writeNumbers(writer, values, width)
  })
  const body = writer.done()
  const owner = digest(body)
  return { bytes: encodeFrame('server part', owner, body), digest: owner }
}

/** Reads a program. Throws GloveboxError `malformed` for anything but what encodeServerPart makes of a program that can run. */
export function decodeServerPart(bytes: Uint8Array): { program: Program; digest: Uint8Array } {
  const { owner, body } = decodeFrame(bytes, 'server part')
  if (!equalBytes(owner, digest(body.bytes))) throw body.malformed('owner', 'the digest of the program', 'another one')
  const header = readHeader(body, headerSchema)
  const params = createParams(header.params)
  const { period: inputPeriod, ...input } = header.input
  const { period: outputPeriod, ...output } = header.output
  const inputLayout = readLayout(body, 'input layout', {
    size: sizeOf(input.shape),
    period: inputPeriod,
    complete: false,
  })
  const outputLayout = readLayout(body, 'output layout', {
    size: sizeOf(output.shape),
    period: outputPeriod,
    complete: true,
  })
  const steps = header.steps.map((step) => readStep(body, step, params.slots))
  body.end()
  const program: Program = {
    name: header.name,
    params: header.params,
    input: { ...input, layout: inputLayout },
    steps,
    relinearise: header.relinearise,
    output: { ...output, layout: outputLayout },
    report: header.report,
  }
  if (input.level > params.maxLevel || Math.max(inputPeriod, outputPeriod) > params.slots) {
    throw new GloveboxError('malformed', `${body.what} does not fit its own parameters`)
  }
  registersOf(program, params)
  return { program, digest: owner }
}

function readStep(body: ByteReader, step: Header['steps'][number], slots: number): ProgramStep {
  if (step.op !== 'linear') return step
  const { period, width, offsets, folds, babies, giants, bias: biasLength, ...rest } = step
  if (period > slots || biasLength > slots || [...offsets, ...folds, ...babies, ...giants].some((r) => r >= slots)) {
    throw body.malformed(step.name, `periods up to ${slots} and rotations below`, 'larger ones')
  }
  const plan = { babies, giants }
  try {
    for (const offset of offsets) splitOffset(plan, offset, slots)
  } catch (cause) {
    throw new GloveboxError('malformed', `${body.what}: the plan of "${step.name}" lacks a rotation`, { cause })
  }
  const values = offsets.map((offset) => readNumbers(body, `diagonal ${offset} of ${step.name}`, period, width))
  const bias = biasLength > 0 ? readNumbers(body, `bias of ${step.name}`, biasLength, width) : undefined
  return { ...rest, diagonals: { period, offsets, values, folds }, plan, bias }
}
