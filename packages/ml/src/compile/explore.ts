import type { Circuit } from '../layout/circuit.ts'
import type { Report } from '../program/report.ts'
import type { Layouts } from './packings.ts'
import { type Load, leastTransport, type priceOf } from './price.ts'

/** A way to lay a model out at a ring degree, and what became of it. */
export interface Tried<Found> {
  readonly circuit: Circuit
  readonly ringDegree: number
  /** False where its query alone costs more than all of another way. */
  readonly lookedInto: boolean
  /** What computes it. */
  readonly found?: Found
  /** Why nothing does. */
  readonly why?: string
  readonly price?: ReturnType<typeof priceOf>
}

/** What an attempt at one circuit comes to. */
export type Attempt<Found> = Pick<Tried<Found>, 'found' | 'why' | 'price'>

/** Tries layouts, ring by ring from the smallest, until there is something: a larger ring costs more of everything. */
export function explore<Found>(
  layouts: readonly Layouts[],
  load: Load,
  attempt: (circuit: Circuit, ringDegree: number) => Attempt<Found>,
): Tried<Found>[] {
  const tried: Tried<Found>[] = []
  for (const { packing, rings } of layouts) {
    for (const { ringDegree, circuits } of rings) {
      const best = cheapest(tried)?.price?.milliseconds ?? Infinity
      const some = circuits().map((circuit): Tried<Found> => {
        const least = leastTransport(circuit, ringDegree, load)
        if (least > best) return { circuit, ringDegree, lookedInto: false, why: tooDear(least) }
        return { circuit, ringDegree, lookedInto: true, ...attempt(circuit, ringDegree) }
      })
      tried.push(...some)
      if (some.some(({ found, lookedInto }) => found || !lookedInto)) break
    }
    if (tried.length === 0) throw new Error(`internal error: nothing was tried for ${packing} packing`)
  }
  return tried
}

function tooDear(milliseconds: number): string {
  return `not looked into: to send its query alone takes ${milliseconds.toFixed(0)} ms a sample, more than all of another way`
}

/** The way of the least price. */
export function cheapest<Found>(tried: readonly Tried<Found>[]): Tried<Found> | undefined {
  const found = tried.filter(({ found }) => found)
  return found.sort((a, b) => a.price!.milliseconds - b.price!.milliseconds)[0]
}

/** All ways for the report, cheapest first. */
export function alternativesOf<Found>(tried: readonly Tried<Found>[]): Report['alternatives'] {
  return tried
    .map(({ circuit, ringDegree, why, price }) => {
      const layout = circuit.notes.join('; ')
      return { packing: circuit.packing, ringDegree, layout, ...(why !== undefined && { reason: why }), ...price }
    })
    .sort((a, b) => (a.milliseconds ?? Infinity) - (b.milliseconds ?? Infinity))
}

/** Smaller rings that were not enough for the packing that was taken, in sentences. */
export function rejectedRings<Found>(
  tried: readonly Tried<Found>[],
  { circuit: { packing }, ringDegree: taken }: Pick<Tried<Found>, 'circuit' | 'ringDegree'>,
): readonly string[] {
  const rejected = tried.flatMap(({ circuit, ringDegree, lookedInto, why }) =>
    circuit.packing === packing && ringDegree < taken && lookedInto && why !== undefined
      ? [`ring degree ${ringDegree} is not enough: ${why}`]
      : [],
  )
  return [...new Set(rejected)]
}
