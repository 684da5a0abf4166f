import type { SetParams } from '@glovebox/psi'
import { showCount } from '../terminal/format.ts'

/** Parameters in a line, for people. */
export function describePlan({ method, he, matrix, powers, feltsPerItem, t }: SetParams): string {
  const { ringDegree, modulusBits, specialBits } = he.literal
  const primes = [...modulusBits.map(String), ...specialBits.map((bits) => `(${bits})`)].join(' + ')
  const own =
    method === 'matrix'
      ? `bins of ${matrix!.degree - 1} items`
      : `bins of ${powers!.maxItemsPerBin} items${powers!.hashFunctions > 0 ? `, ${powers!.hashFunctions} hash functions into ${showCount(powers!.tableSize)}` : ''}`
  return `${method}, ${own}; BFV, N ${ringDegree}, primes of ${primes} bits, t ${t}, ${feltsPerItem} elements an item`
}
