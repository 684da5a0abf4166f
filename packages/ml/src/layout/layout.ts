/**
 * Where the elements of a vector sit in ciphertexts. A vector takes `tiles` ciphertexts; place p of tile t holds element elements[t · period + p], or 0 where
 * that is -1. What a place is, the packing of the program says (program/program.ts):
 *
 * - slots: slot s of a ciphertext is place s mod period; the period is a power of two that divides the number of slots, and all of them where there are several tiles.
 *   An element may sit in several places.
 * - coefficient: place p is the coefficient of X^(p · stride).
 * - batch: the period is 1; tile i holds element i of many samples, one in each slot or coefficient.
 */
export interface Layout {
  /** Elements of the vector. */
  readonly size: number
  /** Ciphertexts of the vector. */
  readonly tiles: number
  /** Places of a ciphertext. */
  readonly period: number
  /** `tiles · period` indices from -1 to size-1. */
  readonly elements: Int32Array
}

/** The least power of two that is at least n. */
export function powerOfTwo(n: number): number {
  let p = 1
  while (p < n) p *= 2
  return p
}

/** Element i in place i mod period of tile i / period. */
export function tiledLayout(size: number, period: number): Layout {
  const tiles = Math.max(1, Math.ceil(size / period))
  const elements = new Int32Array(tiles * period).fill(-1)
  for (let i = 0; i < size; i++) elements[i] = i
  return { size, tiles, period, elements }
}

/** Element i in slot i, period the next power of two; over several ciphertexts where one of `slots` is not enough. */
export function plainLayout(size: number, slots: number = Infinity): Layout {
  return tiledLayout(size, Math.min(powerOfTwo(size), slots))
}

/** Whether all elements are there, i in place i, as `tiledLayout` has it. */
export function isPlain({ size, tiles, period, elements }: Layout): boolean {
  const all = tiles === Math.max(1, Math.ceil(size / period))
  return all && elements.every((element, i) => element === (i < size ? i : -1))
}

/** The places of every element, counted through all tiles: those of element i are places[start[i]] to places[start[i+1]-1], ascending. */
export function placesOf(layout: Layout): { start: Int32Array; places: Int32Array } {
  const start = new Int32Array(layout.size + 1)
  for (const element of layout.elements) if (element >= 0) start[element + 1]!++
  for (let i = 0; i < layout.size; i++) start[i + 1]! += start[i]!
  const next = start.slice()
  const places = new Int32Array(start[layout.size]!)
  layout.elements.forEach((element, place) => {
    if (element >= 0) places[next[element]!++] = place
  })
  return { start, places }
}

/** Whether an element sits in more than one place. */
export function hasCopies({ elements }: Layout): boolean {
  const seen = new Set<number>()
  return elements.some((element) => element >= 0 && (seen.has(element) || seen.add(element).size === 0))
}

/** The first place of every element. */
export function firstPlaces(layout: Layout): Int32Array {
  const { start, places } = placesOf(layout)
  return Int32Array.from({ length: layout.size }, (_, i) => places[start[i]!]!)
}

/** A vector spread over the places of all tiles. */
export function spread(layout: Layout, values: ArrayLike<number>): Float64Array {
  if (values.length !== layout.size)
    throw new RangeError(`"values" expected ${layout.size} numbers, got ${values.length}`)
  const { elements } = layout
  const places = new Float64Array(elements.length)
  for (let place = 0; place < places.length; place++)
    if (elements[place]! >= 0) places[place] = values[elements[place]!]!
  return places
}

/** A vector read back from places; with one tile there may be more than a period of them. */
export function collect(layout: Layout, places: ArrayLike<number>): Float64Array {
  return Float64Array.from(firstPlaces(layout), (place) => places[place]!)
}

/** One period repeated over all slots. */
export function repeat(values: Float64Array, slots: number): Float64Array {
  if (values.length >= slots) return values
  const out = new Float64Array(slots)
  for (let at = 0; at < slots; at += values.length) out.set(values, at)
  return out
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return (
    a === b ||
    (a.size === b.size &&
      a.tiles === b.tiles &&
      a.period === b.period &&
      a.elements.every((element, place) => element === b.elements[place]))
  )
}
