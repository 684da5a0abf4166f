import { GloveboxError } from '@glovebox/he'
import type { Activation } from '../graph/activation.ts'
import type { Node } from '../graph/graph.ts'
import type { AffineMap } from '../tensor/affine.ts'
import { showShape, sizeOf, type Tensor } from '../tensor/tensor.ts'
import { decodeTensor, malformed, toNumber, unsupported } from './decode.ts'
import type { Columns, Operand, Variable } from './operand.ts'
import type { AttributeProto } from './schema.ts'

/** Where one ONNX node is translated: what it says, and the graph that is being built. */
export interface Site {
  readonly op: string
  readonly name: string
  readonly opset: number
  /** undefined: an optional input that was left out. */
  readonly inputs: readonly (Operand | undefined)[]
  /** How many outputs the node names. */
  readonly outputs: number
  readonly attributes: ReadonlyMap<string, AttributeProto>
  readonly nodes: Node[]
  /** Axis 0 of what depends on the input is the batch: it counts as 1, and nothing may mix its entries. */
  readonly batched: boolean
  /** Its size where the file fixes one. */
  readonly batchSize: number | undefined
  /** The input of the model as a variable: for an op that could also have left it to the client. */
  readonly enter: (columns: Columns) => Variable
  /** Counts weights and elements before they are made. Throws `too-large` where the whole model has too many. */
  readonly spend: (count: number) => void
}

/** How an ONNX op is translated. */
export interface Translation {
  /** Those that it knows. */
  readonly attributes: readonly string[]
  /** One operand for each output, or for the first. */
  readonly translate: (site: Site) => Operand | readonly Operand[]
  /** Elements that the op computes with: float, unless it says `whole` (also int32 and int64) or `any` (it only moves them). */
  readonly elements?: 'whole' | 'any'
  /** It wants the input as the client has it, and what the client makes of the output, where they are its inputs; other ops get a variable, or nothing. */
  readonly client?: true
  /** It computes constants from constants itself; others do it as if the first were the input. */
  readonly folds?: true
}

/** Axes, sizes and positions that an op lists at most: what repeats a large list takes time. */
const maxListed = 2 ** 16

/** The largest sample or layer output: 2^24 elements. */
const maxElements = 2 ** 24

export function describe(site: Pick<Site, 'op' | 'name'>): string {
  return `${site.op} node "${site.name}"`
}

export function refuse(site: Site, reason: string): GloveboxError {
  return unsupported(`${describe(site)} is not supported: ${reason}`)
}

export function wrong(site: Site, reason: string): GloveboxError {
  return malformed(`${describe(site)}: ${reason}`)
}

/** An input that is there. */
export function input(site: Site, i: number): Operand {
  const operand = site.inputs[i]
  if (!operand) throw wrong(site, `input ${i} is missing`)
  return operand
}

export function variableInput(site: Site, i: number): Variable {
  const operand = entered(site, input(site, i))
  if (operand.kind !== 'variable')
    throw refuse(site, `input ${i} is a constant, expected a value that depends on the model's input`)
  return operand
}

/** What the client has becomes a variable. */
export function entered(site: Site, operand: Operand): Exclude<Operand, Columns> {
  return operand.kind === 'columns' ? site.enter(operand) : operand
}

/** A constant input, or undefined where it was left out. */
export function optionalConstant(site: Site, i: number): Tensor | undefined {
  const operand = site.inputs[i]
  if (operand && operand.kind !== 'constant')
    throw refuse(site, `input ${i} depends on the model's input, expected a constant`)
  return operand?.tensor
}

export function constantInput(site: Site, i: number): Tensor {
  const tensor = optionalConstant(site, i)
  if (!tensor) throw wrong(site, `input ${i} is missing`)
  return tensor
}

export function intAttribute(site: Site, name: string, otherwise: number): number {
  const attribute = site.attributes.get(name)
  return attribute ? toNumber(attribute.i) : otherwise
}

export function floatAttribute(site: Site, name: string, otherwise: number): number {
  return site.attributes.get(name)?.f ?? otherwise
}

export function floatsAttribute(site: Site, name: string): readonly number[] | undefined {
  return site.attributes.get(name)?.floats
}

export function intsAttribute(site: Site, name: string): number[] | undefined {
  return site.attributes.get(name)?.ints.map(toNumber)
}

export function textAttribute(site: Site, name: string, otherwise: string): string {
  const attribute = site.attributes.get(name)
  return attribute ? new TextDecoder().decode(attribute.s) : otherwise
}

export function textsAttribute(site: Site, name: string): string[] | undefined {
  return site.attributes.get(name)?.strings.map((text) => new TextDecoder().decode(text))
}

export function tensorAttribute(site: Site, name: string): ReturnType<typeof decodeTensor> | undefined {
  const tensor = site.attributes.get(name)?.t
  return tensor ? decodeTensor(tensor, `${site.name}.${name}`) : undefined
}

/** Integers that older operator sets keep in an attribute and newer ones in a constant input. */
export function intsOf(site: Site, attribute: string, input: number): number[] | undefined {
  return intsAttribute(site, attribute) ?? (site.inputs[input] ? listInput(site, input) : undefined)
}

/** A constant input that lists axes, sizes or positions. */
export function listInput(site: Site, i: number): number[] {
  const { data } = constantInput(site, i)
  if (data.length > maxListed)
    throw refuse(site, `input ${i} lists ${data.length} integers; at most ${maxListed} are supported`)
  return [...data]
}

/** An axis from -rank to rank-1 as one from 0. */
export function axisOf(site: Site, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw wrong(site, `axis ${axis} is out of range for rank ${rank}`)
  return axis < 0 ? axis + rank : axis
}

/** The same, of an axis that an op works on: not the batch. */
export function freeAxis(site: Site, axis: number, rank: number): number {
  const positive = axisOf(site, axis, rank)
  if (site.batched && positive === 0)
    throw refuse(site, 'it works on axis 0, which is the batch: samples are independent of each other')
  return positive
}

/** Refuses a constant that has another entry for each sample of a batch, or would push its axis aside. */
export function requireAlike(site: Site, constant: readonly number[], variable: readonly number[]): void {
  if (!site.batched || constant.length < variable.length) return
  if (constant.length > variable.length || constant[0] !== 1)
    throw refuse(site, `a constant of shape [${constant}] does not treat all samples of a batch alike`)
}

/** More axes than any model has: time goes with their number. */
export const maxRank = 32

/** Refuses absurd shapes before memory is taken for them. */
export function requireShape(site: Site, shape: readonly number[]): void {
  if (shape.length > maxRank) throw refuse(site, `its output has ${shape.length} axes, more than ${maxRank}`)
  if (shape.includes(0)) throw refuse(site, `its output has shape ${showShape(shape)}, which is empty`)
  if (shape.some((n) => !Number.isInteger(n) || n < 1))
    throw wrong(site, `its output would have shape ${showShape(shape)}`)
  if (sizeOf(shape) > maxElements) {
    throw new GloveboxError('too-large', `${describe(site)} has ${showShape(shape)} outputs, more than ${maxElements}`)
  }
  site.spend(sizeOf(shape))
}

function push(site: Site, x: Variable, node: Omit<Node, 'name' | 'size'>, shape: readonly number[]): Variable {
  site.spend(node.map?.matrix.index.length ?? 0)
  site.nodes.push({ ...node, size: sizeOf(shape), name: site.name })
  return { kind: 'variable', node: site.nodes.length - 1, shape, type: x.type }
}

export function pushAffine(site: Site, x: Variable, map: AffineMap, shape: readonly number[]): Variable {
  return push(site, x, { op: 'affine', inputs: [x.node], map }, shape)
}

export function pushBinary(site: Site, op: 'add' | 'multiply', a: Variable, b: Variable): Variable {
  return push(site, a, { op, inputs: [a.node, b.node] }, a.shape)
}

export function pushActivation(site: Site, x: Variable, activation: Activation): Variable {
  return push(site, x, { op: 'activation', inputs: [x.node], activation }, x.shape)
}
