/** What numbers are likely to be, where equations do not tell them apart. */
export interface Prior {
  /** One above 0 for each unknown. */
  readonly values: readonly number[]
  /** An unknown that is off by all of its prior counts as much as a target that is missed by this share. */
  readonly weight: number
}

/**
 * Numbers x, none below 0, that make rows · x as near to the targets as can be, relative to the targets: least squares by coordinate descent, which is
 * enough for a handful of unknowns. With a prior they stay near it as well.
 */
export function fitNonNegative(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  prior?: Prior,
): number[] {
  const count = rows[0]!.length
  const likely = prior
    ? prior.values.map((value, k) => prior.values.map((_, j) => (j === k ? prior.weight / value : 0)))
    : []
  const scaled = [...rows.map((row, i) => row.map((value) => value / targets[i]!)), ...likely]
  const residual = [...rows.map(() => 1), ...likely.map(() => prior!.weight)]
  const x = new Array<number>(count).fill(0)
  const norms = Array.from({ length: count }, (_, k) => scaled.reduce((sum, row) => sum + row[k]! ** 2, 0))
  for (let round = 0; round < rounds; round++) {
    for (let k = 0; k < count; k++) {
      if (norms[k] === 0) continue
      const gradient = scaled.reduce((sum, row, i) => sum + row[k]! * residual[i]!, 0)
      const next = Math.max(0, x[k]! + gradient / norms[k]!)
      const change = next - x[k]!
      if (change === 0) continue
      x[k] = next
      scaled.forEach((row, i) => {
        residual[i]! -= change * row[k]!
      })
    }
  }
  return x
}

const rounds = 20_000
