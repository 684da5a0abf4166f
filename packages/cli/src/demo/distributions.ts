/** The normal distribution function: Marsaglia 2004, "Evaluating the normal distribution", its series; 1e-15 near 0, enough for drawing. */
export function normalCdf(x: number): number {
  if (x < -8) return 0
  if (x > 8) return 1
  let [sum, term] = [x, x]
  for (let i = 3; Math.abs(term) > 1e-16 * Math.abs(sum); i += 2) {
    term *= (x * x) / i
    sum += term
  }
  return 0.5 + sum * Math.exp(-0.5 * x * x - 0.9189385332046728)
}

/** The value at share u of a distribution with `quantiles` at (j + 1/2) / m: linear between, constant beyond. */
export function quantileAt(quantiles: readonly number[], u: number): number {
  const at = Math.min(Math.max(u * quantiles.length - 0.5, 0), quantiles.length - 1)
  const low = Math.floor(at)
  const high = Math.min(low + 1, quantiles.length - 1)
  return quantiles[low]! + (at - low) * (quantiles[high]! - quantiles[low]!)
}
