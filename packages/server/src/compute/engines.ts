import { GloveboxError } from '@glovebox/he'
import { type Engine, openEngine } from './engine.ts'

/** Prepared models of one thread by the SHA-256 of their server parts; the least recently used are closed first. */
export interface Engines {
  /** Counts as use. */
  get(serverPart: string): Engine | undefined
  /** Throws GloveboxError `unsupported` or `unavailable` where it cannot be opened: a query is not to blame for it. */
  open(model: { readonly name: string; readonly serverPart: string }, bytes: Uint8Array): Engine
  /** Closes the least recently used while their contexts take more than the budget; the last one used stays. */
  trim(): void
  ids(): string[]
  /** Bytes that the contexts have taken from the system. */
  readonly memory: number
}

/** `closing` hears of a model before its context goes, with whatever was read into it. */
export function createEngines(budget: number, closing: (serverPart: string) => void): Engines {
  const opened = new Map<string, Engine>()
  const memory = (): number => {
    let total = 0
    for (const engine of opened.values()) total += engine.memory.reserved
    return total
  }
  return {
    get(serverPart) {
      const engine = opened.get(serverPart)
      if (engine && opened.delete(serverPart)) opened.set(serverPart, engine)
      return engine
    },
    open({ name, serverPart }, bytes) {
      let engine: Engine
      try {
        engine = openEngine(bytes)
      } catch (cause) {
        if (cause instanceof GloveboxError && (cause.code === 'unsupported' || cause.code === 'out-of-memory'))
          throw cause
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new GloveboxError('unavailable', `the model "${name}" cannot be opened here: ${reason}`, { cause })
      }
      opened.set(serverPart, engine)
      return engine
    },
    trim() {
      for (const [oldest, engine] of opened) {
        if (opened.size === 1 || memory() <= budget) return
        closing(oldest)
        opened.delete(oldest)
        engine[Symbol.dispose]()
      }
    },
    ids: () => [...opened.keys()],
    get memory() {
      return memory()
    },
  }
}
