import { GloveboxError } from '@glovebox/he'

/** Marks a bin without an item. */
export const emptyBin = -1

/** How long a placement may search. */
export interface CuckooOptions {
  /** Evictions for one item before the items count as ones that do not fit, default 2000: in tables of 1.3 bins an item and more, tens are rare. */
  readonly maxEvictions?: number
}

/**
 * Places every item at one of its locations, no two in one bin, by a random walk: an item that finds all its bins taken takes one of them at random, and the
 * evicted one goes on. Without a stash. Randomness is of the platform's secure generator: which item is where depends on the others, and the sender sees none of it.
 *
 * With 3 functions and tables of e bins an item, a random set of n items has no placement with probability 2^-`cuckooSecurity(n, e n)`:
 * 2^-40 takes 1.48 n bins at n = 1024 and 1.54 n at n = 2^20. With 2 functions and no stash it is about 1/n in any table of a few n bins (Kirsch, Mitzenmacher,
 * Wieder 2009, More robust hashing: cuckoo hashing with a stash): take 3.
 * @param locations of each item: from 1 to 8 distinct bins. The items themselves are distinct.
 * @returns for each bin the index of its item, or `emptyBin`.
 * @throws RangeError for a location that is no bin; GloveboxError `unsupported` where the items do not fit: ask for fewer at a time.
 */
export function placeItems(
  locations: readonly (readonly number[])[],
  bins: number,
  { maxEvictions = 2000 }: CuckooOptions = {},
): Int32Array {
  const table = new Int32Array(bins).fill(emptyBin)
  const random = createRandom()
  for (const [i, own] of locations.entries())
    for (const location of own)
      if (!Number.isInteger(location) || location < 0 || location >= bins)
        throw new RangeError(`"locations[${i}]" expected bins from 0 to ${bins - 1}, got ${location}`)
  for (let i = 0; i < locations.length; i++) {
    let item = i
    let from = emptyBin
    for (let evictions = 0; ; evictions++) {
      const own = locations[item]!
      const free = own.find((location) => table[location] === emptyBin)
      if (free !== undefined) {
        table[free] = item
        break
      }
      if (evictions >= maxEvictions) throw tooMany(locations.length, bins)
      // Not back to where it was just evicted from, unless it has no other place.
      const others = own.length > 1 ? own.filter((location) => location !== from) : own
      const taken = others[random(others.length)]
      if (taken === undefined) throw new RangeError(`"locations[${item}]" expected at least one bin, got none`)
      const evicted = table[taken]!
      table[taken] = item
      item = evicted
      from = taken
    }
  }
  return table
}

function tooMany(items: number, bins: number): GloveboxError {
  return new GloveboxError(
    'unsupported',
    `${items} items found no places in ${bins} bins: ask for fewer at a time (half of them will fit), or use parameters with a larger table`,
  )
}

/** Integers below n <= 8, of as many random bits as are sure to be without bias: 840 = lcm(1 … 8) divides what is kept. */
function createRandom(): (n: number) => number {
  const pool = new Uint16Array(512)
  let left = 0
  return (n) => {
    for (;;) {
      if (left === 0) {
        globalThis.crypto.getRandomValues(pool)
        left = pool.length
      }
      const value = pool[--left]!
      if (value < 65536 - (65536 % 840)) return value % n
    }
  }
}

/**
 * λ, where 2^-λ is the probability that n random items have no placement in a table with 3 functions and no stash: λ = a e + b for e = bins / n, with a and b
 * fitted to experiments. Demmler, Rindal, Rosulek, Trieu 2018, PIR-PSI: scaling private contact discovery (eprint 2018/579), appendix B; from n = 512 on.
 * An estimate, clipped to 0 … 1000.
 */
export function cuckooSecurity(n: number, bins: number): number {
  const log = Math.log2(n)
  const slope = 123.5 * normal((log - 6.3) / 2.3)
  const offset = -130 * normal((log - 6.45) / 2.18) - log
  return Math.max(0, Math.min(1000, slope * (bins / n) + offset))
}

/** Smallest table that several items share: two that have one and the same bin are a matter of 2^-40. */
const smallestTable = 256
/** λ that is enough: what is at stake is whether a query more tells that some items of many meet. */
const sharedSecurity = 20

/**
 * How many items a receiver puts into one table: from their number alone, so that the number of tables tells nothing of them. With one or two functions it is
 * one, as two items that share all of their bins are not rare; with more those that find places but for 2^-20.
 */
export function itemsPerTable(hashFunctions: number, bins: number): number {
  if (hashFunctions < 3 || bins < smallestTable) return 1
  let [low, high] = [1, Math.floor(bins / 1.2)]
  while (low < high) {
    const n = Math.ceil((low + high) / 2)
    // The fit is for n from 512 on; below, tables of 1.45 bins an item are as safe.
    const fits = n < 512 ? 1.45 * n <= bins : cuckooSecurity(n, bins) >= sharedSecurity
    if (fits) low = n
    else high = n - 1
  }
  return low
}

/** The distribution function of the normal distribution: Abramowitz and Stegun, 26.2.17, to 7.5e-8. */
function normal(x: number): number {
  if (x < 0) return 1 - normal(-x)
  const s = 1 / (1 + 0.2316419 * x)
  const series = s * (0.31938153 + s * (-0.356563782 + s * (1.781477937 + s * (-1.821255978 + s * 1.330274429))))
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series
}
