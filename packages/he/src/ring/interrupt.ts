import type { Slab } from '../backend/heap.ts'
import { requireFunction } from '../base/require.ts'

/** What a long operation asks now and then whether to go on, by a call that throws if not. An AbortSignal is one. */
export interface Interrupt {
  /** Throws, whatever it likes, where the operation is to stop; returns where it may go on. Asked every few milliseconds. */
  throwIfAborted(): void
}

/** The operations under way that may be interrupted, each with the values that it took so far. */
export interface Interruptions {
  /** Throws what the signal of an operation under way throws. */
  check(): void
  /** Counts a value as taken by the operations under way. */
  taken(slab: Slab): void
  givenBack(slab: Slab): void
  run<T>(signal: Interrupt | undefined, operation: () => T): T
}

interface Scope {
  readonly signal: Interrupt
  readonly slabs: Set<Slab>
}

export function createInterruptions(): Interruptions {
  const scopes: Scope[] = []
  return {
    check() {
      for (const { signal } of scopes) signal.throwIfAborted()
    },
    taken(slab) {
      for (const { slabs } of scopes) slabs.add(slab)
    },
    givenBack(slab) {
      for (const { slabs } of scopes) slabs.delete(slab)
    },
    run(signal, operation) {
      requireFunction('operations', 'a function', operation)
      if (signal !== undefined)
        requireFunction('signal.throwIfAborted', 'a function, as an AbortSignal has it', signal?.throwIfAborted)
      if (signal === undefined) return operation()
      signal.throwIfAborted()
      const scope: Scope = { signal, slabs: new Set() }
      scopes.push(scope)
      try {
        return operation()
      } catch (error) {
        for (const slab of [...scope.slabs]) slab[Symbol.dispose]()
        throw error
      } finally {
        scopes.splice(scopes.indexOf(scope), 1)
      }
    },
  }
}
