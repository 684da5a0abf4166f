import { type AffineMap, isIdentityMap } from '../tensor/affine.ts'
import { isDiagonal } from '../tensor/sparse.ts'
import type { Activation } from './activation.ts'
import type { Graph, Node } from './graph.ts'

/**
 * A graph as text, one line for each node: `%3 8 Mul_d = %1 * %2` is node 3, of 8 elements, called Mul_d. Scalings are written out; of other maps, the
 * size and the number of weights.
 */
export function showGraph(graph: Graph): string {
  const lines = graph.nodes.map((node, i) => `%${i} ${node.size} ${node.name} = ${showValue(node)}`)
  return [...lines, `return %${graph.output}`].join('\n')
}

function showValue({ op, inputs, map, activation }: Node): string {
  const [a, b] = inputs.map((input) => `%${input}`)
  switch (op) {
    case 'input':
      return 'input'
    case 'affine':
      return showMap(map!, a!)
    case 'activation':
      return `${showActivation(activation!)} ${a}`
    case 'add':
      return `${a} + ${b}`
    case 'multiply':
      return a === b ? `${a}^2` : `${a} * ${b}`
  }
}

/** Relu, Clip(0, 6), Gelu(tanh). */
export function showActivation({ kind, ...rest }: Activation): string {
  const values = Object.values(rest).map((v) => (typeof v === 'number' ? showNumber(v) : String(v)))
  return values.length === 0 ? kind : `${kind}(${values.join(', ')})`
}

function showMap(map: AffineMap, input: string): string {
  const { matrix, bias } = map
  if (isIdentityMap(map)) return input
  const constant = commonValue(bias)
  const scale = isDiagonal(matrix) ? commonValue(matrix.value) : undefined
  if (scale !== undefined && constant !== undefined) {
    const scaled = scale === 1 ? input : `${showNumber(scale)} ${input}`
    return constant === 0 ? scaled : `${scaled} ${constant < 0 ? '-' : '+'} ${showNumber(Math.abs(constant))}`
  }
  const kind = isDiagonal(matrix) ? 'diagonal' : `${matrix.rows}x${matrix.columns}`
  const offset = constant === 0 ? '' : constant === undefined ? ' + bias' : ` + ${showNumber(constant)}`
  return `[${kind}, ${matrix.value.length} weights] ${input}${offset}`
}

/** Five digits, and no zeros behind them. */
function showNumber(v: number): string {
  return String(Number(v.toPrecision(5)))
}

function commonValue(values: Float64Array): number | undefined {
  return values.every((v) => v === values[0]) ? values[0] : undefined
}
