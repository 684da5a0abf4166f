import { GloveboxError } from '../base/errors.ts'
import { formatTable } from '../base/text-table.ts'
import { errorVariance } from './distributions.ts'
import { countKeySwitch, type KeySwitchingCounts, weighKeySwitch } from './key-switching-cost.ts'
import { countPrimes, maxPrimeBits } from './primes.ts'
import { checkSecurity, type SecurityTarget } from './security.ts'

/** What digits and special primes of key switching are chosen for. */
export interface KeySwitchingOptions {
  /** N, a power of two from 16 to 131072 for which the security tables have a row: from 1024 for 128-bit targets. */
  readonly ringDegree: number
  /** log2 of the primes of the chain, base first: 1 to 64 numbers above 1 and at most 50; fractions where the primes are known. */
  readonly modulusBits: readonly number[]
  /** What Q·P is held to; default `128-classical`. */
  readonly security?: SecurityTarget
  /** What decides: time (default), or bytes of keys. The other one decides among those within 3 % of the best. */
  readonly prefer?: 'speed' | 'size'
  /** The share of key switches, from 0 to 1, whose ciphertext is decomposed already; default 0. */
  readonly hoisted?: number
  /** The levels that keys are used at, one or more from 0 to the top; times and bytes are means over them. Default: the top alone. */
  readonly levels?: readonly number[]
}

/**
 * What one key switch and one key are expected to cost: means over the levels asked for, so that counts, of operations on N residues each, may be
 * fractions.
 */
export interface KeySwitchingEstimate extends KeySwitchingCounts {
  /** Time in units of one transform of N points, above 0; a model of one thread, fitted to measurements at N = 2^14. */
  readonly relativeTime: number
  /** One relinearisation or Galois key on the wire, seeded, in bytes. */
  readonly keyBytes: number
  /** log2 of the standard deviation that a key switch at the top adds to a coefficient of the scaled message; above 0, as the division by P rounds. */
  readonly noiseBits: number
}

/** Special primes and digits as `ParamsLiteral` takes them. */
export interface KeySwitchingChoice {
  /** Sizes of the special primes, log2 N + 2 to 50 bits; all the same. */
  readonly specialBits: readonly number[]
  /** α, primes in a digit: 1 to the length of the chain. */
  readonly digitSize: number
  /** Digits at the top: ⌈(L+1)/α⌉, 1 or more. */
  readonly digits: number
  /** What it is expected to cost. */
  readonly estimate: KeySwitchingEstimate
}

/** The choice, and all that it was chosen from. */
export interface KeySwitchingPlan extends KeySwitchingChoice {
  /** All that is secure, the best first: the first is the one chosen. */
  readonly alternatives: readonly KeySwitchingChoice[]
  /** The alternatives with their prices, as a table for people. */
  readonly why: string
}

/** Where the first concern differs by no more than this, the other one decides. */
const indifference = 0.03
/** A digit's width may exceed the special primes' by what primes miss of their power of two. */
const tolerance = 0.01

function requireOptions(options: KeySwitchingOptions): void {
  const { ringDegree: n, modulusBits, hoisted = 0, levels } = options
  if (!Number.isInteger(n) || n < 16 || n > 131072 || (n & (n - 1)) !== 0)
    throw new RangeError(`"ringDegree" expected a power of two from 16 to 131072, got ${n}`)
  if (
    modulusBits.length < 1 ||
    modulusBits.length > 64 ||
    !modulusBits.every((bits) => bits > 1 && bits <= maxPrimeBits)
  )
    throw new RangeError(
      `"modulusBits" expected 1 to 64 sizes of at most ${maxPrimeBits} bits, got ${JSON.stringify(modulusBits)}`,
    )
  if (!(hoisted >= 0 && hoisted <= 1)) throw new RangeError(`"hoisted" expected a share from 0 to 1, got ${hoisted}`)
  for (const level of levels ?? [])
    if (!Number.isInteger(level) || level < 0 || level >= modulusBits.length)
      throw new RangeError(`"levels" expected levels from 0 to ${modulusBits.length - 1}, got ${level}`)
  if (levels?.length === 0) throw new RangeError('"levels" expected at least one level, got none')
}

/**
 * Chooses special primes and digits of hybrid key switching for a chain: the least estimated time, or the smallest keys, within the security
 * limit. Wide digits mean few transforms and small keys, but special primes as wide, which a larger modulus has to hold.
 * Hybrid key switching: Han and Ki 2020 (eprint 2019/688), section 3.
 * @throws RangeError for options out of range; GloveboxError `insecure-parameters` where no table has a row for N, or special primes of the widest
 * prime's size are more than it allows: the message tells sizes and limit.
 */
export function planKeySwitching(options: KeySwitchingOptions): KeySwitchingPlan {
  requireOptions(options)
  const { ringDegree, modulusBits, security = '128-classical', prefer = 'speed' } = options
  const { limit } = checkSecurity('', ringDegree, [2], security)
  const logQ = sum(modulusBits)
  const found: KeySwitchingChoice[] = []
  for (let digitSize = 1; digitSize <= modulusBits.length; digitSize++) {
    const digits = Math.ceil(modulusBits.length / digitSize)
    // Digits of 5 and of 6 primes are as many where there are 9: the narrower ones need less room.
    if (digitSize > 1 && digits === Math.ceil(modulusBits.length / (digitSize - 1))) continue
    const specialBits = specialsFor(digitSize, options, limit - logQ)
    if (specialBits) found.push({ specialBits, digitSize, digits, estimate: estimate(specialBits, digitSize, options) })
  }
  if (found.length === 0) {
    const widest = Math.max(...modulusBits)
    throw new GloveboxError(
      'insecure-parameters',
      `key switching needs special primes of ${widest.toFixed(0)} bits behind a chain of ${logQ.toFixed(0)}, and ${security} allows ${limit} ` +
        `at ring degree ${ringDegree}: use fewer or smaller primes, or a larger ring degree`,
    )
  }
  const first = (choice: KeySwitchingChoice): number =>
    prefer === 'speed' ? choice.estimate.relativeTime : choice.estimate.keyBytes
  const second = (choice: KeySwitchingChoice): number =>
    prefer === 'speed' ? choice.estimate.keyBytes : choice.estimate.relativeTime
  const least = Math.min(...found.map(first))
  const chosen = found
    .filter((choice) => first(choice) <= least * (1 + indifference))
    .reduce((best, choice) => (second(choice) < second(best) ? choice : best))
  const alternatives = [chosen, ...found.filter((other) => other !== chosen).sort((a, b) => first(a) - first(b))]
  return { ...chosen, alternatives, why: formatChoices(alternatives) }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** log2 of the widest digit of a chain. */
function widestDigit(modulusBits: readonly number[], digitSize: number): number {
  let widest = 0
  for (let first = 0; first < modulusBits.length; first += digitSize)
    widest = Math.max(widest, sum(modulusBits.slice(first, first + digitSize)))
  return widest
}

/**
 * The fewest special primes whose product holds the widest digit, and where there is room a little more: the noise of d digits below D is
 * then no more than the rounding of the division by P. Undefined where they are not secure or there are no such primes.
 */
function specialsFor(
  digitSize: number,
  { ringDegree, modulusBits }: KeySwitchingOptions,
  room: number,
): readonly number[] | undefined {
  const widest = widestDigit(modulusBits, digitSize)
  const digits = Math.ceil(modulusBits.length / digitSize)
  // d·(D/P)²·N²·σ²/12 against N²/18, σ² = 10.5.
  const quiet = widest + Math.log2(15.75 * digits) / 2
  const smallest = Math.log2(ringDegree) + 2
  for (let k = Math.ceil((widest - tolerance) / maxPrimeBits); k <= 64 && k <= digitSize + 1; k++) {
    const least = Math.max(smallest, Math.ceil((widest - tolerance) / k))
    const most = Math.min(maxPrimeBits, Math.floor(room / k))
    if (most < least) return undefined
    for (let bits = Math.max(least, Math.min(most, Math.ceil(quiet / k))); bits >= least; bits--) {
      const taken = modulusBits.filter((other) => Math.ceil(other) === bits).length
      if (countPrimes(bits, ringDegree, k + taken) === k + taken) return new Array<number>(k).fill(bits)
    }
  }
  return undefined
}

function estimate(
  specialBits: readonly number[],
  digitSize: number,
  { ringDegree: n, modulusBits, hoisted = 0, levels = [modulusBits.length - 1] }: KeySwitchingOptions,
): KeySwitchingEstimate {
  const each = levels.map((level) => {
    const whole = countKeySwitch(level, specialBits.length, digitSize)
    const rest = countKeySwitch(level, specialBits.length, digitSize, true)
    const mix = (name: keyof KeySwitchingCounts): number => (1 - hoisted) * whole[name] + hoisted * rest[name]
    const counts = {
      transforms: mix('transforms'),
      products: mix('products'),
      conversions: mix('conversions'),
    }
    const digits = Math.ceil((level + 1) / digitSize)
    const limbs = [...modulusBits.slice(0, level + 1), ...specialBits].map((bits) =>
      Math.ceil((n * Math.ceil(bits)) / 8),
    )
    // Level, seed, and one half of every digit.
    const keyBytes = 33 + digits * sum(limbs)
    return { ...counts, relativeTime: weighKeySwitch(counts, n), keyBytes }
  })
  const mean = (name: keyof (typeof each)[number]): number => sum(each.map((counts) => counts[name])) / each.length
  return {
    transforms: mean('transforms'),
    products: mean('products'),
    conversions: mean('conversions'),
    relativeTime: mean('relativeTime'),
    keyBytes: mean('keyBytes'),
    noiseBits: keySwitchNoise(n, modulusBits, sum(specialBits), digitSize),
  }
}

/** log2 of the standard deviation in a coefficient: digits, uniform below D, times errors, divided by P, and rounding errors r_0 + r_1 s. */
function keySwitchNoise(n: number, modulusBits: readonly number[], logP: number, digitSize: number): number {
  let variance = (1 + (2 * n) / 3) / 12
  for (let first = 0; first < modulusBits.length; first += digitSize)
    variance += (n * errorVariance * 4 ** (sum(modulusBits.slice(first, first + digitSize)) - logP)) / 12
  return Math.log2(variance) / 2
}

function formatChoices(choices: readonly KeySwitchingChoice[]): string {
  const fastest = Math.min(...choices.map(({ estimate }) => estimate.relativeTime))
  const cells = choices.map(({ digitSize, digits, specialBits, estimate }, i) => [
    i === 0 ? '→' : '',
    String(digitSize),
    String(digits),
    `${specialBits.length}×${specialBits[0]}`,
    estimate.transforms.toFixed(0),
    estimate.products.toFixed(0),
    estimate.conversions.toFixed(0),
    estimate.relativeTime.toFixed(1),
    `${Math.round((100 * estimate.relativeTime) / fastest)} %`,
    (estimate.keyBytes / 1e6).toFixed(2),
    estimate.noiseBits.toFixed(1),
  ])
  const head = [
    '',
    'α',
    'digits',
    'special',
    'NTTs',
    'products',
    'conversions',
    'time / NTT',
    'of best',
    'key MB',
    'noise bits',
  ]
  return formatTable(head, cells, [1, 2, 4, 5, 6, 7, 8, 9, 10])
}
