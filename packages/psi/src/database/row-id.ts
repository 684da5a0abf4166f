import { GloveboxError } from '@glovebox/he'
import type { SetParams } from '../params/set-params.ts'

// Rows in order of (bucket, group, bundle, bin) by one integer of 53 bits: (bucket * groups + group) * 2^31 + bundle * 2^15 + bin.

const binRange = 2 ** 15
const bundleRange = 2 ** 16
const sectionRange = 2 ** 22
/** What all ids of a bucket and group are below each other by. */
export const sectionSize: number = binRange * bundleRange

export interface RowPlace {
  readonly bucket: number
  readonly group: number
  readonly bundle: number
}

/** Holds parameters to what a set can keep; N is 32768 at most. */
export function requireStorable({ buckets, groups, bins, n }: SetParams): void {
  if (buckets * groups > sectionRange || buckets * bins > 2 ** 27 || n > binRange)
    throw new GloveboxError(
      'unsupported',
      `a set has at most 2^22 groups, 2^27 bins and a ring degree of 32768, got ${buckets * groups} groups and ${buckets * bins} bins in ${buckets} buckets: use fewer "prefixBits"`,
    )
}

export function rowId({ groups }: SetParams, { bucket, group, bundle }: RowPlace, bin: number): number {
  if (bundle >= bundleRange)
    throw new GloveboxError(
      'too-large',
      `a bucket has ${bundleRange} bundles at most: use parameters with more or larger bins`,
    )
  return (bucket * groups + group) * sectionSize + bundle * binRange + bin
}

export function placeOf({ groups }: SetParams, id: number): RowPlace & { readonly bin: number } {
  const section = Math.floor(id / sectionSize)
  const rest = id % sectionSize
  return {
    bucket: Math.floor(section / groups),
    group: section % groups,
    bundle: Math.floor(rest / binRange),
    bin: rest % binRange,
  }
}

/** How many bins a group has: the last may have fewer than the others. */
export function binsOfGroup({ bins, binsPerGroup }: SetParams, group: number): number {
  return Math.min(binsPerGroup, bins - group * binsPerGroup)
}
