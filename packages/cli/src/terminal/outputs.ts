/** Raw outputs as the JSON that scripts read: one row for each sample. */
export function outputsJson(outputs: readonly Float64Array[]): string {
  return JSON.stringify({ outputs: outputs.map((row) => [...row]) })
}

/** The same for people: the index of the largest output, then all of them. */
export function outputsText(outputs: readonly Float64Array[]): string {
  return outputs
    .map(
      (row, i) =>
        `sample ${i}: ${row.length > 1 ? `largest at ${largest(row)}  ` : ''}[${[...row].map(short).join(', ')}]`,
    )
    .join('\n')
}

/** The index of the largest value: the class that a classifier chose. */
export function largest(row: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i
  return best
}

function short(value: number): string {
  return value.toPrecision(5)
}
