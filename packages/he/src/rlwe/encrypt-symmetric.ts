import { randomBytes } from '../base/random.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, limbOf, newCiphertext, type Plaintext, requireRing } from './ciphertext.ts'
import { expandCiphertext, seedBytes } from './expand.ts'
import { sampleError } from './noise.ts'
import { type SecretKey, secretLimb } from './secret-key.ts'

/**
 * Encrypts under the secret key: (-a s + e + m, a) with a expanded from a fresh public seed, so that the ciphertext is sent at
 * half its size. Noise: one centred binomial, sigma 3.24 a coefficient.
 */
export function encryptSymmetric(
  context: { readonly ring: Ring },
  secret: SecretKey,
  plaintext: Plaintext,
): Ciphertext {
  const { ring } = context
  requireRing(ring, 'secret', secret, 'secret-key')
  requireRing(ring, 'plaintext', plaintext, 'plaintext')
  const { n, limbBytes } = ring
  const { level, scale, stride, kept } = plaintext
  // Read here, before anything is taken: what was disposed of throws.
  const [message, key] = [plaintext.slab.ptr, secretLimb(secret, 0)]
  const seed = randomBytes(seedBytes)
  const ct = newCiphertext(ring, 2, level, scale, { seed, stride, kept })
  expandCiphertext(ct, seed)
  using error = ring.limbs(1, { wipe: true })
  sampleError(ring, error.ptr)
  ring.parallel(level + 1, (i, kernels) => {
    const { p, pinv, table } = ring.moduli[i]!
    const c0 = limbOf(ct, 0, i)
    kernels.nttForwardFrom(c0, error.ptr, n, p, pinv, table)
    kernels.add(c0, c0, message + i * limbBytes, n, p, pinv)
    // x - a s = -(-x + a s), for want of scratch.
    kernels.negate(c0, c0, n)
    kernels.mulAdd(c0, limbOf(ct, 1, i), key + i * limbBytes, n, p, pinv)
    kernels.negate(c0, c0, n)
  })
  return ct
}
