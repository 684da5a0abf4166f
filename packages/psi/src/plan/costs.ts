/** What operations cost at one ring degree and number of primes of the chain, in ms on one thread. */
export interface RingCosts {
  /** N. */
  readonly ringDegree: number
  /** Of the chain, from 1. */
  readonly primes: number
  /** Encoding and encrypting one ciphertext of a query. */
  readonly encryptMs: number
  /** Reading, decrypting and decoding one ciphertext of a reply. */
  readonly readMs: number
  /** Switching one ciphertext to level 0, trimming and writing it. */
  readonly replyMs: number
  /** Encoding one degree of the polynomials of a bundle, when a set is opened. */
  readonly encodeMs: number
  /** One product; undefined where there is no special prime. */
  readonly multiplyMs?: number
  /** One relinearisation. */
  readonly switchKeyMs?: number
  /** One rotation. */
  readonly rotateMs?: number
  /** Making one evaluation key. */
  readonly keysMs?: number
}

/** What a plan is priced by. */
export interface CostTable {
  /** For each ring degree that is planned with, and some numbers of primes; others are scaled from the nearest. */
  readonly rings: readonly RingCosts[]
  /** One coefficient times one slot of a ciphertext modulo one prime, with weights that come from memory, in ns. */
  readonly multiplyAccumulateNs: number
  /** Of one item and field element: a and b, where the matching polynomial takes a + b · degree ns. */
  readonly matchingNs: readonly [number, number]
  /** The same for each polynomial that interpolates labels. */
  readonly labelNs: readonly [number, number]
  /** Starting the threads that build a set, in ms. */
  readonly buildStartMs: number
  /** Writing one coefficient of a polynomial to disk, in ns. */
  readonly writeNs: number
  /** Opening a set of no items: a thread, its modules and kernels, in ms. */
  readonly openStartMs: number
  /** Reading one coefficient and putting it into its slot, on one thread, in ns. */
  readonly loadNs: number
  /** The OPRF of one item when a set is built. */
  readonly itemMs: number
  /** The OPRF of one element of a receiver. */
  readonly elementMs: number
  /** Blinding one item, in JavaScript, as in a browser. */
  readonly blindMs: number
  /** Finalizing one, in JavaScript. */
  readonly finalizeMs: number
  /** Blinding one by libsodium, as in Node. */
  readonly nodeBlindMs: number
  /** Finalizing one by libsodium. */
  readonly nodeFinalizeMs: number
}

/**
 * Minima on one thread of a Xeon at 2.x GHz with Node 24, by
 *
 *     node --conditions=@glovebox/source bench/psi-costs.ts
 *
 * which prints them, but for those of starting, writing and loading, which are rounded from sets of 10,000 to 100,000 items. Other machines differ by a factor, `speed` of `planSet`; plans hardly do.
 */
export const costs: CostTable = {
  rings: [
    { ringDegree: 2048, primes: 1, encryptMs: 0.064, readMs: 0.0723, replyMs: 0.0321, encodeMs: 0.02 },
    {
      ringDegree: 4096,
      primes: 1,
      encryptMs: 0.113,
      readMs: 0.134,
      replyMs: 0.0739,
      encodeMs: 0.0407,
      multiplyMs: 0.38,
      switchKeyMs: 0.0933,
      rotateMs: 0.0954,
      keysMs: 0.107,
    },
    {
      ringDegree: 4096,
      primes: 2,
      encryptMs: 0.168,
      readMs: 0.12,
      replyMs: 0.108,
      encodeMs: 0.0532,
      multiplyMs: 0.539,
      switchKeyMs: 0.185,
      rotateMs: 0.189,
      keysMs: 0.291,
    },
    {
      ringDegree: 4096,
      primes: 3,
      encryptMs: 0.225,
      readMs: 0.119,
      replyMs: 0.185,
      encodeMs: 0.0654,
      multiplyMs: 0.702,
      switchKeyMs: 0.302,
      rotateMs: 0.306,
      keysMs: 0.553,
    },
    {
      ringDegree: 8192,
      primes: 2,
      encryptMs: 0.323,
      readMs: 0.241,
      replyMs: 0.218,
      encodeMs: 0.11,
      multiplyMs: 1.13,
      switchKeyMs: 0.381,
      rotateMs: 0.388,
      keysMs: 0.565,
    },
    {
      ringDegree: 8192,
      primes: 3,
      encryptMs: 0.439,
      readMs: 0.231,
      replyMs: 0.38,
      encodeMs: 0.138,
      multiplyMs: 1.8,
      switchKeyMs: 0.628,
      rotateMs: 0.635,
      keysMs: 1.09,
    },
    {
      ringDegree: 8192,
      primes: 4,
      encryptMs: 0.547,
      readMs: 0.232,
      replyMs: 0.602,
      encodeMs: 0.164,
      multiplyMs: 2.55,
      switchKeyMs: 0.933,
      rotateMs: 0.958,
      keysMs: 1.86,
    },
    {
      ringDegree: 8192,
      primes: 5,
      encryptMs: 0.661,
      readMs: 0.232,
      replyMs: 1.15,
      encodeMs: 0.191,
      multiplyMs: 2.91,
      switchKeyMs: 1.32,
      rotateMs: 1.34,
      keysMs: 3.06,
    },
    {
      ringDegree: 8192,
      primes: 6,
      encryptMs: 0.774,
      readMs: 0.231,
      replyMs: 1.27,
      encodeMs: 0.219,
      multiplyMs: 3.47,
      switchKeyMs: 1.99,
      rotateMs: 1.87,
      keysMs: 3.99,
    },
  ],
  multiplyAccumulateNs: 1.37,
  matchingNs: [60, 0.3],
  labelNs: [400, 6.3],
  buildStartMs: 500,
  writeNs: 40,
  openStartMs: 300,
  loadNs: 60,
  itemMs: 0.148,
  elementMs: 0.198,
  blindMs: 3.81,
  finalizeMs: 1.65,
  nodeBlindMs: 0.16,
  nodeFinalizeMs: 0.23,
}

/** The measured row of a ring degree with the nearest number of primes, and for other degrees one that is scaled by N. */
export function ringCosts({ rings }: CostTable, ringDegree: number, primes: number): Required<RingCosts> {
  const distance = (row: RingCosts): number =>
    8 * Math.abs(Math.log2(row.ringDegree / ringDegree)) + Math.abs(row.primes - primes)
  const row = rings.reduce((best, other) => (distance(other) < distance(best) ? other : best))
  const factor = (ringDegree / row.ringDegree) * Math.max(1, primes / row.primes)
  const scaled = (ms: number | undefined): number => factor * (ms ?? 0)
  return {
    ringDegree,
    primes,
    encryptMs: scaled(row.encryptMs),
    readMs: scaled(row.readMs),
    replyMs: scaled(row.replyMs),
    encodeMs: scaled(row.encodeMs),
    multiplyMs: scaled(row.multiplyMs),
    switchKeyMs: scaled(row.switchKeyMs),
    rotateMs: scaled(row.rotateMs),
    keysMs: scaled(row.keysMs),
  }
}
