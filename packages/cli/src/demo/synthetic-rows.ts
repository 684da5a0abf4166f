import type { Cell } from '@glovebox/ml'
import { normalCdf, quantileAt } from './distributions.ts'
import { createRandomness } from './random.ts'

/** What models/SYNTHETIC.md describes as rows: rounded statistics of a table, from which others like it are drawn. */
export interface RowsSpec {
  readonly kind: 'rows'
  readonly columns: readonly {
    readonly name: string
    readonly values?: readonly string[]
    readonly decimals?: number
  }[]
  readonly classes: readonly {
    readonly label: string
    readonly share: number
    readonly columns: readonly {
      readonly frequencies?: readonly number[]
      readonly quantiles?: readonly number[]
      readonly missing?: number
    }[]
    /** One row for each column: loadings of the common factors. */
    readonly factors: readonly (readonly number[])[]
  }[]
}

/** A made-up row and the class that it was drawn for. */
export interface DrawnRow {
  readonly label: string
  readonly cells: readonly Cell[]
}

/** Rows of a Gaussian copula: correlated normals, mapped to the quantiles or frequencies of each column. */
export function drawRows({ columns, classes }: RowsSpec, count: number, seed = 1): DrawnRow[] {
  const { uniform, normal } = createRandomness(seed)
  const total = classes.reduce((sum, { share }) => sum + share, 0)
  return Array.from({ length: count }, () => {
    const group =
      classes[
        place(
          classes.map(({ share }) => share),
          uniform() * total,
        )
      ]!
    const common = Array.from({ length: group.factors[0]?.length ?? 0 }, normal)
    const cells = columns.map(({ values, decimals = 0 }, i): Cell => {
      const loadings = group.factors[i]!
      const own = Math.sqrt(Math.max(0, 1 - loadings.reduce((sum, f) => sum + f * f, 0)))
      const u = normalCdf(loadings.reduce((sum, f, k) => sum + f * common[k]!, 0) + own * normal())
      const { frequencies, quantiles, missing = 0 } = group.columns[i]!
      if (uniform() < missing) return null
      if (values) return pick(values, frequencies!, u)
      return Number(quantileAt(quantiles!, u).toFixed(decimals))
    })
    return { label: group.label, cells }
  })
}

function pick(values: readonly string[], frequencies: readonly number[], u: number): string {
  return values[place(frequencies, u * frequencies.reduce((sum, f) => sum + f, 0))]!
}

/** The first of the shares, laid end to end, that reaches beyond a place. */
function place(shares: readonly number[], at: number): number {
  let end = 0
  const found = shares.findIndex((share) => {
    end += share
    return at < end
  })
  return found < 0 ? shares.findLastIndex((share) => share > 0) : found
}
