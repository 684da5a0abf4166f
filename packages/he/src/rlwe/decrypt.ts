import type { Ring } from '../ring/ring.ts'
import { copyLimbs } from '../ring/ring.ts'
import { type Ciphertext, filled, limbOf, newPlaintext, type Plaintext, requireRing } from './ciphertext.ts'
import { type SecretKey, secretLimb } from './secret-key.ts'

/**
 * c_0 + c_1 s (+ c_2 s^2). The result of an approximate scheme carries the noise, and the noise tells about the key: never give
 * decrypted values back to whoever computed on the ciphertext (Li and Micciancio 2021, eprint 2020/1533; see SECURITY.md).
 */
export function decrypt(context: { readonly ring: Ring }, secret: SecretKey, ciphertext: Ciphertext): Plaintext {
  const { ring } = context
  requireRing(ring, 'secret', secret, 'secret-key')
  requireRing(ring, 'ciphertext', ciphertext, 'ciphertext')
  const { kernels, n, limbBytes } = ring
  const { level, scale, stride, kept, parts } = ciphertext
  return filled(newPlaintext(ring, level, scale, { stride, kept, wipe: true }), ({ slab }) => {
    for (let i = 0; i <= level; i++) {
      const { p, pinv } = ring.moduli[i]!
      const m = slab.ptr + i * limbBytes
      // Horner: ((c_2 s) + c_1) s + c_0.
      copyLimbs(ring, m, limbOf(ciphertext, parts - 1, i), 1)
      for (let part = parts - 2; part >= 0; part--) {
        kernels.mul(m, m, secretLimb(secret, i), n, p, pinv)
        kernels.add(m, m, limbOf(ciphertext, part, i), n, p, pinv)
      }
    }
  })
}
