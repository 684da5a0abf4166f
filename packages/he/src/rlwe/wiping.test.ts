import { expect, test } from 'vitest'
import { toCoefficients } from '../ring/ring.ts'
import { openBfv } from '../schemes/bfv/bfv.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { decodeCoefficients } from '../schemes/ckks/encoder.ts'
import { smallLiteral, smallScale } from '../test-support/small.ts'
import { decrypt } from './decrypt.ts'
import { encryptPublic } from './encrypt-public.ts'
import { encryptSymmetric } from './encrypt-symmetric.ts'
import { createPublicKey } from './keygen.ts'
import { createSecretKey } from './secret-key.ts'

// What a secret key leaves: secret-key.test.ts.

test('a decryption leaves nothing of its noise in memory, nor does decoding it', () => {
  const ckks = openCkks(smallLiteral)
  const { ring } = ckks
  using secret = createSecretKey(ckks)
  using plain = ckks.encode([1, 2, 3], { scale: smallScale })
  using ct = encryptSymmetric(ckks, secret, plain)
  const needles: Buffer[] = []
  {
    using phase = decrypt(ckks, secret, ct)
    needles.push(Buffer.from(ring.heap.u8(phase.slab.ptr, 512).slice()))
    needles.push(Buffer.from(decodeCoefficients(ring, phase).buffer, 0, 512))
    ckks.decode(phase)
    toCoefficients(ring, phase.slab.ptr, 1)
    needles.push(Buffer.from(ring.heap.u8(phase.slab.ptr, 512).slice()))
  }
  const all = Buffer.from(ring.backend.memory.buffer)
  expect(needles.map((needle) => all.includes(needle))).toEqual([false, false, false])
})

test('so it is in BFV, where the noise is rounded away', () => {
  const literal = { ...smallLiteral, scheme: 'bfv', plaintextModulus: 12289 } as const
  const bfv = openBfv(literal)
  const { ring } = bfv
  using secret = createSecretKey(bfv)
  using plain = bfv.encode([1, 2, 3], { level: 0 })
  using ct = encryptSymmetric(bfv, secret, plain)
  const needles: Buffer[] = []
  {
    using phase = decrypt(bfv, secret, ct)
    needles.push(Buffer.from(ring.heap.u8(phase.slab.ptr, 512).slice()))
    bfv.decodeCoefficients(phase)
    // The coefficients, times t, as basisScale leaves them; in place, as new memory would lie on the old.
    const { p, pinv } = ring.moduli[0]!
    toCoefficients(ring, phase.slab.ptr, 1)
    const { ptr } = phase.slab
    ring.kernels.mulScalar(ptr, ptr, ring.n, 12289, 12289 / p, p)
    ring.kernels.reduce(ptr, ptr, ring.n, p, pinv)
    needles.push(Buffer.from(ring.heap.u8(ptr, 512).slice()))
  }
  const all = Buffer.from(ring.backend.memory.buffer)
  expect(needles.map((needle) => all.includes(needle))).toEqual([false, false])
})

test('an encryption that is interrupted anywhere leaves no error that nothing hides', () => {
  const ckks = openCkks(smallLiteral)
  const { ring } = ckks
  const { heap, n, limbBytes } = ring
  using secret = createSecretKey(ckks)
  using key = createPublicKey(ckks, secret)
  using plain = ckks.encode([1, 2, 3], { scale: smallScale })
  const limbs = 2 * (plain.level + 1)
  const { ptr } = (() => {
    using place = ring.limbs(limbs)
    heap.u8(place.ptr, place.bytes).fill(0)
    return { ptr: place.ptr }
  })()
  const isSmall = (limb: number): boolean => {
    using copy = ring.limbs(1)
    const at = ptr + limb * limbBytes
    heap.u8(copy.ptr, 8 * n).set(heap.u8(at, 8 * n))
    const { p, pinv, table } = ring.moduli[limb % (plain.level + 1)]!
    ring.kernels.nttInverse(copy.ptr, n, p, pinv, table)
    ring.kernels.reduce(copy.ptr, copy.ptr, n, p, pinv)
    const values = heap.f64(copy.ptr, n)
    return values.some((x) => x !== 0) && values.every((x) => Math.abs(x) <= 21)
  }
  let stops = 0
  for (let finished = false; !finished; stops++) {
    let calls = 0
    const signal = {
      throwIfAborted() {
        if (calls++ > stops) throw new Error('stop')
      },
    }
    try {
      ring.interruptible(signal, () => {
        using ct = encryptPublic(ckks, key, plain)
        expect(ct.slab.ptr).toBe(ptr)
      })
      finished = true
    } catch (error) {
      expect((error as Error).message).toBe('stop')
    }
    expect(Array.from({ length: limbs }, (_, limb) => isSmall(limb))).toEqual(new Array(limbs).fill(false))
  }
  expect(stops).toBeGreaterThan(2)
})
