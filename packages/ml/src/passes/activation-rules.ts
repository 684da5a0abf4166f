import { type Method, maxDegree } from '../approximation/fit.ts'
import { type Activation, activationKinds } from '../graph/activation.ts'
import type { Graph } from '../graph/graph.ts'

/** What stands for an activation: x², whatever it was, or the best polynomial of a degree from 1 to 31. */
export type ActivationSpec = 'square' | { readonly degree: number; readonly method?: Method }

/** Which activations get what. A rule without a layer and a kind is for all; one for a layer is stronger than one for a kind, and the last one wins. */
export interface ActivationRule {
  /** The name of the activation, or of one of the affine layers right before it. */
  readonly layer?: string
  /** Only activations of this kind. */
  readonly kind?: Activation['kind']
  /** What stands for them. */
  readonly spec: ActivationSpec
}

function kindNamed(text: string): Activation['kind'] | undefined {
  return activationKinds.find((kind) => kind.toLowerCase() === text.toLowerCase())
}

/**
 * Rules from texts as a command line has them: `relu=square`, `sigmoid=7`, `all=minimax:4`, `conv1=2`, `conv1=relu:minimax:4`.
 * Before the sign: the kind of the activation, a layer, or `all`; behind it: a kind, where the layer has several, a method, and a degree or `square`.
 * Throws RangeError for a text that is none.
 */
export function parseActivations(texts: readonly string[]): ActivationRule[] {
  return texts.map((text) => {
    const sign = text.lastIndexOf('=')
    const [key, words] = [text.slice(0, sign), text.slice(sign + 1).split(':')]
    const last = words.pop()!
    const own = kindNamed(key)
    const kind = own ?? (words[0] === undefined ? undefined : kindNamed(words[0]))
    if (own === undefined && kind !== undefined) words.shift()
    const method = words[0] === 'minimax' || words[0] === 'least-squares' ? (words.shift() as Method) : undefined
    const degree = /^\d{1,2}$/.test(last) ? Number(last) : 0
    const square = last === 'square' && method === undefined
    if (sign < 1 || words.length > 0 || !(square || (degree >= 1 && degree <= maxDegree))) {
      throw new RangeError(
        `"activation" expected LAYER=DEGREE with a degree from 1 to ${maxDegree} or "square", as in relu=square, sigmoid=7 or conv1=relu:minimax:4, got "${text}"`,
      )
    }
    const spec: ActivationSpec = square ? 'square' : method ? { degree, method } : { degree }
    const layer = own === undefined && key !== 'all' ? key : undefined
    return { ...(layer !== undefined && { layer }), ...(kind && { kind }), spec }
  })
}

/** The spec of every activation that a rule speaks of, by the index of its node. Throws RangeError for a rule that fits none, and for a degree out of range. */
export function applyRules(graph: Graph, rules: readonly ActivationRule[]): Map<number, ActivationSpec> {
  const specs = new Map<number, { readonly spec: ActivationSpec; readonly strength: number }>()
  const activations = graph.nodes.flatMap((node, index) =>
    node.activation ? [{ index, kind: node.activation.kind, names: namesOf(graph, index) }] : [],
  )
  for (const { layer, kind, spec } of rules) {
    if (spec !== 'square' && !(Number.isInteger(spec.degree) && spec.degree >= 1 && spec.degree <= maxDegree))
      throw new RangeError(`"degree" expected an integer from 1 to ${maxDegree}, got ${String(spec.degree)}`)
    const strength = (layer === undefined ? 0 : 2) + (kind === undefined ? 0 : 1)
    const fitting = activations.filter(
      (own) => (layer === undefined || own.names.includes(layer)) && (kind === undefined || own.kind === kind),
    )
    if (strength > 0 && fitting.length === 0) {
      const known = activations.map((own) => `${own.names.join(' > ')} (${own.kind})`).join(', ')
      const asked = [layer, kind].filter((part) => part !== undefined).join('=')
      throw new RangeError(`an activation rule is for "${asked}", which the model has not: ${known || 'it has none'}`)
    }
    for (const { index } of fitting)
      if (strength >= (specs.get(index)?.strength ?? 0)) specs.set(index, { spec, strength })
  }
  return new Map([...specs].map(([index, { spec }]) => [index, spec]))
}

/** The names of an activation and of the affine layers right before it, first to last. */
function namesOf(graph: Graph, index: number): string[] {
  const names: string[] = []
  for (let at = index; at === index || graph.nodes[at]!.op === 'affine'; at = graph.nodes[at]!.inputs[0]!)
    names.unshift(graph.nodes[at]!.name)
  return [...new Set(names)]
}
