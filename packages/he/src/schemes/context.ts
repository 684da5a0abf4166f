import { openBackend } from '../backend/open.ts'
import { requireObject } from '../base/require.ts'
import { checkedParams, type Params, type ParamsLiteral } from '../params/params.ts'
import type { Interrupt } from '../ring/interrupt.ts'
import { type MemoryUse, openRing, type Ring } from '../ring/ring.ts'

/**
 * What the contexts of all schemes have.
 *
 * Whatever uses a value throws GloveboxError `disposed` where it or its context was disposed of, and what makes one throws `out-of-memory` where the memory
 * (4 GiB at most) cannot grow.
 */
export interface Context extends Disposable {
  /** Its polynomials and memory; values of another ring are refused. */
  readonly ring: Ring
  /** Checked and frozen: what `createParams` makes of the literal. */
  readonly params: Params
  /** Bytes that its values and tables take, the most that they took, and what was reserved from the system for them. */
  readonly memory: MemoryUse
  /** Threads that run at the moment, the caller's among them, 1 to 64: 1 as long as others are not up, and where memory cannot be shared. */
  readonly threads: number
  /** Resolves to `threads` when all that were asked for are up or have failed. Nothing needs to wait for it: until then the caller does the work. */
  threadsStarted(): Promise<number>
  /**
   * The results of independent operations, which run side by side where the context has threads:
   * `ckks.together([() => ckks.rotate(a, 1, keys), () => ckks.rotate(b, 2, keys)])`. Results are in order. When one throws, those of the others are
   * disposed of.
   * @throws TypeError for what is no array of functions; otherwise what an operation throws.
   */
  together<T extends Disposable>(operations: readonly (() => T)[]): T[]
  /**
   * Runs operations that stop when `signal` says so (undefined: never): it is asked every few milliseconds by `throwIfAborted`, what that throws is thrown,
   * and all values that the operations took are given back. Calls are synchronous, so that an AbortSignal aborted by an event is seen where events run,
   * between two calls; an object whose `throwIfAborted` reads a clock or shared memory is seen at once.
   * @throws TypeError where `operations` or `signal.throwIfAborted` is no function; otherwise what the signal or an operation throws.
   */
  interruptible<T>(signal: Interrupt | undefined, operations: () => T): T
  /** Ends its threads, wipes secrets and gives up the memory. Its values throw GloveboxError `disposed` from then on. A second call does nothing. */
  [Symbol.dispose](): void
}

/** How a context is opened. */
export interface OpenOptions {
  /**
   * Default `auto`: `wasm-fused` (relaxed SIMD) where the engine rounds its multiply-add once, else `wasm`. `reference` is bigint, for checking. Opening
   * throws Error for `wasm-fused` where the engine has it not, RangeError for another name.
   */
  readonly backend?: 'auto' | 'wasm-fused' | 'wasm' | 'reference'
  /**
   * Threads that compute, the caller's among them: an integer from 1 (default) to 64, or `auto` for as many as the machine runs at once, 8 at most. Calls
   * stay synchronous, and results are the same to the last bit. The caller works along and waits for the others, so that in a browser the context belongs
   * into a worker; a page without cross-origin isolation, and `reference`, have one thread: see `threads` of the context.
   */
  readonly threads?: number | 'auto'
}

/** The ring of a scheme, for parameters of that scheme. */
export function openSchemeRing(
  scheme: Params['scheme'],
  params: Params | ParamsLiteral,
  { backend = 'auto', threads = 1 }: OpenOptions,
): Ring {
  requireObject('params', 'parameters or a literal of them', params)
  const checked = checkedParams(params)
  if (checked.scheme !== scheme) throw new RangeError(`"params.scheme" expected '${scheme}', got '${checked.scheme}'`)
  return openRing(checked, openBackend(backend, threads))
}
