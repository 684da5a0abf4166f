/** Values that are disposed of together, the last one first. */
export interface Scope extends Disposable {
  /** Takes a value over and gives it back. */
  use<T extends Disposable>(value: T): T
  /** Disposes of all values; again, of none. */
  dispose(): void
}

/** An empty scope, as `DisposableStack` of ECMAScript 2026 is: engines of Node 22 have none. Where several values throw, the first error is thrown when all are disposed of. */
export function createScope(): Scope {
  let values: Disposable[] = []
  const dispose = (): void => {
    const all = values.reverse()
    values = []
    const errors: unknown[] = []
    for (const value of all) {
      try {
        value[Symbol.dispose]()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
  return {
    use(value) {
      values.push(value)
      return value
    },
    dispose,
    [Symbol.dispose]: dispose,
  }
}
