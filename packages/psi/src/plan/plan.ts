import { GloveboxError } from '@glovebox/he'
import type { SetParamsLiteral } from '../params/params.ts'
import { createSetParams, type SetParams } from '../params/set-params.ts'
import { type Candidate, candidates } from './candidates.ts'
import { costs } from './costs.ts'
import { predict } from './predict.ts'
import {
  checkRequest,
  type PlanCandidate,
  type PlanPrediction,
  type PlanRequest,
  type Request,
  type Sized,
} from './request.ts'

/** A choice of parameters, and what it was chosen from. */
export interface SetPlan extends PlanCandidate {
  /** Those that were chosen. */
  readonly params: SetParams
  /** What a run with them is expected to take. */
  readonly predicted: PlanPrediction
  /** The best of each kind, the chosen one first. */
  readonly candidates: readonly PlanCandidate[]
  /** Why, in a sentence. */
  readonly why: string
}

/** Candidates that are told of. */
const shown = 8

/** What a bit of prefix has to save, as a share: what is told is told for good. */
const prefixPrice = 0.02

function price(
  { predicted, sized }: { readonly predicted: PlanPrediction; readonly sized: Sized },
  { objective, reuseKeys }: Request,
): number {
  const { uploadBytes, replyBytes, keyBytes, totalMs, serverMs } = predicted
  // Of two that are as good the one with less work.
  const value =
    objective === 'time'
      ? totalMs + 1e-3 * serverMs
      : uploadBytes + replyBytes + (reuseKeys ? 0 : keyBytes) + 1e-3 * totalMs
  return value * (1 + prefixPrice * sized.prefixBits)
}

/** What a candidate is like, so that not eight of the same are told of. */
function kindOf({ method, n, prefixBits, powers, relinearise }: Sized): string {
  return [method, n, prefixBits, powers?.hashFunctions, powers && powers.psLowDegree > 0, relinearise].join()
}

/**
 * Chooses parameters for a set: the least time of a run, or the fewest bytes, among those that are secure at 128 bits, decrypt wrongly with a probability of
 * 2^-40 at most, and match by chance with one of 2^-40 a run at most. Bytes are exact; times are those of the cost table, on its machine.
 * @throws TypeError and RangeError for a request out of range; GloveboxError `unsupported` where nothing fits: then allow more memory, a prefix, or
 * fewer items of the receiver at a time.
 */
export function planSet(request: PlanRequest): SetPlan {
  const checked = checkRequest(request, costs)
  const found: (Candidate & { readonly predicted: PlanPrediction })[] = []
  let leastMemory = Infinity
  for (const candidate of candidates(checked)) {
    const predicted = predict(candidate.sized, checked)
    if (predicted.falsePositiveLog2 > -40) continue
    leastMemory = Math.min(leastMemory, predicted.memoryMB)
    if (predicted.memoryMB <= checked.maxMemoryMB) found.push({ ...candidate, predicted })
  }
  if (found.length === 0)
    throw new GloveboxError(
      'unsupported',
      leastMemory < Infinity
        ? `no parameters for ${checked.senderItems} items fit into ${checked.maxMemoryMB} MB, the least is ${Math.ceil(leastMemory)} MB: raise "maxMemoryMB", or split the set`
        : `no parameters for ${checked.senderItems} items against ${checked.receiverItems} keep chance matches below 2^-40: ask for fewer items at a time, or allow a prefix`,
    )
  const best = bestOf(found, checked)
  return { ...best[0], candidates: best, why: explain(best[0], best[1], checked, found.length) }
}

/** The best of each kind that `create` takes; throws `unsupported` where it takes none. */
export function bestOf(
  found: (Candidate & { readonly predicted: PlanPrediction })[],
  checked: Request,
  create: (literal: SetParamsLiteral) => SetParams = createSetParams,
): readonly [PlanCandidate, ...PlanCandidate[]] {
  found.sort((a, b) => price(a, checked) - price(b, checked))
  const kinds = new Set<string>()
  const best: PlanCandidate[] = []
  let refusal = ''
  for (const { literal, sized } of found) {
    const kind = kindOf(sized)
    if (best.length === shown || kinds.has(kind)) continue
    const params = tryParams(literal, create)
    if (typeof params === 'string') {
      refusal = params
      continue
    }
    kinds.add(kind)
    best.push({ params, predicted: predict(params, checked) })
  }
  const [chosen, ...others] = best
  if (!chosen)
    throw new GloveboxError(
      'unsupported',
      `none of ${found.length} sets of parameters for ${checked.senderItems} items leaves the noise that was estimated, the last of them as ${refusal}: ask for shorter labels, fewer items at a time, or a prefix`,
    )
  return [chosen, ...others]
}

/** A reason where primes of just below 2^bits leave a hair less noise than estimated. */
function tryParams(literal: SetParamsLiteral, create: (literal: SetParamsLiteral) => SetParams): SetParams | string {
  try {
    return create(literal)
  } catch (error) {
    if (error instanceof GloveboxError && error.code === 'unsupported') return error.message
    throw error
  }
}

function explain(best: PlanCandidate, second: PlanCandidate | undefined, request: Request, count: number): string {
  const { objective, link } = request
  const value = ({ predicted: p }: PlanCandidate): string =>
    objective === 'time' ? `${p.totalMs.toFixed(0)} ms` : `${Math.round((p.uploadBytes + p.replyBytes) / 1000)} KB`
  const rest = second ? `; the best of another kind (${describe(second.params)}) needs ${value(second)}` : ''
  return `${describe(best.params)}: ${value(best)} a run at ${link.megabitsPerSecond} Mbit/s, the least of ${count} sets of parameters${rest}`
}

/** A few words on parameters, for people. */
export function describe({ method, n, he, powers, matrix, prefixBits, t, feltsPerItem }: SetParams): string {
  const bits = [...he.literal.modulusBits, ...he.literal.specialBits.map((b) => `(${b})`)].join('+')
  const ring = `N ${n}, ${bits}, t ${t}, ${feltsPerItem} felts`
  const prefix = prefixBits > 0 ? `, prefix ${prefixBits}` : ''
  if (method === 'matrix') return `matrix D ${matrix!.degree}/${matrix!.babySteps}, ${ring}${prefix}`
  const table = powers!.hashFunctions > 0 ? `, cuckoo ${powers!.hashFunctions} in ${powers!.tableSize}` : ''
  const ps = powers!.psLowDegree > 0 ? `, PS ${powers!.psLowDegree}` : ''
  return `powers B ${powers!.maxItemsPerBin} of ${powers!.queryPowers.length}${ps}${table}, ${ring}${prefix}`
}
