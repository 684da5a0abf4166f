import { GloveboxError } from '@glovebox/he'
import type { Graph, Node } from '../graph/graph.ts'
import { type AffineMap, affine, compose, identityMap, isIdentityMap, sumMaps } from '../tensor/affine.ts'
import { isDiagonal } from '../tensor/sparse.ts'

/** A value as a sum of affine maps of bases; a base is the input or a product. */
interface Combination {
  readonly terms: ReadonlyMap<number, AffineMap>
  readonly name: string
  /** A sum over several bases, as a polynomial of a layer is: the next map that mixes elements is another layer, and names it. */
  readonly open?: boolean
}

/**
 * Composes neighbouring affine maps, so that between two products there is one map per base: encrypted, each map costs
 * a level. Combinations of several bases become `add`s of maps; nodes that the output does not need disappear.
 * In the result the inputs of `affine` are the input or products, and `add` adds maps and sums of maps.
 */
export function lower(graph: Graph): Graph {
  const needed = reachable(graph)
  const nodes: Node[] = [graph.nodes[0]!]
  const placed = new Map<Combination, number>()
  const combinations: (Combination | undefined)[] = []

  const base = (index: number, name: string): Combination => ({
    terms: new Map([[index, identityMap(nodes[index]!.size)]]),
    name,
  })
  const push = (node: Node): number => nodes.push(node) - 1
  const place = (value: Combination): number => {
    const known = placed.get(value)
    if (known !== undefined) return known
    const terms = significant(value.terms)
    const [only] = terms
    const alone = terms.size === 1 && isIdentityMap(only![1])
    const index = alone
      ? only![0]
      : [...terms]
          .map(([from, map]) => push({ op: 'affine', inputs: [from], size: map.bias.length, name: value.name, map }))
          .reduce((a, b) => push({ op: 'add', inputs: [a, b], size: nodes[a]!.size, name: value.name }))
    placed.set(value, index)
    return index
  }

  graph.nodes.forEach((node, i) => {
    if (!needed.has(i)) {
      combinations.push(undefined)
      return
    }
    const [a, b] = node.inputs.map((input) => combinations[input]!)
    if (node.op === 'input') combinations.push(base(0, node.name))
    else if (node.op === 'affine') combinations.push(mapCombination(a!, node.map!, node.name))
    else if (node.op === 'activation') {
      throw new GloveboxError(
        'unsupported',
        `"${node.name}" is ${node.activation!.kind}, which is no polynomial: approximate it before`,
      )
    } else if (node.op === 'add') combinations.push(addCombinations(a!, b!, node.name))
    else {
      const inputs = [place(a!), place(b!)]
      combinations.push(base(push({ op: 'multiply', inputs, size: node.size, name: node.name }), node.name))
    }
  })
  const output = place(combinations[graph.output]!)
  return { ...graph, nodes, output }
}

/** Weights this much smaller than the largest are what rounding leaves of terms that cancel. */
const rounding = 2 ** -44

/** The terms without those that are nothing but rounding; their biases go to the first one that stays. */
function significant(terms: Combination['terms']): Combination['terms'] {
  if (terms.size === 1) return terms
  const largest = new Map([...terms].map(([from, { matrix }]) => [from, largestOf(matrix.value)]))
  const most = Math.max(...largest.values())
  const kept = [...terms].filter(([from]) => largest.get(from)! > rounding * most)
  if (most === 0 || kept.length === terms.size) return terms
  const dropped = [...terms.values()].filter((map) => !kept.some(([, other]) => other === map))
  return new Map(
    kept.map(([from, { matrix, bias }], i) => {
      const moved = i === 0 ? bias.map((v, k) => dropped.reduce((sum, map) => sum + map.bias[k]!, v)) : bias
      return [from, affine(matrix, moved)]
    }),
  )
}

function largestOf(values: Float64Array): number {
  return values.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
}

function reachable(graph: Graph): Set<number> {
  const found = new Set([graph.output])
  for (let i = graph.output; i >= 0; i--) if (found.has(i)) for (const input of graph.nodes[i]!.inputs) found.add(input)
  return found
}

/** The first affine map that mixes elements names a combination: it is the layer that people look for, others are reshapes and scalings. */
function nameOf(value: Combination, next: string): string {
  const onlyScaled = [...value.terms.values()].every(({ matrix }) => isDiagonal(matrix))
  return onlyScaled ? next : value.name
}

function mapCombination(value: Combination, map: AffineMap, name: string): Combination {
  const linear = affine(map.matrix)
  // The bias must count once, however many bases there are.
  const terms = [...value.terms].map(([from, inner], i): [number, AffineMap] => [
    from,
    compose(i === 0 ? map : linear, inner),
  ])
  const mixes = !isDiagonal(map.matrix)
  if (value.open) return { terms: new Map(terms), name: mixes ? name : value.name, open: !mixes }
  return { terms: new Map(terms), name: nameOf(value, name) }
}

function addCombinations(a: Combination, b: Combination, name: string): Combination {
  const terms = new Map(a.terms)
  for (const [from, map] of b.terms) {
    const other = terms.get(from)
    terms.set(from, other ? sumMaps(other, map) : map)
  }
  return { terms, name: nameOf(a, nameOf(b, name)), ...(terms.size > 1 && { open: true }) }
}
