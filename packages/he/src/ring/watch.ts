import type { Slab } from '../backend/heap.ts'

/** Whether values that were looked at once are all still there. */
export interface Watch {
  readonly intact: boolean
}

/** The watches of a ring. */
export interface Watches {
  watch(slabs: readonly Slab[]): Watch
  givenBack(slab: Slab): void
}

export function createWatches(): Watches {
  const watched = new WeakMap<Slab, { intact: boolean }[]>()
  return {
    watch(slabs) {
      const watch = { intact: true }
      for (const slab of slabs) {
        const others = watched.get(slab)
        if (others) others.push(watch)
        else watched.set(slab, [watch])
      }
      return watch
    },
    givenBack(slab) {
      for (const watch of watched.get(slab) ?? []) watch.intact = false
    },
  }
}
