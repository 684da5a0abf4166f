import type { Ring } from '../../ring/ring.ts'
import type { PlainModulus } from './plain-modulus.ts'

/**
 * How a scheme of integers modulo t places its messages. Both have ciphertexts of one kind: with x = c_0 + c_1 s (+ c_2 s^2),
 *
 *     t x = [g m]_t + t e   modulo Q
 *
 * for a unit g modulo t that level and scale tell, and a small error e. BFV has g = -Q, as x = nearest(Q m / t) + e says the same. BGV has the ciphertext
 * t (c_0, c_1) in its textbooks; without the factor t the errors of encryption and key switching need none either, and seeds stay true.
 */
export interface IntegerForm {
  readonly ring: Ring
  readonly plain: PlainModulus
  /** g of what has this level and scale. */
  factor(level: number, scale: number): bigint
  /** The scale after a division by the primes above level `to`. */
  divided(scale: number, from: number, to: number): number
}
