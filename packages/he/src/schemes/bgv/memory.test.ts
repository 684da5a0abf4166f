import { expect, test } from 'vitest'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { noiseBudget } from '../bfv/noise-budget.ts'
import { openBgv } from './bgv.ts'

test('computing on and on takes no more memory than computing once', () => {
  const bgv = openBgv({
    scheme: 'bgv',
    ringDegree: 256,
    modulusBits: [45, 45, 45, 45],
    specialBits: [45],
    plaintextModulus: 12289,
    security: 'INSECURE',
  })
  using secret = createSecretKey(bgv)
  using publicKey = createPublicKey(bgv, secret)
  using relinearisation = createRelinearisationKey(bgv, secret)
  const galois = createGaloisKeys(bgv, secret, [{ steps: 1 }, { steps: 'conjugate' }])
  const keys = { relinearisation, galois }
  const round = (): void => {
    using plain = bgv.encode([1, 2, 3])
    using a = encryptSymmetric(bgv, secret, plain)
    using b = bgv.encrypt(publicKey, plain)
    using low = bgv.switchModulus(b, 1)
    using product = bgv.multiply(a, low)
    using linear = bgv.relinearise(product, keys)
    using _square = bgv.square(linear)
    using _turned = bgv.rotateRows(linear, 1, keys)
    using _swapped = bgv.rotateColumns(a, keys)
    using _weighed = bgv.multiplyPlain(low, plain)
    using _higher = bgv.multiplyPlain(a, plain)
    using _sum = bgv.addPlain(low, plain)
    using _dot = bgv.dotPlain([a, low], [plain, plain])
    using _power = bgv.exponentiate(a, 3, keys)
    using _many = bgv.multiplyMany([a, b, low], keys)
    using _polynomial = bgv.evaluatePolynomial(a, [1, 2, 3, 4, 5], keys)
    using _shifted = bgv.addConstant(low, 5)
    using phase = decrypt(bgv, secret, a)
    using _again = bgv.addPlain(b, phase)
    bgv.decode(phase)
    noiseBudget(bgv, secret, a)
  }
  // The first round makes tables while its values are alive.
  for (let i = 0; i < 2; i++) round()
  const { used, peak } = bgv.ring.heap
  const bytes = bgv.ring.backend.memory.buffer.byteLength
  for (let i = 0; i < 40; i++) round()
  expect(bgv.ring.heap.used).toBe(used)
  expect(bgv.ring.heap.peak).toBe(peak)
  expect(bgv.ring.backend.memory.buffer.byteLength).toBe(bytes)
})
