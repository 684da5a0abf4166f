import { planLinear } from '@glovebox/he'
import type { Graph, Node } from '../graph/graph.ts'
import { type AffineMap, identityMap } from '../tensor/affine.ts'
import { type Circuit, type CircuitStep, rotationCost } from './circuit.ts'
import { diagonalise, offsetsOf } from './diagonals.ts'
import { hasCopies, type Layout, plainLayout, sameLayout, spread } from './layout.ts'
import { type WindowLayouts, windowLayouts, windowSlots } from './windows.ts'

/**
 * Lays a lowered graph out in slots: the cheapest of the plain layout and, for every map of the input, the layout by that map's windows.
 * Vectors that do not fit into one ciphertext take several.
 */
export function packSlots(graph: Graph, slots: number): Circuit {
  const plain = assemble(graph, slots, undefined)
  const free = freeNodes(graph)
  const candidates = graph.nodes
    .map((node, index) => ({ node, index }))
    .filter(({ node }) => node.op === 'affine' && free.has(node.inputs[0]!) && windowSlots(node.map!.matrix) <= slots)
    .map(({ node, index }) => ({ node, index, layouts: windowLayouts(node.map!.matrix) }))
    .filter(({ index, layouts }) => layouts.complete || onlyUser(graph, free, index))
    .map((candidate) => ({ ...candidate, circuit: assemble(graph, slots, candidate) }))
    .sort((a, b) => rotationCost(a.circuit) - rotationCost(b.circuit))
  const best = candidates[0]
  const describe = (circuit: Circuit): string => `${rotationCost(circuit).toFixed(1)} rotations`
  if (!best || rotationCost(best.circuit) >= rotationCost(plain)) {
    return {
      ...plain,
      notes: [
        `input in plain order, ${plain.input.tiles > 1 ? `${plain.input.tiles} ciphertexts` : `period ${plain.input.period}`} (${describe(plain)})`,
      ],
    }
  }
  const { windows, taps, channels } = best.layouts
  return {
    ...best.circuit,
    notes: [
      `input by windows of "${best.node.name}": ${windows} windows x ${taps} taps in ${best.circuit.input.period} slots, ${channels} channels ` +
        `(${describe(best.circuit)}; in plain order ${describe(plain)})`,
    ],
  }
}

/** The input and products of nothing but the input: their layout is the client's choice. */
function freeNodes(graph: Graph): Set<number> {
  const free = new Set([0])
  graph.nodes.forEach((node, i) => {
    if (node.op === 'multiply' && node.inputs.every((input) => free.has(input))) free.add(i)
  })
  return free
}

/** Whether nothing but one affine node reads what the client lays out, so that other elements are not missed. */
function onlyUser(graph: Graph, free: ReadonlySet<number>, index: number): boolean {
  return graph.nodes.every((node, i) => i === index || free.has(i) || !node.inputs.some((input) => free.has(input)))
}

interface WindowChoice {
  readonly index: number
  readonly layouts: WindowLayouts
}

interface Placed {
  readonly register: number
  readonly layout: Layout
}

function assemble(graph: Graph, slots: number, choice: WindowChoice | undefined): Circuit {
  const steps: CircuitStep[] = []
  const tiles: number[] = []
  const bases = new Map<number, Placed>([
    [0, { register: 0, layout: choice?.layouts.input ?? plainLayout(graph.nodes[0]!.size, slots) }],
  ])
  const mapped = new Map<number, Placed[]>()
  const free = freeNodes(graph)

  const push = (step: CircuitStep, layout: Layout): number => {
    tiles.push(layout.tiles)
    return steps.push(step)
  }
  const linear = (from: Placed, affine: AffineMap, layout: Layout, name: string): Placed => {
    const diagonals = diagonalise(affine.matrix, from.layout, layout)
    const plan = planLinear(offsetsOf(diagonals), slots)
    const bias = affine.bias.some((v) => v !== 0) ? spread(layout, affine.bias) : undefined
    const map = { kind: 'rotations', diagonals, plan } as const
    return { register: push({ op: 'linear', name, input: from.register, map, bias }, layout), layout }
  }
  /** The layout that a value has, or would best be given. */
  const wish = (index: number): Layout => {
    const base = bases.get(index)
    if (base) return base.layout
    return choice && termsOf(graph, index).includes(choice.index)
      ? choice.layouts.output
      : plainLayout(graph.nodes[index]!.size, slots)
  }
  const place = (index: number, layout: Layout): Placed => {
    const done = [bases.get(index), ...(mapped.get(index) ?? [])].find(
      (placed) => placed && sameLayout(placed.layout, layout),
    )
    if (done) return done
    const node = graph.nodes[index]!
    const base = bases.get(index)
    const placed = base ? linear(base, identityMap(node.size), layout, node.name) : compute(node, layout)
    mapped.set(index, [...(mapped.get(index) ?? []), placed])
    return placed
  }
  const compute = (node: Node, layout: Layout): Placed => {
    if (node.op === 'affine') return linear(bases.get(node.inputs[0]!)!, node.map!, layout, node.name)
    const [a, b] = node.inputs.map((input) => place(input, layout).register) as [number, number]
    return { register: push({ op: 'add', name: node.name, inputs: [a, b] }, layout), layout }
  }

  graph.nodes.forEach((node, index) => {
    if (node.op !== 'multiply') return
    const [a, b] = node.inputs as [number, number]
    // Where one side already has a layout, the other follows; else the one by windows wins.
    const second = !bases.has(a) && (bases.has(b) || (choice && termsOf(graph, b).includes(choice.index)))
    const wishes = (second ? [b, a] : [a, b]).map(wish)
    // Copies are the client's: what is computed gets none, since it would take a diagonal for nearly every one of them.
    const layout = free.has(index)
      ? wishes[0]!
      : (wishes.find((wished) => !hasCopies(wished)) ?? plainLayout(node.size, slots))
    const inputs: [number, number] = [place(a, layout).register, place(b, layout).register]
    bases.set(index, { register: push({ op: 'multiply', name: node.name, inputs }, layout), layout })
  })
  const output = place(graph.output, wish(graph.output))
  // The output register is the last one; later products cannot exist, as all that is computed leads to the output.
  const input = bases.get(0)!.layout
  return {
    packing: 'slots',
    encoding: 'slots',
    capacity: slots,
    input,
    output: output.layout,
    steps,
    tiles: [input.tiles, ...tiles],
    notes: [],
  }
}

/** The affine nodes that a value is the sum of. */
function termsOf(graph: Graph, index: number): number[] {
  const node = graph.nodes[index]!
  if (node.op === 'affine') return [index]
  return node.op === 'add' ? node.inputs.flatMap((input) => termsOf(graph, input)) : []
}
