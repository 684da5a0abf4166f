import { GloveboxError } from '@glovebox/he'
import { itemsPerTable } from '../hashing/cuckoo.ts'
import { hashFunctionsOf } from '../hashing/tag.ts'
import { failureLog2 } from '../params/noise.ts'
import { falsePositiveLog2, type SetParams } from '../params/set-params.ts'

/** Bundles of the bucket that has most, and items of the fullest row. */
export interface Fullness {
  readonly bundles: number
  readonly itemsPerRow: number
}

/** Refuses a set in which items that are not there would be found too often: parameters alone do not say how many bundles there will be. */
export function requireNoChance(params: SetParams, fullness: Fullness, items: number): void {
  // A run is one query, of as many items as receivers put into it.
  const functions = hashFunctionsOf(params)
  const receiverItems = functions > 0 ? itemsPerTable(functions, params.bins) : 1
  const chance = falsePositiveLog2(params, { ...fullness, receiverItems })
  if (chance > failureLog2)
    throw new GloveboxError(
      'unsupported',
      `${items} items under these parameters let a run find one that is not there with probability 2^${chance.toFixed(1)}, more than 2^${failureLog2}: build a set anew with more or larger field elements, as planSet takes for that many items`,
    )
}
