import { GloveboxError } from '../base/errors.ts'
import { requireContext } from '../base/require.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, filled, limbOf, newCiphertext, type Plaintext, requireRing } from './ciphertext.ts'
import type { PublicKey } from './keys.ts'
import { sampleError, sampleTernary, spread } from './noise.ts'

/** Encrypts under a public key (b, a): (b u + e_0 + m, a u + e_1) with u uniform ternary. */
export function encryptPublic(context: { readonly ring: Ring }, key: PublicKey, plaintext: Plaintext): Ciphertext {
  const { ring } = context
  requireRing(ring, 'key', key, 'public-key')
  requireRing(ring, 'plaintext', plaintext, 'plaintext')
  const { level, scale, stride, kept } = plaintext
  const limbs = ring.params.primes.length
  // Read here, before anything is taken: what was disposed of throws.
  const [keyAt, message] = [key.slab.ptr, plaintext.slab.ptr]
  const ct = newCiphertext(ring, 2, level, scale, { stride, kept })
  hide(
    ring,
    ct,
    (part, i) => keyAt + (part * limbs + i) * ring.limbBytes,
    (part, i) => (part === 0 ? message + i * ring.limbBytes : undefined),
  )
  return ct
}

/**
 * The ciphertext plus a fresh encryption of zero that is made from another one, (z_0, z_1), as from a public key: (c_0 + z_0 u + e_0, c_1 + z_1 u + e_1).
 * c_1 is hidden by ring-LWE with u for a secret, whatever c_1 is, if z_1 is uniform, as that of a seeded ciphertext is; z_1 may be the second part of `ct` itself.
 * The holder of the key learns what decryption tells. A server that computed with private weights gives its results away like that, for c_1 of a product with
 * weights is the product of c_1, which everybody knows, and the weights. Lyubashevsky, Peikert, Regev 2010 (eprint 2012/230).
 * z_0 is what the client sent, and need not be that of a zero: then c_0 of the result tells of u where it is given away. Trim it (`writeReply`): where most of
 * its N coefficients are sent, a z_0 that was made up for that tells all of u, and c_1.
 * Adds an error of variance 10.5 (1 + 4N/3) to every coefficient. `ct` of two parts, at a level up to that of `zero`; the result keeps its level and scale.
 * @throws GloveboxError `unsupported` for three parts, a `zero` that is not seeded or not whole, or a ciphertext of BGV; `level-exhausted` for one of a lower level than `ct`,
 * `parameters-mismatch` for values of another context, `disposed`; TypeError for what is no ciphertext.
 */
export function maskWith(context: { readonly ring: Ring }, ct: Ciphertext, zero: Ciphertext): Ciphertext {
  requireContext('context', context)
  const { ring } = context
  requireRing(ring, 'ct', ct, 'ciphertext')
  requireRing(ring, 'zero', zero, 'ciphertext')
  if (ct.parts !== 2 || zero.parts !== 2)
    throw new GloveboxError('unsupported', `"ct" and "zero" expected two parts, got ${ct.parts} and ${zero.parts}`)
  if (zero.seed === undefined)
    throw new GloveboxError('unsupported', '"zero" expected a seeded ciphertext, whose second part nobody has chosen')
  if (ring.params.scheme === 'bgv')
    throw new GloveboxError('unsupported', '"ct" expected a ciphertext of CKKS or BFV, got one of bgv')
  if (zero.stride !== 1)
    throw new GloveboxError('unsupported', '"zero" expected a whole ciphertext, got one of a trimmed reply')
  if (zero.level < ct.level)
    throw new GloveboxError('level-exhausted', `"zero" expected level ${ct.level} at least, got ${zero.level}`)
  const { level, scale, stride, kept } = ct
  return filled(newCiphertext(ring, 2, level, scale, { stride, kept }), (masked) =>
    hide(
      ring,
      masked,
      (part, i) => limbOf(zero, part, i),
      (part, i) => limbOf(ct, part, i),
    ),
  )
}

/** (z_0 u + e_0 + m_0, z_1 u + e_1 + m_1) with u uniform ternary, into `ct`. */
function hide(
  ring: Ring,
  ct: Ciphertext,
  keyAt: (part: number, limb: number) => Ptr,
  messageAt: (part: number, limb: number) => Ptr | undefined,
): void {
  const { n, limbBytes } = ring
  const { level } = ct
  using small = ring.limbs(1, { wipe: true })
  using u = ring.limbs(level + 1, { wipe: true })
  sampleTernary(ring, small.ptr)
  spread(ring, u.ptr, small.ptr, [...Array(level + 1).keys()])
  for (const part of [0, 1]) {
    sampleError(ring, small.ptr)
    // In one task: no interruption leaves an error behind that nothing hides.
    ring.parallel(level + 1, (i, kernels) => {
      const { p, pinv, table } = ring.moduli[i]!
      const c = limbOf(ct, part, i)
      kernels.nttForwardFrom(c, small.ptr, n, p, pinv, table)
      kernels.mulAdd(c, u.ptr + i * limbBytes, keyAt(part, i), n, p, pinv)
      const message = messageAt(part, i)
      if (message !== undefined) kernels.add(c, c, message, n, p, pinv)
    })
  }
}
