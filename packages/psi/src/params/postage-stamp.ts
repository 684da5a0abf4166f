/** A power that the sender makes: power = left + right, of which each is a power that was uploaded or an earlier product. */
export interface PowerProduct {
  /** The exponent that is made. */
  readonly power: number
  /** The larger factor. */
  readonly left: number
  /** The smaller factor; the product is a square where both are equal. */
  readonly right: number
  /** Products on the longest way from an uploaded power: from 1. */
  readonly depth: number
}

/**
 * The powers that a polynomial of degree `maxItemsPerBin` is evaluated with, ascending: all of them, or with Paterson–Stockmeyer (Paterson, Stockmeyer
 * 1973) those up to `psLowDegree` and the multiples of psLowDegree + 1.
 */
export function wantedPowers(maxItemsPerBin: number, psLowDegree: number): number[] {
  const low = psLowDegree > 0 ? Math.min(psLowDegree, maxItemsPerBin) : maxItemsPerBin
  const powers = Array.from({ length: low }, (_, i) => i + 1)
  if (psLowDegree > 0) for (let high = low + 1; high <= maxItemsPerBin; high += low + 1) powers.push(high)
  return powers
}

/** The least depth of each power from 0 to `largest` by products of the sources; Infinity where there is none. */
function leastDepths(sources: readonly number[], largest: number): Float64Array {
  const depths = new Float64Array(largest + 1).fill(Infinity)
  for (const power of sources) if (power <= largest) depths[power] = 0
  let top = 1
  for (let power = 2; power <= largest; power++) {
    let least = depths[power]!
    if (least === 0) top = power
    // A product doubles a power at most.
    const bound = Math.ceil(Math.log2(power / top))
    for (let right = power >>> 1; right >= 1 && least > bound; right--) {
      const depth = 1 + Math.max(depths[right]!, depths[power - right]!)
      if (depth < least) least = depth
    }
    depths[power] = least
  }
  return depths
}

/**
 * The products that make the wanted powers of the uploaded ones, in an order in which they can be done: each at its least depth, and of powers that are
 * wanted anyway where there are such. Chen, Laine, Rindal 2017 (eprint 2017/299), section 4.2; Cong et al. 2021 (eprint 2021/1116), section 4.
 * @throws RangeError for powers that are no integers from 1 to 65536, and a wanted one that no products of the uploaded make.
 */
export function powersPlan(queryPowers: readonly number[], wanted: readonly number[]): PowerProduct[] {
  for (const power of [...queryPowers, ...wanted])
    if (!Number.isInteger(power) || power < 1 || power > 65536)
      throw new RangeError(`"queryPowers" and "wanted" expected integers from 1 to 65536, got ${power}`)
  const largest = Math.max(0, ...wanted)
  const depths = leastDepths(queryPowers, largest)
  const needed = new Uint8Array(largest + 1)
  for (const power of [...queryPowers, ...wanted]) if (power <= largest) needed[power] = 1
  const products: PowerProduct[] = []
  for (let power = largest; power >= 1; power--) {
    if (!needed[power] || depths[power] === 0) continue
    if (depths[power] === Infinity)
      throw new RangeError(
        `"queryPowers" expected powers that make ${power} by products, got ${JSON.stringify(queryPowers)}: add 1 to them`,
      )
    const right = bestFactor(power, depths, needed)
    needed[right] = needed[power - right] = 1
    products.push(Object.freeze({ power, left: power - right, right, depth: depths[power]! }))
  }
  return products.sort((a, b) => a.depth - b.depth || a.power - b.power)
}

/** The smaller factor: powers that are needed anyway first, then a square, then the least noise, which is that of the lower depths. */
function bestFactor(power: number, depths: Float64Array, needed: Uint8Array): number {
  let best = 0
  let least = Infinity
  for (let right = 1; 2 * right <= power; right++) {
    const left = power - right
    if (1 + Math.max(depths[left]!, depths[right]!) !== depths[power]) continue
    const added = left === right ? 1 - needed[left]! : 2 - needed[left]! - needed[right]!
    const price = 4096 * added + 64 * (left === right ? 0 : 1) + depths[left]! + depths[right]!
    if (price < least) [best, least] = [right, price]
  }
  return best
}

/** The largest n such that every power from 1 to n is a sum of at most `stamps` of the basis: its reach in products of depth log2 `stamps`. */
export function reachOf(basis: readonly number[], stamps: number): number {
  let reachable = new Set([0])
  const counts = new Map([[0, 0]])
  for (let used = 1; used <= stamps; used++) {
    const next = new Set<number>()
    for (const sum of reachable)
      for (const stamp of basis)
        if (!counts.has(sum + stamp)) {
          counts.set(sum + stamp, used)
          next.add(sum + stamp)
        }
    reachable = next
  }
  let reach = 0
  while (counts.has(reach + 1)) reach++
  return reach
}

/**
 * A basis of `size` with the largest reach, by backtracking: each next element is from the last one + 1 to the reach + 1. Challis and Robinson 2010,
 * "Some extremal postage stamp bases", Journal of Integer Sequences 13, article 10.2.3. Seconds for (2, 10), (3, 7) and (4, 5); more is in `extremalBases`.
 */
export function searchBasis(stamps: number, size: number): number[] {
  let best: number[] = []
  let bestReach = 0
  const basis = [1]
  // Fewest stamps for every sum that is within reach of any basis searched, at each depth of the search.
  const limit = (size * stamps) ** 2 * stamps + stamps + 1
  const extend = (counts: Uint8Array, top: number, element: number): [Uint8Array, number] => {
    const most = top + stamps * element
    const next = new Uint8Array(Math.min(limit, most + 1)).fill(255)
    next.set(counts.subarray(0, next.length))
    for (let sum = element; sum < next.length; sum++) {
      const fewer = next[sum - element]! + 1
      if (fewer <= stamps && fewer < next[sum]!) next[sum] = fewer
    }
    return [next, most]
  }
  const visit = (counts: Uint8Array, top: number): void => {
    let reach = 0
    while (reach + 1 < counts.length && counts[reach + 1]! <= stamps) reach++
    if (basis.length === size) {
      if (reach > bestReach) [best, bestReach] = [[...basis], reach]
      return
    }
    for (let element = reach + 1; element > basis.at(-1)!; element--) {
      basis.push(element)
      visit(...extend(counts, top, element))
      basis.pop()
    }
  }
  const none = new Uint8Array(1)
  visit(...extend(none, 0, 1))
  return best
}

/**
 * Bases with the largest reach that is known, by number of stamps: for depth 1 (two stamps) and depth 2 (four). Found by `searchBasis` up to 11 and 7 elements;
 * the larger ones are those of APSI's parameter files, whose reach is that of Challis and Robinson's tables.
 */
export const extremalBases: Readonly<Record<2 | 4, readonly (readonly number[])[]>> = {
  2: [
    [1],
    [1, 2],
    [1, 3, 4],
    [1, 3, 5, 6],
    [1, 3, 5, 7, 8],
    [1, 2, 5, 8, 9, 10],
    [1, 2, 5, 8, 11, 12, 13],
    [1, 2, 5, 8, 11, 14, 15, 16],
    [1, 3, 4, 9, 11, 16, 17, 19, 20],
    [1, 2, 3, 7, 11, 15, 19, 21, 22, 24],
    [1, 3, 5, 6, 13, 14, 21, 22, 24, 26, 27],
    [1, 3, 4, 9, 11, 16, 21, 23, 28, 29, 31, 32],
    [1, 3, 4, 9, 11, 16, 20, 25, 27, 32, 33, 35, 36],
    [1, 3, 4, 5, 8, 14, 20, 26, 32, 38, 44, 47, 48, 49, 51, 52],
    [1, 3, 4, 5, 8, 14, 20, 26, 32, 38, 44, 50, 56, 59, 60, 61, 63, 64],
    [1, 3, 4, 6, 10, 13, 15, 21, 29, 37, 45, 53, 61, 69, 77, 81, 83, 86, 87, 90, 92, 96],
  ],
  4: [
    [1],
    [1, 3],
    [1, 5, 8],
    [1, 3, 11, 18],
    [1, 3, 11, 15, 32],
    [1, 4, 9, 16, 38, 49],
    [1, 5, 8, 25, 31, 52, 71],
    [1, 3, 8, 19, 33, 39, 92, 102],
    [1, 4, 10, 11, 28, 33, 78, 118, 143],
  ],
}
