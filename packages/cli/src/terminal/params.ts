import type { Params } from '@glovebox/he'

/** Parameters in a line: ring degree, then the sizes in bits of the primes. */
export function showParams(params: Params): string {
  const { ringDegree, modulusBits, specialBits, plaintextModulus } = params.literal
  const integers =
    plaintextModulus === undefined ? '' : `, integers modulo 2^${Number(Math.log2(plaintextModulus).toFixed(2))}`
  return `${params.scheme.toUpperCase()}, N = ${ringDegree}, primes ${modulusBits.join('+')} bits, special ${specialBits.join('+') || 'none'}${integers}`
}
