import { GloveboxError } from '../../base/errors.ts'
import { mod } from '../../base/numbers.ts'
import type { Params, ParamsLiteral } from '../../params/params.ts'
import { productOf, type Ring } from '../../ring/ring.ts'
import { relinearise } from '../../rlwe/relinearise.ts'
import { type OpenOptions, openSchemeRing } from '../context.ts'
import type { IntegerForm } from '../integer/form.ts'
import { openPlainModulus } from '../integer/plain-modulus.ts'
import { type IntegerScheme, integerScheme } from '../integer/scheme.ts'
import { shownAs, traced } from '../trace.ts'
import { openAuxiliary } from './auxiliary.ts'
import { multiply } from './multiply.ts'

/**
 * Brakerski 2012 (eprint 2012/078), Fan and Vercauteren 2012 (eprint 2012/144), in the full-RNS form of Halevi, Polyakov, Shoup 2018
 * (eprint 2018/117) and Kim, Polyakov, Zucca 2021 (eprint 2021/204): x = nearest(Q m / t) + noise, and a product costs about
 * log2(t) + log2(N) bits of the noise budget wherever it is done.
 */
export interface Bfv extends IntegerScheme {}

/** g = -Q modulo t: t nearest(Q m / t) = Q m - [Q m]_t. */
function bfvForm(ring: Ring): IntegerForm {
  const plain = openPlainModulus(ring)
  const factors = ring.params.primes.map((_, level) =>
    mod(-productOf(ring.params.primes.slice(0, level + 1)), BigInt(plain.t)),
  )
  return {
    ring,
    plain,
    factor(level, scale) {
      if (scale !== 1) {
        throw new GloveboxError(
          'scale-mismatch',
          `messages of BFV have a scale of 1, this value has 2^${Math.log2(scale).toFixed(1)}: it does not come from this scheme`,
        )
      }
      return factors[level]!
    },
    divided: () => 1,
  }
}

/**
 * Opens a context: tables for every prime in one memory. Accepts a literal too; dispose of it to give up memory and threads.
 * @throws TypeError for what is no object, RangeError for a value out of range (see `ParamsLiteral`, {@link OpenOptions}) and for another scheme;
 * GloveboxError `no-primes`, `insecure-parameters`, `out-of-memory`.
 */
export function openBfv(params: Params | ParamsLiteral, options: OpenOptions = {}): Bfv {
  const ring = openSchemeRing('bfv', params, options)
  const form = bfvForm(ring)
  const tables = openAuxiliary(ring)
  return traced(
    'bfv',
    shownAs(
      'Bfv',
      integerScheme(form, {
        multiply: (a, b) => multiply(form, tables, a, b),
        partial: (a, b) => multiply(form, tables, a, b),
        product: (a, b, keys) => {
          using wide = multiply(form, tables, a, b)
          return relinearise(wide, keys)
        },
      }),
    ),
  )
}
