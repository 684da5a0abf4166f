import { affine } from '../../tensor/affine.ts'
import { buildSparse, pickMatrix } from '../../tensor/sparse.ts'
import { showShape, sizeOf, stridedIndex, stridesOf, type Tensor } from '../../tensor/tensor.ts'
import {
  constant,
  constantInput,
  intAttribute,
  intsAttribute,
  intsOf,
  type Operand,
  pushAffine,
  pushBinary,
  refuse,
  requireShape,
  reshaped,
  type Site,
  sampleAxis,
  type Translation,
  type Variable,
  variableInput,
  wrong,
} from '../site.ts'

export const flatten: Translation = {
  attributes: ['axis'],
  translate(site) {
    const x = variableInput(site, 0)
    const rank = x.shape.length + 1
    const given = intAttribute(site, 'axis', 1)
    // One past the last axis is allowed, and has no negative name.
    const axis = given === rank ? x.shape.length : sampleAxis(site, given, rank)
    // Axes before `axis` would be merged with the batch; sizes of 1 change nothing.
    if (sizeOf(x.shape.slice(0, axis)) !== 1)
      throw refuse(site, `attribute "axis" = ${axis + 1} merges axes with the batch`)
    return reshaped(x, [sizeOf(x.shape)])
  },
}

export const reshape: Translation = {
  attributes: ['allowzero', 'shape'],
  translate(site) {
    const target = intsOf(site, 'shape', 1)
    const x = site.inputs[0]
    if (!x || !target) throw wrong(site, 'an input is missing')
    if (target.includes(0) && intAttribute(site, 'allowzero', 0) !== 0) throw refuse(site, 'attribute "allowzero" = 1')
    if (x.kind === 'constant')
      return { kind: 'constant', tensor: { ...x.tensor, shape: fill(site, x.tensor.shape, target) } }
    const [batch, ...rest] = target
    if (batch === undefined) throw refuse(site, 'it removes the batch axis')
    // The first axis is the batch, whatever its number: 0 (as it was), -1 (what remains) or a fixed size.
    const shape = fill(site, x.shape, rest, 1)
    return reshaped(x, shape)
  },
}

/** Resolves 0 (as before) and -1 (what remains); `skipped` axes were left out on the left of both shapes. */
function fill(site: Site, from: readonly number[], target: readonly number[], skipped = 0): number[] {
  const shape = target.map((n, i) => (n === 0 ? (from[i] ?? 0) : n))
  const known = sizeOf(shape.filter((n) => n !== -1))
  const full = shape.map((n) => (n === -1 ? sizeOf(from) / known : n))
  if (sizeOf(full) !== sizeOf(from) || full.some((n) => !Number.isInteger(n) || n < 0)) {
    throw wrong(
      site,
      `${skipped ? 'a sample' : 'a constant'} of shape [${from}] has ${sizeOf(from)} elements and cannot take shape [${target}]`,
    )
  }
  return full
}

export const squeeze: Translation = {
  attributes: ['axes'],
  translate(site) {
    const x = site.inputs[0]
    if (!x) throw wrong(site, 'input 0 is missing')
    const shape = x.kind === 'constant' ? x.tensor.shape : [0, ...x.shape]
    const axes = intsOf(site, 'axes', 1)?.map((axis) => (axis < 0 ? axis + shape.length : axis))
    const gone = (n: number, i: number): boolean => (axes ? axes.includes(i) : n === 1)
    if (axes?.some((i) => shape[i] !== 1))
      throw wrong(site, `axes [${axes}] of shape [${shape.slice(1)}] per sample are not all of size 1`)
    const left = shape.filter((n, i) => !gone(n, i))
    return x.kind === 'constant'
      ? { kind: 'constant', tensor: { ...x.tensor, shape: left } }
      : reshaped(x, left.slice(1))
  },
}

export const unsqueeze: Translation = {
  attributes: ['axes'],
  translate(site) {
    const x = site.inputs[0]
    const axes = intsOf(site, 'axes', 1)
    if (!x || !axes) throw wrong(site, 'an input is missing')
    const from = x.kind === 'constant' ? x.tensor.shape : [0, ...x.shape]
    const rank = from.length + axes.length
    const added = axes.map((axis) => (axis < 0 ? axis + rank : axis))
    if (added.some((i) => !(i >= 0 && i < rank))) throw wrong(site, `axes [${axes}] are out of range for rank ${rank}`)
    const rest = [...from]
    const shape = Array.from({ length: rank }, (_, i) => (added.includes(i) ? 1 : rest.shift()!))
    if (x.kind === 'constant') return { kind: 'constant', tensor: { ...x.tensor, shape } }
    if (added.includes(0)) throw refuse(site, 'it adds an axis before the batch')
    return reshaped(x, shape.slice(1))
  },
}

export const transpose: Translation = {
  attributes: ['perm'],
  translate(site) {
    const x = variableInput(site, 0)
    const rank = x.shape.length + 1
    const perm = intsAttribute(site, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    if ([...perm].sort((a, b) => a - b).join() !== Array.from({ length: rank }, (_, i) => i).join()) {
      throw wrong(site, `attribute "perm" expected a permutation of ${rank} axes, got [${perm}]`)
    }
    if (perm[0] !== 0) throw refuse(site, `attribute "perm" = [${perm}] moves the batch axis`)
    const axes = perm.slice(1).map((axis) => axis - 1)
    const strides = stridesOf(x.shape)
    const shape = axes.map((axis) => x.shape[axis]!)
    const picks = stridedIndex(
      shape,
      axes.map((axis) => strides[axis]!),
    )
    return pushAffine(site, x, affine(pickMatrix(picks, picks.length)), shape)
  },
}

/** The shape of a batch of one sample: exporters compute the target of a Reshape from it. */
export const shapeOf: Translation = {
  attributes: ['start', 'end'],
  translate(site) {
    const x = site.inputs[0]
    if (!x) throw wrong(site, 'input 0 is missing')
    const full = x.kind === 'constant' ? x.tensor.shape : [1, ...x.shape]
    const part = full.slice(intAttribute(site, 'start', 0), intAttribute(site, 'end', full.length))
    return constant([part.length], part)
  },
}

/** Only of constants: it picks entries of a shape. */
export const gather: Translation = {
  attributes: ['axis'],
  translate(site) {
    const from = constantInput(site, 0)
    const picks = constantInput(site, 1)
    if (from.shape.length !== 1 || intAttribute(site, 'axis', 0) > 0) throw refuse(site, 'only picking from a list is')
    const values = Array.from(picks.data, (i) => from.data.at(i))
    if (values.includes(undefined)) throw wrong(site, `it picks [${picks.data}] of ${from.data.length} numbers`)
    return constant(picks.shape, values as number[])
  },
}

export const concat: Translation = {
  attributes: ['axis'],
  translate(site) {
    const parts = site.inputs.map((input) => {
      if (!input) throw wrong(site, 'an input is missing')
      return input
    })
    const axis = intAttribute(site, 'axis', 0)
    if (parts.every((part) => part.kind === 'constant')) {
      const tensors = parts.map(({ tensor }) => tensor)
      if (tensors.some(({ shape }) => shape.length !== 1)) throw refuse(site, 'only lists of constants are joined')
      const all = tensors.flatMap(({ data }) => [...data])
      return constant([all.length], all)
    }
    const rank = Math.max(
      ...parts.map((part) => (part.kind === 'variable' ? part.shape.length : part.tensor.shape.length - 1)),
    )
    return join(site, parts, sampleAxis(site, axis, rank + 1), rank)
  },
}

/** Places every part into its range of the joined axis and adds them up; constants go into the bias. */
function join(site: Site, parts: readonly Operand[], axis: number, rank: number): Variable {
  const shapes = parts.map((part) => {
    if (part.kind === 'variable') return part.shape
    if (part.tensor.shape[0] !== 1)
      throw refuse(site, `a constant of shape [${part.tensor.shape}] does not treat all samples alike`)
    return part.tensor.shape.slice(1)
  })
  const shape = [...shapes[0]!]
  shape[axis] = shapes.reduce((sum, s) => sum + (s[axis] ?? 0), 0)
  if (shapes.some((s) => s.length !== rank || s.some((n, i) => i !== axis && n !== shape[i]))) {
    throw wrong(site, `samples of shapes ${shapes.map(showShape).join(', ')} do not join along axis ${axis + 1}`)
  }
  requireShape(site, shape)
  const strides = stridesOf(shape)
  const bias = new Float64Array(sizeOf(shape))
  const placed: { x: Variable; at: Int32Array }[] = []
  let offset = 0
  parts.forEach((part, i) => {
    const at = stridedIndex(shapes[i]!, strides, offset * strides[axis]!)
    offset += shapes[i]![axis]!
    if (part.kind === 'variable') placed.push({ x: part, at })
    else scatter(part.tensor, at, bias)
  })
  return placed
    .map(({ x, at }, i) => {
      const source = new Int32Array(bias.length).fill(-1)
      at.forEach((to, from) => {
        source[to] = from
      })
      const matrix = buildSparse(bias.length, at.length, (row, add) => {
        if (source[row]! >= 0) add(source[row]!, 1)
      })
      return pushAffine(site, x, affine(matrix, i === 0 ? bias : undefined), shape)
    })
    .reduce((sum, next) => pushBinary(site, 'add', sum, next))
}

function scatter(tensor: Tensor, at: Int32Array, out: Float64Array): void {
  at.forEach((to, from) => {
    out[to] = tensor.data[from]!
  })
}
