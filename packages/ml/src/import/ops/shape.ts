import { affine } from '../../tensor/affine.ts'
import { pickMatrix } from '../../tensor/sparse.ts'
import { sizeOf, stridedIndex, stridesOf } from '../../tensor/tensor.ts'
import { float32, int64 } from '../element.ts'
import { constant, reshaped, shapeOf } from '../operand.ts'
import {
  axisOf,
  input,
  intAttribute,
  intsAttribute,
  intsOf,
  listInput,
  maxRank,
  pushAffine,
  refuse,
  requireShape,
  type Site,
  type Translation,
  tensorAttribute,
  variableInput,
  wrong,
} from '../site.ts'

/** An op that only says another shape: also for constants, and for what the client has or makes. */
function renaming(
  attributes: readonly string[],
  target: (site: Site, from: readonly number[], batched: boolean) => readonly number[],
): Translation {
  return {
    attributes,
    elements: 'any',
    client: true,
    folds: true,
    translate(site) {
      const x = input(site, 0)
      if (x.kind === 'absent') throw refuse(site, x.reason)
      const constant = x.kind === 'constant'
      const shape = target(site, shapeOf(x), site.batched && !constant)
      if (shape.length > maxRank) throw refuse(site, `its output has ${shape.length} axes, more than ${maxRank}`)
      if (sizeOf(shape) !== sizeOf(shapeOf(x)))
        throw wrong(site, `${sizeOf(shapeOf(x))} elements of shape [${shapeOf(x)}] cannot take shape [${shape}]`)
      return constant ? { ...x, tensor: { shape, data: x.tensor.data } } : reshaped(x, shape)
    },
  }
}

export const flatten: Translation = renaming(['axis'], (site, from, batched) => {
  const rank = from.length
  const given = intAttribute(site, 'axis', 1)
  // One past the last axis is allowed, and has no negative name.
  const axis = given === rank ? rank : axisOf(site, given, rank)
  const before = sizeOf(from.slice(0, axis))
  if (batched && axis === 0 && site.batchSize !== 1)
    throw refuse(site, `attribute "axis" = ${given} merges the batch with what follows`)
  // Axes before `axis` would be merged with the batch; sizes of 1 change nothing.
  if (batched && before !== 1) throw refuse(site, `attribute "axis" = ${axis} merges axes with the batch`)
  return batched ? [1, sizeOf(from)] : [before, sizeOf(from.slice(axis))]
})

export const reshape: Translation = renaming(['allowzero', 'consumed_inputs', 'shape'], (site, from, batched) => {
  const target = intsOf(site, 'shape', 1)
  if (!target) throw wrong(site, 'input 1 is missing')
  const zero = intAttribute(site, 'allowzero', 0) !== 0
  if (target.includes(0) && zero) throw refuse(site, 'attribute "allowzero" = 1 with a size of 0')
  if (!batched) return resolve(site, from, target)
  const [batch, ...rest] = target
  if (batch === undefined) throw refuse(site, 'it removes the batch axis')
  // 0 is the batch as it was, -1 what remains; a number must be that of the file.
  if (batch > 0 && site.batchSize !== undefined && batch !== site.batchSize)
    throw refuse(site, `the shape [${target}] changes the batch of ${site.batchSize}`)
  return [1, ...resolve(site, from.slice(1), rest, from)]
})

/** Replaces 0 (as before) and -1 (what remains). */
function resolve(site: Site, from: readonly number[], target: readonly number[], whole = from): number[] {
  const shape = target.map((n, i) => (n === 0 ? (from[i] ?? 0) : n))
  const known = sizeOf(shape.filter((n) => n !== -1))
  const full = shape.map((n) => (n === -1 ? sizeOf(from) / known : n))
  if (sizeOf(full) !== sizeOf(from) || full.some((n) => !Number.isInteger(n) || n < 0)) {
    const what = from === whole ? `shape [${from}]` : `sample shape [${from}]`
    throw wrong(site, `${sizeOf(from)} elements of ${what} cannot take shape [${target}]`)
  }
  return full
}

export const squeeze: Translation = renaming(['axes'], (site, from, batched) => {
  const axes = intsOf(site, 'axes', 1)?.map((axis) => axisOf(site, axis, from.length))
  if (axes?.some((i) => from[i] !== 1)) throw wrong(site, `axes [${axes}] of shape [${from}] are not all of size 1`)
  if (batched && axes?.includes(0)) throw refuse(site, 'it removes the batch axis')
  return from.filter((n, i) => (axes ? !axes.includes(i) : n !== 1 || (batched && i === 0)))
})

export const unsqueeze: Translation = renaming(['axes'], (site, from, batched) => {
  const axes = intsOf(site, 'axes', 1)
  if (!axes) throw wrong(site, 'input 1 is missing')
  const rank = from.length + axes.length
  const added = new Set(axes.map((axis) => axisOf(site, axis, rank)))
  if (added.size !== axes.length) throw wrong(site, `axes [${axes}] are not different`)
  if (batched && added.has(0)) throw refuse(site, 'it adds an axis before the batch')
  const rest = [...from]
  return Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : rest.shift()!))
})

export const transpose: Translation = {
  attributes: ['perm'],
  elements: 'any',
  translate(site) {
    const x = variableInput(site, 0)
    const rank = x.shape.length
    const perm = intsAttribute(site, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    if ([...perm].sort((a, b) => a - b).join() !== Array.from({ length: rank }, (_, i) => i).join()) {
      throw wrong(site, `attribute "perm" expected a permutation of ${rank} axes, got [${perm}]`)
    }
    if (site.batched && perm[0] !== 0) throw refuse(site, `attribute "perm" = [${perm}] moves the batch axis`)
    const strides = stridesOf(x.shape)
    const shape = perm.map((axis) => x.shape[axis]!)
    const picks = stridedIndex(
      shape,
      perm.map((axis) => strides[axis]!),
    )
    return pushAffine(site, x, affine(pickMatrix(picks, picks.length)), shape)
  },
}

/** Exporters compute the target of a Reshape from it. A dynamic batch counts as 1. */
export const shapeNode: Translation = {
  attributes: ['start', 'end'],
  elements: 'any',
  client: true,
  folds: true,
  translate(site) {
    const x = input(site, 0)
    if (x.kind === 'absent') throw refuse(site, x.reason)
    const full = [...shapeOf(x)]
    if (site.batched && x.kind !== 'constant') full[0] = site.batchSize ?? 1
    const part = full.slice(intAttribute(site, 'start', 0), intAttribute(site, 'end', full.length))
    return constant([part.length], part, int64)
  },
}

/** The same number everywhere. */
export const constantOfShape: Translation = {
  attributes: ['value'],
  folds: true,
  translate(site) {
    const shape = listInput(site, 0)
    requireShape(site, shape)
    const { tensor, type } = tensorAttribute(site, 'value') ?? { tensor: { shape: [1], data: [0] }, type: float32 }
    if (tensor.data.length !== 1) throw wrong(site, `attribute "value" expected one number, got ${tensor.data.length}`)
    return constant(shape, new Float64Array(sizeOf(shape)).fill(tensor.data[0]!), type)
  },
}
