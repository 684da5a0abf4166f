import type { Params } from '@glovebox/he'

/** Parameters in a line: ring degree, then the sizes in bits of the primes. */
export function showParams(params: Params): string {
  const { ringDegree, modulusBits, specialBits } = params.literal
  return `CKKS, N = ${ringDegree}, primes ${modulusBits.join('+')} bits, special ${specialBits.join('+') || 'none'}`
}
