/** The intermediate values of a circuit: given back together, also when it throws. */
export interface Scratch extends Disposable {
  keep<T extends Disposable>(value: T): T
  /** Lets a value live on: the result. */
  release<T extends Disposable>(value: T): T
}

export function newScratch(): Scratch {
  const kept = new Set<Disposable>()
  return {
    keep(value) {
      kept.add(value)
      return value
    },
    release(value) {
      kept.delete(value)
      return value
    },
    [Symbol.dispose]() {
      for (const value of kept) value[Symbol.dispose]()
    },
  }
}
