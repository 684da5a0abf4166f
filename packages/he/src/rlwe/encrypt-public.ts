import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, limbOf, newCiphertext, type Plaintext, requireRing } from './ciphertext.ts'
import type { PublicKey } from './keys.ts'
import { sampleError, sampleTernary, spread } from './noise.ts'

/** Encrypts under a public key (b, a): (b u + e_0 + m, a u + e_1) with u uniform ternary. */
export function encryptPublic(context: { readonly ring: Ring }, key: PublicKey, plaintext: Plaintext): Ciphertext {
  const { ring } = context
  requireRing(ring, 'key', key, 'public-key')
  requireRing(ring, 'plaintext', plaintext, 'plaintext')
  const { n, limbBytes } = ring
  const { level, scale, stride, kept } = plaintext
  const limbs = ring.params.primes.length
  const indices = [...Array(level + 1).keys()]
  // Read here, before anything is taken: what was disposed of throws.
  const [keyAt, message] = [key.slab.ptr, plaintext.slab.ptr]
  const ct = newCiphertext(ring, 2, level, scale, { stride, kept })
  using small = ring.limbs(1, { wipe: true })
  using u = ring.limbs(level + 1, { wipe: true })
  sampleTernary(ring, small.ptr)
  spread(ring, u.ptr, small.ptr, indices)
  for (const part of [0, 1]) {
    sampleError(ring, small.ptr)
    // In one task: no interruption leaves an error behind that nothing hides.
    ring.parallel(level + 1, (i, kernels) => {
      const { p, pinv, table } = ring.moduli[i]!
      const c = limbOf(ct, part, i)
      kernels.nttForwardFrom(c, small.ptr, n, p, pinv, table)
      kernels.mulAdd(c, u.ptr + i * limbBytes, keyAt + (part * limbs + i) * limbBytes, n, p, pinv)
      if (part === 0) kernels.add(c, c, message + i * limbBytes, n, p, pinv)
    })
  }
  return ct
}
