import { type ItemKind, requireKind } from '../items/items.ts'
import { requireInteger } from '../params/checks.ts'
import type { FittedModulus } from '../params/fit.ts'
import type { SetParams, SetShape } from '../params/set-params.ts'
import type { CostTable } from './costs.ts'

/** What a set is planned for. */
export interface PlanRequest {
  /** Items of the sender, 1 to 2^30. */
  readonly senderItems: number
  /** Items that a receiver asks for at a time, 1 to 2^20. */
  readonly receiverItems: number
  /** Bytes of a label, 0 to 1024; default 0. */
  readonly labelBytes?: number
  /**
   * Bits of the OPRF output that a query may tell, so that fewer items are looked at: 'none' (the default), a number from 0 to 16, or 'any', where the plan
   * chooses and leaves at least 4,096 items in a bucket.
   */
  readonly prefixBits?: 'none' | 'any' | number
  /** Default: 100 megabits a second, 20 ms there and back. */
  readonly link?: { readonly megabitsPerSecond: number; readonly roundTripMs: number }
  /** Cores of the sender, 1 to 256; default 2. */
  readonly cores?: number
  /** What is to be least: the time of a run, or its bytes; default `time`. */
  readonly objective?: 'time' | 'bytes'
  /** Whether evaluation keys are there from an earlier run; default false. */
  readonly reuseKeys?: boolean
  /** Kernels' memory that the sender has at most, in MB; default: no bound. */
  readonly maxMemoryMB?: number
  /** Where the receiver blinds its items: in a browser by JavaScript, or in Node by WebAssembly; default `browser`. */
  readonly receiver?: 'browser' | 'node'
  /** What the items are: default 'bytes'. */
  readonly kind?: ItemKind
  /** Slow hashing of one item, in ms: default that of `createHardening()` for passwords and credentials, as they can be guessed, and 0 for others. */
  readonly hardeningMs?: number
  /** How much slower the machines are than the one of the cost table: 0.01 to 100; default 1. */
  readonly speed?: number
  /** Default: `costs`. */
  readonly costs?: CostTable
}

/** What a run is expected to take. */
export interface PlanPrediction {
  /** Queries of a run: one, or as many as items where a query has one item. */
  readonly queries: number
  /** All that the receiver sends but for evaluation keys: queries and blinded items. */
  readonly uploadBytes: number
  /** Evaluation keys, once for many runs; 0 for none. */
  readonly keyBytes: number
  /** All that the receiver gets, at most: replies of bundles as they are expected of the fullest bins, and evaluated items. */
  readonly replyBytes: number
  /** Compute of the sender for a run, on all its cores. */
  readonly serverMs: number
  /** Compute of the receiver for a run, on one core: its side of the OPRF without proofs, queries and replies. */
  readonly clientMs: number
  /** Building the set: threads, slow hashing, OPRF, polynomials and their way to disk. */
  readonly buildMs: number
  /** Opening the set: a thread, reading the polynomials and encoding them. */
  readonly openMs: number
  /** Kernels' memory of the opened set. */
  readonly memoryMB: number
  /** A run from start to end, one query after the other but for round trips. */
  readonly totalMs: number
  /** log2 of the probability that a run has a match that is none: -40 at most. */
  readonly falsePositiveLog2: number
  /** Bits of noise that are left: 0.5 at least. */
  readonly noiseMarginBits: number
  /** Bundles of all groups that a query looks at. */
  readonly bundles: number
}

/** One set of parameters with its prediction. */
export interface PlanCandidate {
  /** Checked. */
  readonly params: SetParams
  /** For the request. */
  readonly predicted: PlanPrediction
}

/** What predictions look at: parameters, or what they are going to be, with primes that are powers of two. */
export type Sized = SetShape &
  Pick<FittedModulus, 'innerLevel' | 'replyBits'> & {
    readonly he: FittedModulus['moduli']
    readonly noise: { readonly marginBits: number }
  }

/** A request with its defaults. */
export interface Request extends Required<Omit<PlanRequest, 'prefixBits' | 'costs'>> {
  readonly prefixes: readonly number[]
  readonly costs: CostTable
}

function requireNumber(name: string, value: unknown, low: number, high: number): void {
  if (typeof value !== 'number' || !(value >= low && value <= high))
    throw new RangeError(`"${name}" expected a number from ${low} to ${high}, got ${String(value)}`)
}

/** scrypt with N = 64, r = 8, p = 1 in Node. */
const hardeningDefaultMs = 0.13

const isGuessable = (kind: ItemKind): boolean => kind === 'passwords' || kind === 'credentials'

/** Fewest items of a bucket where the plan chooses the prefix. */
const fewestInBucket = 4096

/** Throws TypeError and RangeError for what is out of range. */
export function checkRequest(request: PlanRequest, table: CostTable): Request {
  if (request === null || typeof request !== 'object')
    throw new TypeError(`"request" expected an object, got ${request === null ? 'null' : typeof request}`)
  const {
    senderItems,
    receiverItems,
    labelBytes = 0,
    prefixBits = 'none',
    link = { megabitsPerSecond: 100, roundTripMs: 20 },
    cores = 2,
    objective = 'time',
    reuseKeys = false,
    maxMemoryMB = Infinity,
    receiver = 'browser',
    kind = 'bytes',
    hardeningMs = isGuessable(requireKind(kind)) ? hardeningDefaultMs : 0,
    speed = 1,
    costs = table,
  } = request
  requireInteger('senderItems', senderItems, 1, 2 ** 30)
  requireInteger('receiverItems', receiverItems, 1, 2 ** 20)
  requireInteger('labelBytes', labelBytes, 0, 1024)
  requireInteger('cores', cores, 1, 256)
  requireNumber('link.megabitsPerSecond', link?.megabitsPerSecond, 0.001, 1e6)
  requireNumber('link.roundTripMs', link?.roundTripMs, 0, 1e5)
  requireNumber('hardeningMs', hardeningMs, 0, 1e5)
  requireNumber('speed', speed, 0.01, 100)
  if (!(maxMemoryMB > 0)) throw new RangeError(`"maxMemoryMB" expected a number above 0, got ${String(maxMemoryMB)}`)
  if (objective !== 'time' && objective !== 'bytes')
    throw new RangeError(`"objective" expected 'time' or 'bytes', got ${String(objective)}`)
  if (receiver !== 'browser' && receiver !== 'node')
    throw new RangeError(`"receiver" expected 'browser' or 'node', got ${String(receiver)}`)
  let prefixes = [0]
  if (prefixBits === 'any') {
    const most = Math.max(0, Math.min(16, Math.floor(Math.log2(senderItems / fewestInBucket))))
    prefixes = [0, ...Array.from({ length: most }, (_, i) => i + 1).filter((bits) => bits % 2 === most % 2)]
  } else if (prefixBits !== 'none') {
    requireInteger('prefixBits', prefixBits, 0, 16)
    prefixes = [prefixBits]
  }
  return {
    senderItems,
    receiverItems,
    labelBytes,
    prefixes,
    link,
    cores,
    objective,
    reuseKeys,
    maxMemoryMB,
    receiver,
    kind,
    hardeningMs,
    speed,
    costs,
  }
}
