import type { ParamsLiteral } from '../params/params.ts'

/** What the files in vectors/he were made with. */
export const goldenLiteral: ParamsLiteral = {
  scheme: 'ckks',
  ringDegree: 2048,
  modulusBits: [18, 17],
  specialBits: [18],
}
/** At level 1, at level 0, and of the two factors of the product. */
export const goldenScales = { top: 2 ** 26, low: 2 ** 14, factor: 2 ** 16 } as const
export const goldenMessage: readonly number[] = Array.from(
  { length: 1024 },
  (_, i) => Math.round(1000 * Math.cos(i * i)) / 1000,
)
/** SHA-256 over scheme, ring degree, primes, digit size and security target. */
export const goldenDigest = 'e07ccfc93649d7eef1f71f59f3c1b816a4d9f3827359963fbfb638f381a8648e'
