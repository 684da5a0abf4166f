/** What is to be closed, the last opened first; Node 22 has no AsyncDisposableStack. */
export interface Closers {
  add(close: () => unknown): void
  /** Closes all, whatever one of them throws; the first error is thrown at the end. */
  close(): Promise<void>
}

/** None yet. */
export function createClosers(): Closers {
  const all: (() => unknown)[] = []
  return {
    add: (close) => void all.push(close),
    async close() {
      const errors: unknown[] = []
      for (const close of all.splice(0).reverse()) {
        try {
          await close()
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw errors[0]
    },
  }
}

/** Opens something of several parts: what throws half-way leaves none of them open. */
export async function opening<T>(open: (closers: Closers) => Promise<T>): Promise<T> {
  const closers = createClosers()
  try {
    return await open(closers)
  } catch (error) {
    // The first error says why; those of closing what is half open do not.
    await closers.close().catch(() => undefined)
    throw error
  }
}
