import { centred, invMod } from '../../base/numbers.ts'
import { productOf, type Ring, toCoefficients } from '../../ring/ring.ts'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import type { SecretKey } from '../../rlwe/secret-key.ts'

/**
 * The invariant noise budget in bits, a whole number from 0 to log2 Q, as SEAL defines it (`Decryptor::invariant_noise_budget`): bits(Q) - bits(|[t (c_0 +
 * c_1 s …)]_Q|) - 1, not below 0, with the largest coefficient. Decryption is right while it is above 0. A product of BFV costs about log2(t) + log2(N)
 * bits of it; one of BGV squares the noise, until `switchModulus` divides it. Exact, on bigint, at any level; of a trimmed reply only the coefficients that
 * it carries count.
 *
 * It tells about the secret key: keep it where the key is.
 * @throws RangeError for a context of CKKS; TypeError for a value of another kind, GloveboxError `parameters-mismatch` for one of another context.
 */
export function noiseBudget(context: { readonly ring: Ring }, secret: SecretKey, ciphertext: Ciphertext): number {
  const { ring } = context
  const t = ring.params.plaintextModulus
  if (t === undefined)
    throw new RangeError('"context" expected one of BFV or BGV, got one of CKKS, which has no noise budget')
  using phase = decrypt(context, secret, ciphertext)
  const { level, stride, kept } = ciphertext
  const { n, limbBytes } = ring
  toCoefficients(ring, phase.slab.ptr, level + 1)
  const primes = ring.params.primes.slice(0, level + 1)
  const Q = productOf(primes)
  const basis = primes.map((p) => {
    const rest = Q / BigInt(p)
    return BigInt(t) * rest * invMod(rest, BigInt(p))
  })
  const limbs = primes.map((_, i) => ring.heap.f64(phase.slab.ptr + i * limbBytes, n))
  let largest = 0n
  for (let k = 0; k < kept * stride; k += stride) {
    const noise = centred(
      limbs.reduce((sum, limb, i) => sum + BigInt(limb[k]!) * basis[i]!, 0n),
      Q,
    )
    if (noise > largest) largest = noise
    else if (-noise > largest) largest = -noise
  }
  const bits = (x: bigint): number => (x === 0n ? 0 : x.toString(2).length)
  return Math.max(0, bits(Q) - bits(largest) - 1)
}
