import type { Demo } from '../demo/demo.ts'
import { demos } from '../demo/list.ts'

/** A model that comes with Glovebox, as a service offers it. */
export interface GalleryModel {
  /** Of its folder below models/, and by which it is served. */
  readonly name: string
  /** The demo that has its model and what it takes. */
  readonly demo: string
}

/** Those that compile in the blink of an eye first, so that there is something to look at. */
export const gallery: readonly GalleryModel[] = [
  { name: 'digits-linear', demo: 'digits-linear' },
  { name: 'heart', demo: 'heart' },
  { name: 'claims', demo: 'claims' },
  { name: 'fraud', demo: 'fraud' },
  { name: 'pets', demo: 'pets' },
  { name: 'weather', demo: 'weather' },
  { name: 'sentiment', demo: 'sentiment' },
  { name: 'mortality', demo: 'mortality' },
  { name: 'fitness', demo: 'fitness' },
  { name: 'digits', demo: 'digits' },
  { name: 'threat', demo: 'threat' },
  { name: 'maintenance', demo: 'maintenance' },
  // The one on real SNPs: what the demo calls flowering has columns that were resampled from them.
  { name: 'flowering', demo: 'flowering-53859' },
  { name: 'xray', demo: 'xray' },
  { name: 'digits-batch', demo: 'digits-batch' },
]

export function demoOf({ demo }: GalleryModel): Promise<Demo> {
  return demos.get(demo)!()
}
