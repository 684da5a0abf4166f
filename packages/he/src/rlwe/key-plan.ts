import { GloveboxError } from '../base/errors.ts'
import { frameOverhead } from '../base/frame.ts'
import { requireArray, requireObject } from '../base/require.ts'
import { formatTable } from '../base/text-table.ts'
import { checkedParams, describeMismatch, type Params, type ParamsLiteral } from '../params/params.ts'
import { conjugationElement, rotationElement } from './keys.ts'
import { switchingKeyBytes, switchingKeyMemory } from './sizes.ts'

/** The evaluation keys that a circuit uses, each at the highest level that it is used at; a level left out is the top. */
export interface KeyNeeds {
  /** Whether there are products; at which level at most, 0 to `maxLevel` (default: the top). Default: none. */
  readonly relinearisation?: boolean | { readonly level?: number }
  /** Slots to the left by `steps`, integers: 0 needs no key, steps that differ by a multiple of N/2 are one. `level`: 0 to `maxLevel`. Default: none. */
  readonly rotations?: readonly { readonly steps: number; readonly level?: number }[]
  /** Complex conjugation (CKKS), or swapping the rows (BFV, BGV); `level` from 0 to `maxLevel`. Default: none. */
  readonly conjugate?: boolean | { readonly level?: number }
}

/** Keys that are not made yet: which, for which level, and how many bytes they will have. */
export interface KeyPlan {
  /** The parameters that it is for, checked. */
  readonly params: Params
  /** As `createRelinearisationKey` takes it, level 0 to `maxLevel`; undefined where none is needed. */
  readonly relinearisation: { readonly level: number } | undefined
  /** As `createGaloisKeys` takes them, one for each key, none for 0 steps, in ascending order of their Galois elements. */
  readonly requests: readonly { readonly steps: number | 'conjugate'; readonly level: number }[]
  /** The exact length of `encodeEvaluationKeys`, in bytes. */
  bytes(): number
  /** What the keys take in memory once they are made or read, in bytes: both halves of every digit, 8 bytes a residue and 192 a limb. */
  memory(): number
  /** One line per key and one for all, for people: level, bytes on the wire and in memory. */
  describe(): string
}

type Request = KeyPlan['requests'][number]

function levelOf(params: Params, name: string, need: { readonly level?: number }): number {
  const level = need.level ?? params.maxLevel
  if (!Number.isInteger(level) || level < 0 || level > params.maxLevel)
    throw new RangeError(`"${name}.level" expected an integer from 0 to ${params.maxLevel}, got ${level}`)
  return level
}

function build(
  params: Params,
  relinearisation: { readonly level: number } | undefined,
  galois: ReadonlyMap<number, Request>,
): KeyPlan {
  if (params.special.length === 0 && (relinearisation !== undefined || galois.size > 0)) {
    throw new GloveboxError(
      'unsupported',
      'the parameters have no special prime ("specialBits" is empty), so there are no evaluation keys',
    )
  }
  const elements = [...galois.keys()].sort((a, b) => a - b)
  const requests = elements.map((element) => galois.get(element)!)
  const levels = [...(relinearisation ? [relinearisation.level] : []), ...requests.map(({ level }) => level)]
  // relinearisation u8 [key], count u32, then for each Galois key its element u32: see writeEvaluationKeys.
  const head = 5 + 4 * requests.length
  const sum = (size: (params: Params, level: number) => number): number =>
    levels.reduce((total, level) => total + size(params, level), 0)
  const bytes = (): number => frameOverhead + head + sum(switchingKeyBytes)
  const memory = (): number => sum(switchingKeyMemory)
  const describe = (): string => {
    const row = (name: string, level: number): string[] => [
      name,
      String(level),
      switchingKeyBytes(params, level).toLocaleString('en'),
      switchingKeyMemory(params, level).toLocaleString('en'),
    ]
    const rows = [
      ...(relinearisation ? [row('relinearisation', relinearisation.level)] : []),
      ...requests.map(({ steps, level }) => row(steps === 'conjugate' ? steps : `rotate by ${steps}`, level)),
      ['in all', '', bytes().toLocaleString('en'), memory().toLocaleString('en')],
    ]
    return formatTable(['key', 'level', 'bytes', 'bytes in memory'], rows, [1, 2, 3])
  }
  return Object.freeze({ params, relinearisation, requests: Object.freeze(requests), bytes, memory, describe })
}

/** Of two requests for one key the higher level counts: a key serves every level below its own. */
function ask(galois: Map<number, Request>, n: number, request: Request): void {
  const element = request.steps === 'conjugate' ? conjugationElement({ n }) : rotationElement({ n }, request.steps)
  if (element === 1) return
  const known = galois.get(element)
  if (known === undefined || known.level < request.level)
    galois.set(element, { steps: known?.steps ?? request.steps, level: request.level })
}

/**
 * Plans evaluation keys before they are made, each only for the level that it is used at.
 *
 * ```ts
 * const plan = planKeys(params, { relinearisation: true, rotations: [{ steps: 1, level: 2 }] })
 * plan.bytes() // what the client will upload
 * createGaloisKeys(context, secret, plan.requests)
 * ```
 *
 * @throws RangeError for a level that the parameters do not have; TypeError for rotations that are no array of objects, and for steps that are no
 * integers; GloveboxError `unsupported` for keys under parameters without special primes. A literal is checked by `createParams`, and throws as that does.
 */
export function planKeys(params: Params | ParamsLiteral, needs: KeyNeeds): KeyPlan {
  const checked = checkedParams(params)
  const n = checked.ringDegree
  const { relinearisation, rotations = [], conjugate } = needs
  const galois = new Map<number, Request>()
  requireArray('rotations', 'an array of { steps, level? }', rotations)
  rotations.forEach((rotation, i) => {
    requireObject(`rotations[${i}]`, '{ steps, level? }', rotation)
    const { steps, level } = rotation
    ask(galois, n, { steps, level: levelOf(checked, `rotations[${i}]`, { ...(level !== undefined && { level }) }) })
  })
  const wanted = (need: KeyNeeds['conjugate']): { readonly level?: number } | undefined =>
    need === true ? {} : need || undefined
  const flip = wanted(conjugate)
  if (flip) ask(galois, n, { steps: 'conjugate', level: levelOf(checked, 'conjugate', flip) })
  const product = wanted(relinearisation)
  return build(checked, product && { level: levelOf(checked, 'relinearisation', product) }, galois)
}

/**
 * The keys that serve all of several circuits under the same parameters, each at the highest level that one of them asks for.
 * @throws TypeError without any plan; GloveboxError `parameters-mismatch` for plans of other parameters, `unsupported` for keys under parameters
 * without special primes.
 */
export function mergeKeyPlans(...plans: readonly KeyPlan[]): KeyPlan {
  const [first] = plans
  if (first === undefined) throw new TypeError('"plans" expected at least one key plan, got none')
  const { params } = first
  const galois = new Map<number, Request>()
  let level = -1
  for (const plan of plans) {
    if (plan.params.digest !== params.digest) {
      throw new GloveboxError(
        'parameters-mismatch',
        `"plans" expected one set of parameters: ${describeMismatch(params, plan.params)}`,
      )
    }
    level = Math.max(level, plan.relinearisation?.level ?? -1)
    for (const request of plan.requests) ask(galois, params.ringDegree, request)
  }
  return build(params, level < 0 ? undefined : { level }, galois)
}
