import { cuckooSecurity } from '../hashing/cuckoo.ts'
import { type FitOptions, fitModulus, smallestPlaintextModulus } from '../params/fit.ts'
import type { MatrixCircuit, PowersCircuit } from '../params/noise.ts'
import type { PowersLiteral, SetParamsLiteral } from '../params/params.ts'
import { extremalBases, powersPlan, reachOf, wantedPowers } from '../params/postage-stamp.ts'
import { deriveShape } from '../params/set-params.ts'
import { bucketItems, fullestBin } from './predict.ts'
import type { Request, Sized } from './request.ts'

/** A literal, and what it is going to be as parameters, which takes a millisecond more. */
export interface Candidate {
  readonly literal: SetParamsLiteral
  readonly sized: Sized
}

/** What decides how powers are made. */
interface Scheme {
  readonly queryPowers: readonly number[]
  readonly psLowDegree: number
  /** The largest degree that they reach. */
  readonly degree: number
}

/** Uploads that are plausible: all powers, those of depth 1 or 2, and Paterson–Stockmeyer on two bases. */
function* schemes(): Generator<Scheme> {
  for (const degree of [6, 10, 14, 20, 28, 40, 56, 80])
    yield { queryPowers: Array.from({ length: degree }, (_, i) => i + 1), psLowDegree: 0, degree }
  for (const stamps of [2, 4] as const)
    for (const basis of extremalBases[stamps].slice(1))
      yield { queryPowers: basis, psLowDegree: 0, degree: reachOf(basis, stamps) }
  for (const low of [
    [1, 2, 3],
    [1, 3, 4],
    [1, 3, 5, 6],
    [1, 5, 8],
    [1, 3, 11, 18],
  ])
    for (const high of [
      [1, 2],
      [1, 3, 4],
      [1, 3, 5, 6],
      [1, 2, 5, 8, 9, 10],
      [1, 5, 8],
      [1, 3, 11, 18],
    ]) {
      const step =
        reachOf(low, low.length > 2 && low[1] === 2 ? 1 : low[2]! > 4 && low.length < 5 && low[1] !== 3 ? 4 : 2) + 1
      const highs = reachOf(high, high.length < 3 || high.includes(4) || high.includes(6) || high.includes(9) ? 2 : 4)
      yield {
        queryPowers: [...new Set([...low, ...high.map((power) => power * step)])].sort((a, b) => a - b),
        psLowDegree: step - 1,
        degree: step * (highs + 1) - 1,
      }
    }
}

const ringDegrees = [2048, 4096, 8192]
const hashFunctions = 3
/** Items from which on a query for each is not thought of. */
const mostQueries = 64
/** Security of a placement, where a table is so full that it counts; the receiver splits what does not fit. */
const placement = 40

/** The fewest bits of a field element so that `rows` · receiverItems rows match by chance with a probability of 2^-40 at most. */
function feltBits(felts: number, rows: number, itemsPerRow: number, receiverItems: number): number {
  return Math.ceil((40.01 + Math.log2(receiverItems * rows)) / felts + Math.log2(itemsPerRow))
}

/** A modulus for each field element that is long enough, no longer than 128 bits in all and none where t would be out of range. */
function plaintextModulus(bits: number, felts: number, ringDegree: number): number | undefined {
  const least = ringDegree === 2048 ? 13 : Math.log2(ringDegree) + 3
  const used = Math.max(bits, least)
  if (used > 25 || used * felts > 128) return undefined
  const t = smallestPlaintextModulus(used, ringDegree)
  return t < 2 ** 26 && Math.floor(Math.log2(t)) * felts <= 128 ? t : undefined
}

function* matrixLiterals(
  { senderItems, receiverItems, labelBytes }: Request,
  prefixBits: number,
): Generator<Candidate> {
  const items = bucketItems(senderItems, prefixBits)
  for (const ringDegree of [4096, 8192])
    for (let degree = 32; degree <= Math.min(2048, ringDegree / 2); degree *= 2) {
      const bins = ringDegree / 2
      const blocks = Math.ceil(items / (bins * (degree - 1)))
      for (const felts of [2, 4, 6]) {
        const rows = bins * blocks
        const itemsPerRow = labelBytes > 0 ? degree - 1 : Math.ceil(items / rows)
        const t = plaintextModulus(
          feltBits(felts, rows, Math.max(itemsPerRow, degree - 1), receiverItems),
          felts,
          ringDegree,
        )
        if (t === undefined) continue
        const polynomials = 1 + Math.ceil((8 * labelBytes) / (felts * Math.floor(Math.log2(t))))
        const best = 2 ** Math.round(Math.log2(degree * blocks * polynomials) / 2)
        const babySteps = Math.max(2, Math.min(degree / 2, best))
        const circuit: MatrixCircuit = { method: 'matrix', degree, babySteps }
        const fit = { ringDegree, plaintextModulus: t, circuit, keys: true, primes: [2, 4] } as const
        yield* fitted(fit, { feltsPerItem: felts, labelBytes, prefixBits, matrix: { degree, babySteps } })
      }
    }
}

/** Tables of whole groups of bins that hold the receiver's items; 0 for one item, which is in every bin. */
function tableSize(perGroup: number, receiverItems: number): number | undefined {
  for (let groups = 1; groups <= 64; groups++) {
    const bins = groups * perGroup
    if (bins < 1.45 * receiverItems) continue
    if (receiverItems >= 512 && cuckooSecurity(receiverItems, bins) < placement) continue
    return bins
  }
  return undefined
}

/** The degree that a bundle needs so that as few bundles as this scheme allows are evenly full. */
function evenDegree(scheme: Scheme, items: number): number {
  return Math.max(scheme.psLowDegree + 1, Math.min(scheme.degree, Math.ceil(items / Math.ceil(items / scheme.degree))))
}

function* powersLiterals(request: Request, prefixBits: number): Generator<Candidate> {
  const { senderItems, receiverItems, labelBytes } = request
  const items = bucketItems(senderItems, prefixBits)
  const circuits = new Map<string, PowersCircuit>()
  const circuitOf = (queryPowers: readonly number[], maxItemsPerBin: number, psLowDegree: number): PowersCircuit => {
    const name = `${queryPowers.join()} ${psLowDegree} ${maxItemsPerBin}`
    const known = circuits.get(name)
    if (known) return known
    const products = powersPlan(queryPowers, wantedPowers(maxItemsPerBin, psLowDegree))
    const circuit: PowersCircuit = { method: 'powers', products, maxItemsPerBin, psLowDegree }
    circuits.set(name, circuit)
    return circuit
  }
  for (const hashes of prefixBits === 0 ? [0, hashFunctions] : [0]) {
    // With a prefix items are asked for one by one, however many there are.
    if (hashes === 0 && receiverItems > mostQueries && prefixBits === 0) continue
    for (const ringDegree of ringDegrees)
      for (const scheme of schemes())
        for (let felts = 3, last = 0; felts <= 8; felts++) {
          const perGroup = Math.floor(ringDegree / felts)
          const bins = hashes === 0 ? perGroup : tableSize(perGroup, receiverItems)
          if (bins === undefined) continue
          const perBin = hashes === 0 ? Math.ceil(items / bins) : fullestBin(items, hashes, bins)
          const maxItemsPerBin = labelBytes > 0 ? scheme.degree : evenDegree(scheme, perBin)
          const fill = labelBytes > 0 ? Math.max(1, Math.floor(0.95 * maxItemsPerBin)) : maxItemsPerBin
          const bundles = Math.ceil(perBin / fill)
          const rows = bundles * (hashes === 0 ? bins : 1)
          const t = plaintextModulus(feltBits(felts, rows, maxItemsPerBin, receiverItems), felts, ringDegree)
          // More elements of the same size are of no use.
          if (t === undefined || t === last) continue
          last = t
          const queryPowers = scheme.queryPowers.filter((power) => power <= maxItemsPerBin)
          const circuit = circuitOf(queryPowers, maxItemsPerBin, scheme.psLowDegree)
          const { products } = circuit
          const keys = products.length > 0 || (scheme.psLowDegree > 0 && scheme.psLowDegree < maxItemsPerBin)
          if (keys && ringDegree === 2048) continue
          const powers: PowersLiteral = {
            hashFunctions: hashes,
            tableSize: bins,
            maxItemsPerBin,
            queryPowers,
            psLowDegree: scheme.psLowDegree,
          }
          const fit = {
            ringDegree,
            plaintextModulus: t,
            circuit,
            keys,
            primes: [1, ringDegree === 2048 ? 1 : 4],
          } as const
          yield* fitted(fit, { feltsPerItem: felts, labelBytes, prefixBits, powers })
        }
  }
}

/** The candidate with the smallest primes that fit, if there are any. */
function* fitted(fit: FitOptions, rest: Omit<SetParamsLiteral, 'he' | 'method'>): Generator<Candidate> {
  const found = fitModulus(fit)
  if (!found) return
  const { modulusBits, specialBits, moduli, innerLevel, replyBits, marginBits } = found
  const { ringDegree, plaintextModulus: t, circuit } = fit
  yield {
    literal: {
      method: circuit.method,
      he: { scheme: 'bfv', ringDegree, modulusBits, specialBits, digitSize: 1, plaintextModulus: t },
      ...rest,
    },
    sized: {
      ...deriveShape({ he: moduli, ...rest, products: circuit.method === 'powers' ? circuit.products : undefined }),
      he: moduli,
      innerLevel,
      replyBits,
      noise: { marginBits },
    },
  }
}

/** All sets of parameters that a request may be answered with. */
export function* candidates(request: Request): Generator<Candidate> {
  for (const prefixBits of request.prefixes) {
    if (request.receiverItems <= mostQueries || prefixBits > 0) yield* matrixLiterals(request, prefixBits)
    yield* powersLiterals(request, prefixBits)
  }
}
