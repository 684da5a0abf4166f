/**
 * Where the elements of a vector sit in the slots of a ciphertext: slot s holds element `elements[s mod period]`, or 0 where that is -1.
 * The period is a power of two that divides the number of slots. An element may sit in several slots of a period.
 */
export interface Layout {
  /** Elements of the vector. */
  readonly size: number
  /** Slots after which all repeats. */
  readonly period: number
  /** `period` indices from -1 to size-1. */
  readonly elements: Int32Array
}

/** The least power of two that is at least n. */
export function powerOfTwo(n: number): number {
  let p = 1
  while (p < n) p *= 2
  return p
}

/** Element i in slot i, period the next power of two. */
export function plainLayout(size: number): Layout {
  const period = powerOfTwo(size)
  return { size, period, elements: Int32Array.from({ length: period }, (_, i) => (i < size ? i : -1)) }
}

/** The slots of every element within a period: those of element i are slots[start[i]] to slots[start[i+1]-1], ascending. */
export function slotsOf(layout: Layout): { start: Int32Array; slots: Int32Array } {
  const start = new Int32Array(layout.size + 1)
  for (const element of layout.elements) if (element >= 0) start[element + 1]!++
  for (let i = 0; i < layout.size; i++) start[i + 1]! += start[i]!
  const next = start.slice()
  const slots = new Int32Array(start[layout.size]!)
  layout.elements.forEach((element, slot) => {
    if (element >= 0) slots[next[element]!++] = slot
  })
  return { start, slots }
}

/** Whether an element sits in more than one slot of a period. */
export function hasCopies({ elements }: Layout): boolean {
  const seen = new Set<number>()
  return elements.some((element) => element >= 0 && (seen.has(element) || seen.add(element).size === 0))
}

/** The first slot of every element. */
export function firstSlots(layout: Layout): Int32Array {
  const { start, slots } = slotsOf(layout)
  return Int32Array.from({ length: layout.size }, (_, i) => slots[start[i]!]!)
}

/** A vector spread over one period of slots. */
export function spread(layout: Layout, values: ArrayLike<number>): Float64Array {
  if (values.length !== layout.size)
    throw new RangeError(`"values" expected ${layout.size} numbers, got ${values.length}`)
  return Float64Array.from(layout.elements, (element) => (element >= 0 ? values[element]! : 0))
}

/** A vector read back from slots. */
export function collect(layout: Layout, slots: ArrayLike<number>): Float64Array {
  return Float64Array.from(firstSlots(layout), (slot) => slots[slot]!)
}

/** One period repeated over all slots. */
export function repeat(values: Float64Array, slots: number): Float64Array {
  const out = new Float64Array(slots)
  for (let at = 0; at < slots; at += values.length) out.set(values, at)
  return out
}

export function sameLayout(a: Layout, b: Layout): boolean {
  return (
    a === b ||
    (a.size === b.size && a.period === b.period && a.elements.every((element, slot) => element === b.elements[slot]))
  )
}
