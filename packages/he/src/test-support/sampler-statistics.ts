import { chiSquare, normal, poisson } from './statistics.ts'

/** Draws, in pieces of an even length. */
export type Draws = Iterable<ArrayLike<number>>
/** Probabilities of what was drawn under the distribution that was promised, by what was looked at. */
export type PValues = Readonly<Record<string, number>>

/** Pearson's chi-square of pairs of neighbours, and the correlation of what follows each other, over cells of `cell(x)`. */
class Neighbours {
  readonly #cells: number
  readonly #pairs: Float64Array
  #products = 0
  #count = 0

  constructor(cells: number) {
    this.#cells = cells
    this.#pairs = new Float64Array(cells * cells)
  }

  add(cell: number, next: number, x: number, y: number): void {
    this.#pairs[cell * this.#cells + next]!++
    this.#products += x * y
    this.#count++
  }

  /** `probabilities` of the cells, `variance` of a draw of mean 0. */
  pValues(probabilities: readonly number[], variance: number): PValues {
    const expected = [...this.#pairs.keys()].map(
      (i) => this.#count * probabilities[Math.floor(i / this.#cells)]! * probabilities[i % this.#cells]!,
    )
    return {
      pairs: chiSquare(this.#pairs, expected),
      correlation: normal(this.#products / (variance * Math.sqrt(this.#count))),
    }
  }
}

/** Balanced residues modulo p: bins of equal width, low bits, pairs, and how near to both ends they come. */
export function uniformity(draws: Draws, p: number): PValues {
  const half = (p - 1) / 2
  const bins = Math.min(p, 256)
  const wide = new Float64Array(bins)
  const low = new Float64Array(Math.min(p, 256))
  const neighbours = new Neighbours(16)
  let [count, least, most] = [0, Infinity, -Infinity]
  for (const piece of draws) {
    count += piece.length
    for (let i = 0; i < piece.length; i++) {
      const x = piece[i]!
      const v = x + half
      wide[Math.floor((v * bins) / p)]!++
      // Of the residue in [0, p), as it is on the wire.
      low[(x < 0 ? x + p : x) % low.length]!++
      if (v < least) least = v
      if (v > most) most = v
      if (i % 2 === 0) {
        const y = piece[i + 1]! + half
        neighbours.add(Math.floor((v * 16) / p), Math.floor((y * 16) / p), x / p, (y - half) / p)
      }
    }
  }
  const within = (cells: number, k: number): number =>
    (Math.ceil(((k + 1) * p) / cells) - Math.ceil((k * p) / cells)) / p
  const shares = (cells: number): number[] => Array.from({ length: cells }, (_, k) => within(cells, k))
  const lowShares = Array.from(low, (_, k) => Math.ceil((p - k) / low.length) / p)
  const reach = (missing: number): number => Math.exp(count * Math.log1p(-missing / p))
  return {
    bins: chiSquare(
      wide,
      shares(bins).map((share) => share * count),
    ),
    'low bits': chiSquare(
      low,
      lowShares.map((share) => share * count),
    ),
    ...neighbours.pValues(shares(16), (1 - 1 / p ** 2) / 12),
    'lower end': reach(least),
    'upper end': reach(p - 1 - most),
  }
}

/** -1, 0 and 1 equally often, alone and in pairs. */
export function ternarity(draws: Draws): PValues {
  const counts = [0, 0, 0]
  const neighbours = new Neighbours(3)
  let count = 0
  for (const piece of draws) {
    count += piece.length
    for (let i = 0; i < piece.length; i++) {
      counts[piece[i]! + 1]!++
      if (i % 2 === 0) neighbours.add(piece[i]! + 1, piece[i + 1]! + 1, piece[i]!, piece[i + 1]!)
    }
  }
  const third = [1 / 3, 1 / 3, 1 / 3]
  return {
    values: chiSquare(
      counts,
      third.map((share) => share * count),
    ),
    ...neighbours.pValues(third, 2 / 3),
  }
}

/** C(42, 21 + x) / 2^42 for x from -21. */
const binomialShares: readonly number[] = (() => {
  const shares = [2 ** -42]
  for (let k = 0; k < 42; k++) shares.push((shares[k]! * (42 - k)) / (k + 1))
  return shares
})()

/** Centred binomial of 21 + 21 bits: values, mean, variance, tails, pairs. */
export function binomiality(draws: Draws): PValues {
  const counts = new Float64Array(43)
  const neighbours = new Neighbours(43)
  let [count, sum, squares] = [0, 0, 0]
  for (const piece of draws) {
    count += piece.length
    for (let i = 0; i < piece.length; i++) {
      const x = piece[i]!
      counts[x + 21]!++
      sum += x
      squares += x * x
      if (i % 2 === 0) neighbours.add(x + 21, piece[i + 1]! + 21, x, piece[i + 1]!)
    }
  }
  // The tail that is expected about twenty times.
  let [from, tail] = [22, 0]
  while (from > 0 && tail * count < 20) {
    from--
    tail = 2 * binomialShares.slice(21 + from).reduce((total, share) => total + share, 0)
  }
  const inTail = counts.reduce((total, c, k) => (Math.abs(k - 21) >= from ? total + c : total), 0)
  // The fourth moment of a sum of 42 signs of size 1/2: 3 v^2 - v/2.
  const variance = 10.5
  const spread = Math.sqrt((2 * variance ** 2 - variance / 2) / count)
  return {
    values: chiSquare(
      counts,
      binomialShares.map((share) => share * count),
    ),
    mean: normal(sum / Math.sqrt(variance * count)),
    variance: normal((squares / count - variance) / spread),
    tails: poisson(inTail, tail * count),
    ...neighbours.pValues(binomialShares, variance),
  }
}
