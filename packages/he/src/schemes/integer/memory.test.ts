import { expect, test } from 'vitest'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { openBfv } from '../bfv/bfv.ts'
import { openBgv } from '../bgv/bgv.ts'
import { noiseBudget } from './noise-budget.ts'

test.each([
  ['bfv', openBfv, 40],
  ['bgv', openBgv, 45],
] as const)('computing on and on in %s takes no more memory than computing once', (scheme, open, bits) => {
  using context = open({
    scheme,
    ringDegree: 256,
    modulusBits: [bits, bits, bits, bits],
    specialBits: [bits],
    plaintextModulus: 12289,
    security: 'INSECURE',
  })
  using secret = createSecretKey(context)
  using publicKey = createPublicKey(context, secret)
  using relinearisation = createRelinearisationKey(context, secret)
  const galois = createGaloisKeys(context, secret, [{ steps: 1 }, { steps: 'conjugate' }])
  const keys = { relinearisation, galois }
  const round = (): void => {
    using plain = context.encode([1, 2, 3])
    using a = encryptSymmetric(context, secret, plain)
    using b = context.encrypt(publicKey, plain)
    using low = context.switchModulus(b, 1)
    using product = context.multiply(a, low)
    using linear = context.relinearise(product, keys)
    using _square = context.square(linear)
    using _turned = context.rotateRows(linear, 1, keys)
    using _swapped = context.rotateColumns(a, keys)
    using _weighed = context.multiplyPlain(low, plain)
    using _higher = context.multiplyPlain(a, plain)
    using _sum = context.addPlain(low, plain)
    using _dot = context.dotPlain([a, low], [plain, plain])
    using _power = context.exponentiate(a, 3, keys)
    using _many = context.multiplyMany([a, b, low], keys)
    using _polynomial = context.evaluatePolynomial(a, [1, 2, 3, 4, 5], keys)
    using _shifted = context.addConstant(low, 5)
    using phase = decrypt(context, secret, a)
    using _again = context.addPlain(b, phase)
    context.decode(phase)
    noiseBudget(context, secret, a)
  }
  // The first round makes tables while its values are alive.
  for (let i = 0; i < 2; i++) round()
  const { used, peak } = context.ring.heap
  const bytes = context.ring.backend.memory.buffer.byteLength
  for (let i = 0; i < 40; i++) round()
  expect(context.ring.heap.used).toBe(used)
  expect(context.ring.heap.peak).toBe(peak)
  expect(context.ring.backend.memory.buffer.byteLength).toBe(bytes)
})

test.each([
  ['bfv', openBfv, 1],
  ['bgv', openBgv, 1],
  ['bfv', openBfv, 2],
] as const)('%s: a plaintext is whole after an operation on it was interrupted', async (scheme, open, threads) => {
  using context = open(
    { scheme, ringDegree: 64, modulusBits: [40, 40], specialBits: [], plaintextModulus: 257, security: 'INSECURE' },
    { threads },
  )
  await context.threadsStarted()
  using secret = createSecretKey(context)
  using weights = context.encode([1, 2, 3])
  using numbers = context.encode([4, 5, 6])
  using a = encryptSymmetric(context, secret, numbers)
  const stop = { throwIfAborted: () => undefined }
  // On several threads all of this is recorded when the error comes.
  const interrupted = (): unknown =>
    context.ring.interruptible(stop, () =>
      context.ring.together([
        () => context.negate(a),
        () => {
          context.multiplyPlain(a, weights)
          context.addPlain(a, weights)
          throw new Error('interrupted')
        },
      ]),
    )
  expect(interrupted).toThrow('interrupted')
  using product = context.multiplyPlain(a, weights)
  using sum = context.addPlain(a, weights)
  using fresh = encryptSymmetric(context, secret, weights)
  const first = (value: Ciphertext): number[] => [...context.decode(decrypt(context, secret, value))].slice(0, 4)
  expect([product, sum, fresh].map(first)).toEqual([
    [4, 10, 18, 0],
    [5, 7, 9, 0],
    [1, 2, 3, 0],
  ])
})
