/** What the files in vectors/seal were made with: primes of 18, 17 and, special, 18 bits, as SEAL chooses them. */
export const sealGolden = {
  ringDegree: 2048,
  bits: [18, 17, 18],
  plainBits: 14,
  /** At level 1, and at level 0. */
  scale: 2 ** 26,
  lowScale: 2 ** 14,
  ckks: Array.from({ length: 1024 }, (_, i) => Math.round(1000 * Math.cos(i * i)) / 1000),
  bfv: Array.from({ length: 2048 }, (_, i) => (i * i) % 12289),
} as const
