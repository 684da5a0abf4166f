import { GloveboxError } from '../../base/errors.ts'
import { invMod, mod } from '../../base/numbers.ts'
import type { Params, ParamsLiteral } from '../../params/params.ts'
import { productOf, type Ring } from '../../ring/ring.ts'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import type { EvaluationKeys } from '../../rlwe/keys.ts'
import { relinearise } from '../../rlwe/relinearise.ts'
import { type OpenOptions, openSchemeRing } from '../context.ts'
import type { IntegerForm } from '../integer/form.ts'
import { switchModulus } from '../integer/modulus-switch.ts'
import { openPlainModulus } from '../integer/plain-modulus.ts'
import { type IntegerScheme, integerScheme } from '../integer/scheme.ts'
import { shownAs, traced } from '../trace.ts'
import { multiply } from './multiply.ts'

/**
 * Brakerski, Gentry, Vaikuntanathan 2011 (eprint 2011/277): t x = g m + t e, with the correction factor g as the scale of a value (from 1 to t-1; 1 when
 * fresh). A product multiplies errors, so that it costs more the more noise there is: `switchModulus` after `relinearise` takes off a prime with its
 * bits of noise. `multiplyMany`, `exponentiate` and `evaluatePolynomial` do so after each product as long as there is a level below, so that their
 * results may be at lower levels. Sums need equal factors and bring them there at up to log2(t)/2 bits of the budget.
 *
 * The product is a fraction of BFV's in time; levels have to be planned. Ciphertexts are those of the textbook divided by t modulo Q, whose errors,
 * keys and seeds are then the same as in the other schemes.
 */
export interface Bgv extends IntegerScheme {}

/** g is the scale. */
function bgvForm(ring: Ring): IntegerForm {
  const plain = openPlainModulus(ring)
  const t = BigInt(plain.t)
  const shared = (scale: number): boolean => {
    let [a, b] = [plain.t, scale]
    while (b !== 0) [a, b] = [b, a % b]
    return a !== 1
  }
  return {
    ring,
    plain,
    factor(_level, scale) {
      if (!Number.isInteger(scale) || scale < 1 || scale >= plain.t || (scale !== 1 && shared(scale))) {
        throw new GloveboxError(
          'scale-mismatch',
          `scales of BGV are correction factors, units modulo t = ${plain.t} from 1 to ${plain.t - 1}, this value has ${scale}: it does not come from this scheme`,
        )
      }
      return BigInt(scale)
    },
    divided(scale, from, to) {
      const primes = ring.params.primes.slice(to + 1, from + 1)
      return Number(mod(BigInt(scale) * invMod(productOf(primes), t), t))
    },
  }
}

/**
 * Opens a context: tables for every prime in one memory. Accepts a literal too; dispose of it to give up memory and threads.
 * @throws TypeError for what is no object, RangeError for a value out of range (see `ParamsLiteral`, {@link OpenOptions}) and for another scheme;
 * GloveboxError `no-primes`, `insecure-parameters`, `out-of-memory`.
 */
export function openBgv(params: Params | ParamsLiteral, options: OpenOptions = {}): Bgv {
  const ring = openSchemeRing('bgv', params, options)
  const form = bgvForm(ring)
  const product = (a: Ciphertext, b: Ciphertext, keys: EvaluationKeys): Ciphertext => {
    using wide = multiply(form, a, b)
    const two = relinearise(wide, keys)
    if (two.level === 0) return two
    using noisy = two
    return switchModulus(form, noisy)
  }
  return traced(
    'bgv',
    shownAs('Bgv', integerScheme(form, { multiply: (a, b) => multiply(form, a, b), partial: product, product })),
  )
}
