/** A repeatable source of numbers for made-up inputs: the 32-bit generator of Steele, Lea and Flood 2014 (SplitMix), with Murmur3's finaliser. No cryptography. */
export interface Randomness {
  /** From 0 to below 1. */
  uniform(): number
  /** Of the standard normal distribution: Box and Muller 1958. */
  normal(): number
}

export function createRandomness(seed: number): Randomness {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32
  }
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  }
}
