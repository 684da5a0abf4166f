import type { Along, OutputStep } from '../../model/steps.ts'
import { sizeOf } from '../../tensor/tensor.ts'
import { int64 } from '../element.ts'
import type { Answer } from '../operand.ts'
import {
  entered,
  freeAxis,
  input,
  intAttribute,
  intsAttribute,
  refuse,
  type Site,
  type Translation,
  textsAttribute,
  wrong,
} from '../site.ts'

/** What the client is to compute on: a value of the graph, or that and what it does already. */
export function decrypted(site: Site, i: number): Answer {
  const x = entered(site, input(site, i))
  if (x.kind === 'variable') return { ...x, kind: 'answer', steps: [] }
  if (x.kind !== 'answer')
    throw refuse(site, `input ${i} is a constant, expected a value that depends on the model's input`)
  if (x.steps.some(({ op }) => op === 'argmax' || op === 'labels'))
    throw refuse(site, 'it comes behind the choice of a class')
  return x
}

export function followed(x: Answer, ...steps: OutputStep[]): Answer {
  return { ...x, steps: [...x.steps, ...steps] }
}

function along(x: Answer, length: number, stride: number): { along?: Along } {
  return length === sizeOf(x.shape) ? {} : { along: { length, stride } }
}

function softmaxNode(log: boolean): Translation {
  return {
    attributes: ['axis'],
    client: true,
    translate(site) {
      const x = decrypted(site, 0)
      const old = site.opset < 13
      const axis = freeAxis(site, intAttribute(site, 'axis', old ? 1 : -1), x.shape.length)
      const behind = sizeOf(x.shape.slice(axis + 1))
      // Before operator set 13 it runs over all axes from `axis`.
      const over = old ? along(x, x.shape[axis]! * behind, 1) : along(x, x.shape[axis]!, behind)
      return followed(x, { op: 'softmax', ...(log && { log: true }), ...over })
    },
  }
}

export const softmax: Translation = softmaxNode(false)
export const logSoftmax: Translation = softmaxNode(true)

function indices(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i))
}

export const argMax: Translation = {
  attributes: ['axis', 'keepdims', 'select_last_index'],
  client: true,
  translate(site) {
    const x = decrypted(site, 0)
    const axis = freeAxis(site, intAttribute(site, 'axis', 0), x.shape.length)
    const last = intAttribute(site, 'select_last_index', 0) !== 0
    const over = along(x, x.shape[axis]!, sizeOf(x.shape.slice(axis + 1)))
    const keep = intAttribute(site, 'keepdims', 1) !== 0
    const shape = keep ? x.shape.map((n, i) => (i === axis ? 1 : n)) : x.shape.filter((_, i) => i !== axis)
    // The first largest of all is what a label is.
    const step: OutputStep =
      over.along || last
        ? { op: 'argmax', ...(last && { last: true }), ...over }
        : { op: 'labels', names: indices(x.shape[axis]!) }
    return { ...followed(x, step), shape, type: int64 }
  },
}

/** Names of classes from the attributes of ai.onnx.ml. */
export function classNames(site: Site, integers: string, texts: string): string[] | undefined {
  const numbers = intsAttribute(site, integers)?.map(String) ?? []
  const names = textsAttribute(site, texts) ?? []
  const found = names.length > 0 ? names : numbers
  return found.length > 0 ? found : undefined
}

/** Scores under the names of their classes. */
export const zipMap: Translation = {
  attributes: ['classlabels_int64s', 'classlabels_strings'],
  client: true,
  translate(site) {
    const names = classNames(site, 'classlabels_int64s', 'classlabels_strings')
    if (!names) throw wrong(site, 'it has no attribute "classlabels_int64s" or "classlabels_strings"')
    const given = input(site, 0)
    const already = given.kind === 'answer' ? given.steps.at(-1) : undefined
    if (already?.op === 'labels' && already.names.join() === names.join()) return given
    const x = decrypted(site, 0)
    if (names.length !== sizeOf(x.shape)) throw wrong(site, `${names.length} names for ${sizeOf(x.shape)} scores`)
    return followed(x, { op: 'labels', names })
  },
}

/** The answer with the index of the largest output replaced by the name of its class. */
export function named(site: Site, x: Answer, names: readonly string[]): Answer {
  const chosen = x.steps.at(-1)
  if (chosen?.op !== 'labels' || chosen.names.some((name, i) => name !== String(i)))
    throw refuse(site, 'it takes the index of the largest of all outputs, from ArgMax')
  if (names.length !== chosen.names.length)
    throw wrong(site, `${names.length} names for ${chosen.names.length} classes`)
  return { ...x, steps: [...x.steps.slice(0, -1), { ...chosen, names }] }
}
