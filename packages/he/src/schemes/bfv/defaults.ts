import type { ParamsLiteral } from '../../params/params.ts'

/** SEAL's default chains for 128 bits, the special prime last, as far as their primes are below 2^50 (SEAL 4, `CoeffModulus::BFVDefault`). */
const chains: Readonly<Record<number, readonly number[]>> = {
  1024: [132120577],
  4096: [68719403009, 68719230977, 137438822401],
  8192: [8796092858369, 8796092792833, 17592186028033, 17592185438209, 17592184717313],
  16384: [
    281474976546817, 281474976317441, 281474975662081, 562949952798721, 562949952700417, 562949952274433,
    562949951979521, 562949951881217, 562949951619073,
  ],
}

/** In place of one prime of 54 bits and of sixteen primes of 55 and 56 bits, which residues in doubles cannot hold. */
const replaced: Readonly<Record<number, readonly number[]>> = {
  2048: [49],
  32768: [...new Array<number>(16).fill(49), 48, 49],
}

/**
 * The part of a literal that SEAL's `CoeffModulus::BFVDefault` (SEAL 4) chooses: the same primes at N = 1024, 4096, 8192 and 16384, one special prime,
 * digits of one prime. At N = 2048 and 32768 SEAL's primes exceed 2^50 and are replaced: one of 49 bits, and seventeen with one special prime in 881 bits.
 * SEAL holds itself to the 2018 tables, whence `128-classical-2018`. Spread it into a literal beside `scheme` and `plaintextModulus`.
 * @throws RangeError for a ring degree that is none of these six.
 */
export function bfvDefault(
  ringDegree: number,
): Pick<ParamsLiteral, 'ringDegree' | 'modulusBits' | 'specialBits' | 'digitSize' | 'primes' | 'security'> {
  const primes = chains[ringDegree]
  const bits = primes?.map((p) => Math.ceil(Math.log2(p))) ?? replaced[ringDegree]
  if (bits === undefined) {
    throw new RangeError(
      `"ringDegree" expected one of ${[...Object.keys(chains), ...Object.keys(replaced)]
        .map(Number)
        .sort((a, b) => a - b)
        .join(', ')}, got ${ringDegree}`,
    )
  }
  const chain = Math.max(1, bits.length - 1)
  return {
    ringDegree,
    modulusBits: bits.slice(0, chain),
    specialBits: bits.slice(chain),
    digitSize: 1,
    ...(primes && { primes }),
    security: '128-classical-2018',
  }
}
