/**
 * Numbers x, none below 0, that make rows · x as near to the targets as can be, relative to the targets: least squares by coordinate descent, which is
 * enough for a handful of unknowns.
 */
export function fitNonNegative(rows: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const scaled = rows.map((row, i) => row.map((value) => value / targets[i]!))
  const count = rows[0]!.length
  const x = new Array<number>(count).fill(0)
  const residual = scaled.map(() => 1)
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
