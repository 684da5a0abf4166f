import { affine } from '../../tensor/affine.ts'
import { buildSparse } from '../../tensor/sparse.ts'
import { showShape, sizeOf, stridedIndex, stridesOf, type Tensor } from '../../tensor/tensor.ts'
import { entriesOf } from '../columns.ts'
import { type Columns, type Operand, shapeOf, type Variable } from '../operand.ts'
import {
  entered,
  freeAxis,
  input,
  intAttribute,
  pushAffine,
  pushBinary,
  refuse,
  requireAlike,
  requireShape,
  type Site,
  type Translation,
  wrong,
} from '../site.ts'

type Part = Extract<Operand, { kind: 'variable' | 'constant' }>

export const concat: Translation = {
  attributes: ['axis'],
  elements: 'any',
  client: true,
  translate(site) {
    const all = site.inputs.map((_, i) => input(site, i))
    const columns = joinColumns(
      site,
      all.filter((part) => part.kind === 'columns'),
      all.length,
    )
    if (columns) return columns
    const parts = all.map((operand): Part => {
      const part = entered(site, operand)
      if (part.kind !== 'variable' && part.kind !== 'constant')
        throw refuse(site, 'it joins what the client computes after decryption')
      return part
    })
    const rank = Math.max(...parts.map((part) => shapeOf(part).length))
    return join(site, parts, freeAxis(site, intAttribute(site, 'axis', 1), rank))
  },
}

/** Columns of a table side by side stay with the client. */
function joinColumns(site: Site, parts: readonly Columns[], count: number): Columns | undefined {
  if (parts.length !== count || !site.batched) return undefined
  const rows = parts.every(({ shape, norm }) => shape.length === 2 && !norm)
  if (!rows || freeAxis(site, intAttribute(site, 'axis', 1), 2) !== 1) return undefined
  // The one input as it is, several times: that is for the graph.
  if (parts.every(({ entries, first }) => !entries && first === parts[0]!.first)) return undefined
  const width = parts.reduce((sum, { shape }) => sum + shape[1]!, 0)
  requireShape(site, [1, width])
  site.spend(16 * width)
  const entries = parts.flatMap(entriesOf)
  return { ...parts[0]!, shape: [1, width], entries }
}

/** Places every part into its range of the joined axis and adds them up; constants go into the bias. */
function join(site: Site, parts: readonly Part[], axis: number): Variable {
  const variable = parts.find((part) => part.kind === 'variable')
  if (!variable) throw wrong(site, "no input depends on the model's input")
  const rank = variable.shape.length
  const shapes = parts.map((part) => {
    if (part.kind === 'constant') requireAlike(site, part.tensor.shape, variable.shape)
    return shapeOf(part)
  })
  const shape = [...shapes[0]!]
  shape[axis] = shapes.reduce((sum, s) => sum + (s[axis] ?? 0), 0)
  if (shapes.some((s) => s.length !== rank || s.some((n, i) => i !== axis && n !== shape[i]))) {
    throw wrong(site, `shapes ${shapes.map(showShape).join(', ')} do not join along axis ${axis}`)
  }
  requireShape(site, shape)
  const strides = stridesOf(shape)
  site.spend(parts.length * sizeOf(shape))
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
