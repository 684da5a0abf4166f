import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { sizeOf, stridedIndex, stridesOf } from '../../tensor/tensor.ts'
import { freeAxis, intAttribute, intsOf, pushAffine, refuse, type Translation, variableInput } from '../site.ts'

export const reduceMean: Translation = reduce(true)
export const reduceSum: Translation = reduce(false)

function reduce(mean: boolean): Translation {
  return {
    attributes: ['axes', 'keepdims', 'noop_with_empty_axes'],
    ...(!mean && { elements: 'whole' }),
    translate(site) {
      const x = variableInput(site, 0)
      const rank = x.shape.length
      const given = intsOf(site, 'axes', 1) ?? []
      if (given.length === 0 && intAttribute(site, 'noop_with_empty_axes', 0) !== 0) return x
      if (given.length === 0 && site.batched)
        throw refuse(site, 'it reduces all axes, also the batch: name those of a sample in "axes"')
      const axes = new Set(given.length === 0 ? x.shape.keys() : given.map((axis) => freeAxis(site, axis, rank)))
      const strides = stridesOf(x.shape)
      const pick = (keep: boolean): [number[], number[]] => {
        const chosen = x.shape.map((_, axis) => axis).filter((axis) => axes.has(axis) !== keep)
        return [chosen.map((axis) => x.shape[axis]!), chosen.map((axis) => strides[axis]!)]
      }
      const bases = stridedIndex(...pick(true))
      const offsets = stridedIndex(...pick(false))
      const weight = mean ? 1 / offsets.length : 1
      const matrix = buildSparse(bases.length, sizeOf(x.shape), (row, add) => {
        for (const offset of offsets) add(bases[row]! + offset, weight)
      })
      const keepDims = intAttribute(site, 'keepdims', 1) !== 0
      const shape = keepDims ? x.shape.map((n, axis) => (axes.has(axis) ? 1 : n)) : pick(true)[0]
      return pushAffine(site, x, affine(matrix), shape)
    },
  }
}
