import { countPrimes, securityLimits } from '@glovebox/he'
import { type Circuit, fewestReplyBits, type Moduli, noiseMargin, noiseOfPowers, reserveBits } from './noise.ts'

/** Sizes of primes that a circuit fits into, with its noise. */
export interface FittedModulus {
  readonly modulusBits: readonly number[]
  readonly specialBits: readonly number[]
  /** The lowest level at which the inner products may be. */
  readonly innerLevel: number
  readonly replyBits: number
  /** Bits of noise that are left, see `NoiseEstimate`. */
  readonly marginBits: number
  /** With primes that are powers of two. */
  readonly moduli: Moduli
}

/** What to fit a modulus to. */
export interface FitOptions {
  readonly ringDegree: number
  /** t. */
  readonly plaintextModulus: number
  readonly circuit: Circuit
  /** Whether a special prime is needed. */
  readonly keys: boolean
  /** Primes of the chain, at least and at most; default 1 to 6. */
  readonly primes?: readonly [number, number]
}

/** Transforms of primes below 2^49 need no reduction in between. */
export const largestPrime = 49
/** Bits of noise that are left on purpose, where there is room. */
const comfort = 1

/** log2 of the largest modulus at 128 bits of classical security, by the stricter table. */
export function modulusLimit(ringDegree: number): number {
  const known = limits.get(ringDegree)
  if (known !== undefined) return known
  const rows = securityLimits(ringDegree).filter(({ target }) => target === '128-classical')
  const limit = Math.min(...rows.map((row) => row.limit))
  limits.set(ringDegree, limit)
  return limit
}

const limits = new Map<number, number>()

/** The lowest level of the inner products that the noise allows. */
export function lowestInnerLevel(
  he: Moduli,
  circuit: Circuit,
): { readonly innerLevel: number; readonly marginBits: number; readonly replyBits: number } | undefined {
  const powers = noiseOfPowers(he, circuit)
  for (let innerLevel = circuit.method === 'matrix' ? he.maxLevel : 0; innerLevel <= he.maxLevel; innerLevel++) {
    const marginBits = noiseMargin(he, circuit, powers, innerLevel)
    if (!(marginBits >= reserveBits)) continue
    const replyBits = fewestReplyBits(he, marginBits)
    if (replyBits !== undefined) return { innerLevel, marginBits, replyBits }
  }
  return undefined
}

/**
 * The fewest primes that a circuit fits into at 128 bits of security, and among these the smallest sum of sizes that leaves a bit of noise; undefined where
 * none leaves half a bit. The base prime may differ from the others; the special prime is no smaller than the largest of them.
 */
export function fitModulus(options: FitOptions): FittedModulus | undefined {
  const [fewest, most] = options.primes ?? [1, 6]
  for (let count = fewest; count <= most; count++) {
    if (!isHopeful(options, count)) continue
    const best = fitPrimes(options, count)
    if (best) return best
  }
  return undefined
}

/** Bits that unequal primes may gain over equal ones, and more. */
const tolerance = 4

/** Whether primes of equal size, as large as is secure, come near what is needed. */
function isHopeful({ ringDegree, plaintextModulus, circuit, keys }: FitOptions, count: number): boolean {
  const bits = Math.min(largestPrime, modulusLimit(ringDegree) / (count + (keys ? 1 : 0)))
  const moduli: Moduli = {
    ringDegree,
    plaintextModulus,
    primes: new Array<number>(count).fill(2 ** bits),
    special: keys ? [2 ** bits] : [],
    digitSize: 1,
    maxLevel: count - 1,
  }
  return noiseMargin(moduli, circuit, noiseOfPowers(moduli, circuit), count - 1) > -tolerance
}

function fitPrimes(options: FitOptions, count: number): FittedModulus | undefined {
  const { ringDegree, plaintextModulus } = options
  const smallest = Math.log2(ringDegree) + 2
  let best: Sized | undefined
  const consider = (found: Sized | undefined): void => {
    if (!found || (best && !isBetter(found, best))) return
    if (primesExist([...found.modulusBits, ...found.specialBits], ringDegree)) best = found
  }
  for (let base = Math.max(smallest, Math.ceil(Math.log2(plaintextModulus)) + 6); base <= largestPrime; base++) {
    // Noise of key switching counts where there is no other: products make far more.
    for (const more of options.keys && options.circuit.method === 'matrix' ? [0, 1, 2, 3] : [0]) {
      if (count === 1) {
        consider(tryPrimes(options, base, base, 1, more))
        continue
      }
      // The larger the others, the less noise: the smallest that leaves enough, or else the largest that is secure.
      let [low, high] = [smallest, largestPrime]
      while (low < high && !isSecure(options, base, high, count, more)) high--
      consider(tryPrimes(options, base, high, count, more))
      while (low < high) {
        const middle = (low + high) >> 1
        const found = tryPrimes(options, base, middle, count, more)
        if (found && found.marginBits >= comfort) high = middle
        else low = middle + 1
      }
      for (const other of [high, high + 1]) consider(tryPrimes(options, base, other, count, more))
    }
    // One more bit in a single prime is dearer than noise that is left.
    if (count === 1 && best && best.marginBits >= comfort) break
  }
  return best
}

interface Sized extends FittedModulus {
  /** Upload and products are paid for the chain, key switching also for the special prime. */
  readonly price: number
}

function isBetter(a: Sized, b: Sized): boolean {
  const [comfortable, other] = [a.marginBits >= comfort, b.marginBits >= comfort]
  return comfortable && other ? a.price < b.price : comfortable || (!other && a.marginBits > b.marginBits)
}

function isSecure({ ringDegree, keys }: FitOptions, base: number, other: number, count: number, more: number): boolean {
  const special = keys ? Math.max(base, count > 1 ? other : 0) + more : 0
  return special <= largestPrime && base + (count - 1) * other + special <= modulusLimit(ringDegree)
}

function tryPrimes(options: FitOptions, base: number, other: number, count: number, more: number): Sized | undefined {
  if (other > largestPrime || !isSecure(options, base, other, count, more)) return undefined
  const { ringDegree, plaintextModulus, circuit, keys } = options
  const modulusBits = [base, ...new Array<number>(count - 1).fill(other)]
  const specialBits = keys ? [Math.max(...modulusBits) + more] : []
  const moduli: Moduli = {
    ringDegree,
    plaintextModulus,
    primes: modulusBits.map((bits) => 2 ** bits),
    special: specialBits.map((bits) => 2 ** bits),
    digitSize: 1,
    maxLevel: count - 1,
  }
  const found = lowestInnerLevel(moduli, circuit)
  if (!found) return undefined
  const price = base + (count - 1) * other + (specialBits[0] ?? 0) / 4
  return { modulusBits, specialBits, ...found, moduli, price }
}

/** Whether there are so many primes of these sizes. */
export function primesExist(sizes: readonly number[], ringDegree: number): boolean {
  return [...new Set(sizes)].every((bits) => {
    const needed = sizes.filter((other) => other === bits).length
    const name = `${bits} ${ringDegree}`
    // As many as a chain here has, at most.
    if (!counts.has(name)) counts.set(name, countPrimes(bits, ringDegree, 12))
    return counts.get(name)! >= needed
  })
}

const counts = new Map<string, number>()

/** The smallest prime from 2^bits on that is 1 modulo 2N: its field elements have `bits` bits, at the least noise. `bits` from log2 2N to 31. */
export function smallestPlaintextModulus(bits: number, ringDegree: number): number {
  const name = 64 * ringDegree + bits
  let t = plaintextModuli.get(name)
  if (t !== undefined) return t
  for (t = 2 ** bits + 1; !isPrime(t); ) t += 2 * ringDegree
  plaintextModuli.set(name, t)
  return t
}

const plaintextModuli = new Map<number, number>()

/** By division, below 2^32. */
export function isPrime(x: number): boolean {
  if (x < 2) return false
  for (let d = 2; d * d <= x; d++) if (x % d === 0) return false
  return true
}
