import { GloveboxError } from '@glovebox/he'
import type { Node } from '../graph/graph.ts'
import type { AffineMap } from '../tensor/affine.ts'
import { showShape, sizeOf, type Tensor } from '../tensor/tensor.ts'
import { decodeTensor, malformed, toNumber, unsupported } from './decode.ts'
import type { AttributeProto } from './schema.ts'

/** A known tensor of the file, or the value of a graph node, whose `shape` is that of one sample. */
export type Operand =
  | { readonly kind: 'constant'; readonly tensor: Tensor }
  | { readonly kind: 'variable'; readonly node: number; readonly shape: readonly number[] }
export type Variable = Extract<Operand, { kind: 'variable' }>

/** Where one ONNX node is translated: what it says, and the graph that is being built. */
export interface Site {
  readonly op: string
  readonly name: string
  readonly opset: number
  /** undefined: an optional input that was left out. */
  readonly inputs: readonly (Operand | undefined)[]
  readonly attributes: ReadonlyMap<string, AttributeProto>
  readonly nodes: Node[]
}

/** How an ONNX op is translated; the attributes that it knows. */
export interface Translation {
  readonly attributes: readonly string[]
  readonly translate: (site: Site) => Operand
}

/** The largest sample or layer output: 2^24 elements. */
const maxElements = 2 ** 24

export function describe(site: Site): string {
  return `${site.op} node "${site.name}"`
}

export function refuse(site: Site, reason: string): GloveboxError {
  return unsupported(`${describe(site)} is not supported: ${reason}`)
}

export function wrong(site: Site, reason: string): GloveboxError {
  return malformed(`${describe(site)}: ${reason}`)
}

export function variableInput(site: Site, i: number): Variable {
  const operand = site.inputs[i]
  if (!operand) throw wrong(site, `input ${i} is missing`)
  if (operand.kind === 'constant')
    throw refuse(site, `input ${i} is a constant, expected a value that depends on the model's input`)
  return operand
}

/** A constant input, or undefined where it was left out. */
export function optionalConstant(site: Site, i: number): Tensor | undefined {
  const operand = site.inputs[i]
  if (operand?.kind === 'variable') throw refuse(site, `input ${i} depends on the model's input, expected a constant`)
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

export function intsAttribute(site: Site, name: string): number[] | undefined {
  return site.attributes.get(name)?.ints.map(toNumber)
}

export function textAttribute(site: Site, name: string, otherwise: string): string {
  const attribute = site.attributes.get(name)
  return attribute ? new TextDecoder().decode(attribute.s) : otherwise
}

export function tensorAttribute(site: Site, name: string): Tensor | undefined {
  const tensor = site.attributes.get(name)?.t
  return tensor ? decodeTensor(tensor, `${site.name}.${name}`) : undefined
}

/** Integers that older operator sets keep in an attribute and newer ones in a constant input. */
export function intsOf(site: Site, attribute: string, input: number): number[] | undefined {
  return intsAttribute(site, attribute) ?? (site.inputs[input] ? [...constantInput(site, input).data] : undefined)
}

/** An axis of a value with its batch axis, from -rank to rank-1, as an axis of one sample. */
export function sampleAxis(site: Site, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw wrong(site, `axis ${axis} is out of range for rank ${rank}`)
  const positive = axis < 0 ? axis + rank : axis
  if (positive === 0)
    throw refuse(site, 'it works on axis 0, which is the batch: samples are independent of each other')
  return positive - 1
}

export function constant(shape: readonly number[], data: ArrayLike<number>): Operand {
  return { kind: 'constant', tensor: { shape, data: Float64Array.from(data) } }
}

/** The same elements under another shape. */
export function reshaped(x: Variable, shape: readonly number[]): Variable {
  return { kind: 'variable', node: x.node, shape }
}

function push(site: Site, node: Omit<Node, 'name' | 'size'>, shape: readonly number[]): Variable {
  site.nodes.push({ ...node, size: sizeOf(shape), name: site.name })
  return { kind: 'variable', node: site.nodes.length - 1, shape }
}

/** Refuses absurd shapes before memory is taken for them. */
export function requireShape(site: Site, shape: readonly number[]): void {
  if (shape.some((n) => !Number.isInteger(n) || n < 1))
    throw wrong(site, `its output would have shape ${showShape(shape)}`)
  if (sizeOf(shape) > maxElements) {
    throw new GloveboxError('too-large', `${describe(site)} has ${showShape(shape)} outputs, more than ${maxElements}`)
  }
}

export function pushAffine(site: Site, x: Variable, map: AffineMap, shape: readonly number[]): Variable {
  return push(site, { op: 'affine', inputs: [x.node], map }, shape)
}

export function pushBinary(site: Site, op: 'add' | 'multiply', a: Variable, b: Variable): Variable {
  return push(site, { op, inputs: [a.node, b.node] }, a.shape)
}
