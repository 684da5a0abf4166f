import type { Params } from '@glovebox/he'
import type { PowerProduct } from './postage-stamp.ts'

/** Of a coefficient of a fresh error: centred binomial, sigma 3.24 (`encryptSymmetric`); and of nearest(Q m / t). */
const freshVariance = 10.5 + 1 / 12
const errorVariance = 10.5
/** Replies that one run may have, of N coefficients each: the failure probability is that of all of them. */
const mostReplies = 2 ** 16
/** log2 of the probability that a run decrypts one coefficient wrongly. */
export const failureLog2 = -40
/** Bits that the noise has to stay below what it may be, for what the estimate does not know. */
export const reserveBits = 0.5

/**
 * Noise of a value under encryption: x = Q m / t + e modulo Q.
 *
 * Coefficients of e are sums of very many terms, so normal once the keys are given; what is estimated is their variance, with plaintexts of uniform
 * coefficients (Costache, Laine, Player 2020, eprint 2019/493). A product of values multiplies the error by x t / Q = (c_0 + c_1 s) t / Q, whose value at a
 * root of unity is about normal times s's: E |s|^(2d) = d! E |s|^2^d, hence the power of s is counted.
 */
interface Noise {
  readonly variance: number
  /** How often s is a factor of the error, at most. */
  readonly secrets: number
}

/** What the noise of a run is at each stage, in bits; budgets are -log2(2 |v|) as `noiseBudget` has it, of the largest of N coefficients. */
export interface NoiseEstimate {
  /** Of the worst power, before it is switched down; the fresh query without products. */
  readonly powersBudget: number
  /** Of the result at the level of the inner products. */
  readonly resultBudget: number
  /** Of the result at level 0, before it is trimmed. */
  readonly replyBudget: number
  /** How much larger the noise at level 0 could be, in bits, before one of 2^16 replies fails with a probability above 2^-40; required are 0.5. */
  readonly marginBits: number
}

/** What of parameters decides noise. */
export type Moduli = Pick<Params, 'ringDegree' | 'primes' | 'special' | 'digitSize' | 'plaintextModulus' | 'maxLevel'>

/** What a run does, as far as noise is concerned. */
export type Circuit = PowersCircuit | MatrixCircuit

export interface PowersCircuit {
  readonly method: 'powers'
  /** The powers that are made, in order. */
  readonly products: readonly PowerProduct[]
  readonly maxItemsPerBin: number
  readonly psLowDegree: number
}

export interface MatrixCircuit {
  readonly method: 'matrix'
  readonly degree: number
  readonly babySteps: number
}

/** 1 and |s|^2, of a rounding r_0 + r_1 s, times its variance. */
function roundingVariance(n: number): number {
  return (1 + (2 * n) / 3) / 12
}

/** log2 of the product of primes[from] … primes[to - 1]. */
function log2Product(primes: readonly number[], from = 0, to: number = primes.length): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += Math.log2(primes[i]!)
  return sum
}

/** Digits, uniform below D, times errors, over P, and rounding; Han and Ki 2020 (eprint 2019/688), section 3. */
function keySwitchVariance({ ringDegree: n, primes, special, digitSize }: Moduli, level: number): number {
  let variance = roundingVariance(n)
  for (let first = 0; first <= level; first += digitSize) {
    const digit = log2Product(primes, first, Math.min(first + digitSize, level + 1))
    variance += (n * errorVariance * 4 ** (digit - log2Product(special))) / 12
  }
  return variance
}

/** To a lower level. */
function switched({ variance, secrets }: Noise, he: Moduli, from: number, to: number): Noise {
  if (to >= from) return { variance, secrets }
  const scaled = variance * 4 ** -log2Product(he.primes, to + 1, from + 1)
  return { variance: scaled + roundingVariance(he.ringDegree), secrets: Math.max(1, secrets) }
}

/**
 * Kim, Polyakov, Zucca 2021 (eprint 2021/204): e_1 X_2 + e_2 X_1 + t/Q e_1 e_2 + rounding, X of variance t^2 (1 + 2N/3) / 12. Powers of one item have errors
 * that are not independent: their deviations are added, not their variances.
 */
function multiplied(a: Noise, b: Noise, he: Moduli, level: number): Noise {
  const n = he.ringDegree
  const t = he.plaintextModulus!
  const secrets = Math.max(a.secrets, b.secrets) + 1
  const linear = (Math.sqrt(a.variance) + Math.sqrt(b.variance)) ** 2 * n * t * t * roundingVariance(n) * secrets
  const crossed = n * a.variance * b.variance * 4 ** (Math.log2(t) - log2Product(he.primes, 0, level + 1))
  const rounded = roundingVariance(n) + ((4 / 9) * n * n) / 12
  return { variance: linear + crossed + rounded, secrets }
}

/** The sum of `count` products with plaintexts of coefficients uniform modulo t. */
function innerProduct({ variance, secrets }: Noise, count: number, he: Moduli): Noise {
  return { variance: (count * he.ringDegree * he.plaintextModulus! ** 2 * variance) / 12, secrets }
}

function add(a: Noise, b: Noise): Noise {
  return { variance: a.variance + b.variance, secrets: Math.max(a.secrets, b.secrets) }
}

interface Classes {
  /** Pairs of classes: 0 of what was uploaded, i + 1 of the i-th pair. */
  readonly pairs: readonly (readonly [number, number])[]
  /** Of the powers up to psLowDegree, or all, and of those above. */
  readonly low: readonly number[]
  readonly high: readonly number[]
}

/** Products whose noise is the same are one. */
function classesOf(circuit: PowersCircuit): Classes {
  const cached = known.get(circuit)
  if (cached) return cached
  const pairs: [number, number][] = []
  const byName = new Map<string, number>()
  const ofPower = new Map<number, number>()
  const low = new Set([0])
  const high = new Set([0])
  for (const { power, left, right } of circuit.products) {
    const [a, b] = [ofPower.get(left) ?? 0, ofPower.get(right) ?? 0]
    const pair: [number, number] = a < b ? [a, b] : [b, a]
    const name = pair.join()
    const id = byName.get(name) ?? pairs.push(pair)
    byName.set(name, id)
    ofPower.set(power, id)
    if (circuit.psLowDegree === 0 || power <= circuit.psLowDegree) low.add(id)
    else high.add(id)
  }
  const classes = { pairs, low: [...low], high: [...high] }
  known.set(circuit, classes)
  return classes
}

const known = new WeakMap<PowersCircuit, Classes>()

function worstOf(noises: readonly Noise[], ids: readonly number[]): Noise {
  let worst = noises[0]!
  for (const id of ids) if (noises[id]!.variance > worst.variance) worst = noises[id]!
  return worst
}

/** The worst of the low and of the high powers at the top level. */
function powersNoise(he: Moduli, circuit: PowersCircuit): { low: Noise; high: Noise } {
  const { pairs, low, high } = classesOf(circuit)
  const noises: Noise[] = [{ variance: freshVariance, secrets: 0 }]
  const switching = pairs.length > 0 ? keySwitchVariance(he, he.maxLevel) : 0
  for (const [a, b] of pairs) {
    const product = multiplied(noises[a]!, noises[b]!, he, he.maxLevel)
    noises.push({ ...product, variance: product.variance + switching })
  }
  return { low: worstOf(noises, low), high: worstOf(noises, high) }
}

/** Of the method `powers` at a level, from powers at this level. */
function evaluated(powers: { low: Noise; high: Noise }, he: Moduli, level: number, circuit: PowersCircuit): Noise {
  const { maxItemsPerBin, psLowDegree } = circuit
  if (psLowDegree === 0) return innerProduct(powers.low, maxItemsPerBin, he)
  const low = innerProduct(powers.low, psLowDegree, he)
  const terms = Math.floor(maxItemsPerBin / (psLowDegree + 1))
  if (terms === 0) return low
  const product = multiplied(low, powers.high, he, level)
  return add(low, { ...product, variance: terms * product.variance + keySwitchVariance(he, level) })
}

/** Baby steps one after the other, inner products, giant steps by Horner's rule. */
function matrixNoise(he: Moduli, degree: number, babySteps: number): Noise {
  const key = he.special.length > 0 ? keySwitchVariance(he, he.maxLevel) : 0
  const mean = freshVariance + (key * (babySteps - 1)) / 2
  const giants = degree / babySteps
  const { variance } = innerProduct({ variance: mean, secrets: 0 }, degree, he)
  return { variance: variance + (giants - 1) * key, secrets: 1 }
}

/** log2 of q_0 … q_level / 2t. */
function room(he: Moduli, level: number): number {
  return log2Product(he.primes, 0, level + 1) - 1 - Math.log2(he.plaintextModulus!)
}

/** Standard deviations that one of `count` normal values passes with a probability of 2^log2, both signs. */
function deviations(count: number, log2: number): number {
  const exponent = Math.log(count) - log2 * Math.LN2
  let z = Math.sqrt(2 * exponent)
  for (let i = 0; i < 20; i++) z = Math.sqrt(2 * (exponent - Math.log(z * Math.sqrt(Math.PI / 2))))
  return z
}

/** For each N: the largest of N values, passed by one of them half of the time, and what no value of a run may pass. */
const bounds = new Map<number, { readonly largest: number; readonly tail: number }>()

function boundsOf(n: number): { readonly largest: number; readonly tail: number } {
  const known = bounds.get(n)
  if (known) return known
  const found = { largest: deviations(n, -1), tail: deviations(n * mostReplies, failureLog2) }
  bounds.set(n, found)
  return found
}

function budget(he: Moduli, level: number, { variance }: Noise): number {
  return room(he, level) - Math.log2(variance) / 2 - Math.log2(boundsOf(he.ringDegree).largest)
}

/** Noise before the inner products: of the worst powers, or of the query. */
export interface PowersNoise {
  readonly low: Noise
  readonly high: Noise
}

/** The same for inner products at any level. */
export function noiseOfPowers(he: Moduli, circuit: Circuit): PowersNoise {
  const fresh: Noise = { variance: freshVariance, secrets: 0 }
  return circuit.method === 'matrix' ? { low: fresh, high: fresh } : powersNoise(he, circuit)
}

/** Of the result with inner products at a level. */
function noiseOfResult(he: Moduli, circuit: Circuit, { low, high }: PowersNoise, level: number): Noise {
  if (circuit.method === 'matrix') return matrixNoise(he, circuit.degree, circuit.babySteps)
  const atLevel = { low: switched(low, he, he.maxLevel, level), high: switched(high, he, he.maxLevel, level) }
  return evaluated(atLevel, he, level, circuit)
}

/** `marginBits` of the estimate, which is all that a search looks at. */
export function noiseMargin(he: Moduli, circuit: Circuit, powers: PowersNoise, level: number): number {
  const { variance } = switched(noiseOfResult(he, circuit, powers, level), he, level, 0)
  return room(he, 0) - Math.log2(variance) / 2 - Math.log2(boundsOf(he.ringDegree).tail)
}

/** The estimate with inner products at a level. */
export function estimateNoise(he: Moduli, circuit: Circuit, level: number): NoiseEstimate {
  const powers = noiseOfPowers(he, circuit)
  const result = noiseOfResult(he, circuit, powers, level)
  return {
    powersBudget: budget(he, he.maxLevel, powers.low.variance > powers.high.variance ? powers.low : powers.high),
    resultBudget: budget(he, level, result),
    replyBudget: budget(he, 0, switched(result, he, level, 0)),
    marginBits: noiseMargin(he, circuit, powers, level),
  }
}

/**
 * The fewest bits of a trimmed reply that leave all replies of a run a failure probability of 2^-40; undefined where the noise is too large for any, or 40
 * bits or the base prime too small. The rounding adds q_0 / 2^bits sqrt((1 + 2N/3) / 12) to the noise, which is taken half a bit larger than estimated.
 */
export function fewestReplyBits(he: Moduli, marginBits: number): number | undefined {
  const n = he.ringDegree
  const q0 = he.primes[0]!
  const allowed = q0 / (2 * he.plaintextModulus!) / boundsOf(n).tail
  const noise = allowed * 2 ** (reserveBits - marginBits)
  const most = Math.min(40, Math.floor(Math.log2(q0)))
  for (let bits = 2; bits <= most; bits++)
    if (noise ** 2 + (q0 / 2 ** bits) ** 2 * roundingVariance(n) <= allowed ** 2) return bits
  return undefined
}
