import { createRandomness } from './random.ts'

/** What models/SYNTHETIC.md describes as vectors: means and principal components of classes, from which others like them are drawn. */
export interface VectorsSpec {
  readonly kind: 'vectors'
  readonly shape: readonly number[]
  readonly range: readonly [number, number]
  readonly decimals: number
  readonly classes: readonly {
    readonly label: string
    readonly share: number
    readonly mean: readonly number[]
    /** One row for each component. */
    readonly factors: readonly (readonly number[])[]
    /** Spread that no component has. */
    readonly own?: readonly number[]
  }[]
}

export interface DrawnVector {
  readonly label: string
  readonly values: readonly number[]
}

/** Vectors of the classes, by their shares. */
export function drawVectors(
  { classes, range: [low, high], decimals }: VectorsSpec,
  count: number,
  seed: number,
): DrawnVector[] {
  const { uniform, normal } = createRandomness(seed)
  return Array.from({ length: count }, () => {
    const at = uniform()
    const upTo = (k: number): number => classes.slice(0, k + 1).reduce((sum, { share }) => sum + share, 0)
    const group = classes.find((_, k) => at < upTo(k)) ?? classes[0]!
    const strengths = group.factors.map(normal)
    const values = group.mean.map((mean, i) => {
      const common = group.factors.reduce((sum, factor, k) => sum + factor[i]! * strengths[k]!, mean)
      const value = group.own ? common + group.own[i]! * normal() : common
      return Number(Math.min(Math.max(value, low), high).toFixed(decimals))
    })
    return { label: group.label, values }
  })
}
