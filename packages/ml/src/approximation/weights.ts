/** Points of [-1, 1] with weights that add up to 1: where an approximation has to be good. */
export interface Weights {
  readonly t: Float64Array
  readonly weight: Float64Array
}

const bins = 1024

/**
 * A histogram of values over [low, high], mixed with a uniform density, so that the polynomial does not explode where there are few values.
 * `uniform` is the share of that floor, from above 0 to 1. `symmetric` mirrors the values. Values beyond the interval are left out.
 */
export function weigh(
  values: ArrayLike<number>,
  [low, high]: readonly [number, number],
  { uniform = 0.1, symmetric = false }: { readonly uniform?: number; readonly symmetric?: boolean } = {},
): Weights {
  const counts = new Float64Array(bins)
  let total = 0
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor(((values[i]! - low) / (high - low)) * bins)
    if (!(values[i]! >= low && values[i]! <= high)) continue
    const bin = Math.min(at, bins - 1)
    counts[bin]! += 1
    if (symmetric) counts[bins - 1 - bin]! += 1
    total += symmetric ? 2 : 1
  }
  const floor = total === 0 ? 1 : uniform
  return {
    t: Float64Array.from({ length: bins }, (_, i) => (2 * i + 1 - bins) / bins),
    weight: counts.map((count) => floor / bins + ((1 - floor) * count) / Math.max(1, total)),
  }
}
