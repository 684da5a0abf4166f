import { expect, test } from 'vitest'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { openBfv } from './bfv.ts'
import { noiseBudget } from './noise-budget.ts'

test('computing on and on takes no more memory than computing once', () => {
  const bfv = openBfv({
    scheme: 'bfv',
    ringDegree: 256,
    modulusBits: [40, 40, 40, 40],
    specialBits: [40],
    plaintextModulus: 12289,
    security: 'INSECURE',
  })
  using secret = createSecretKey(bfv)
  using publicKey = createPublicKey(bfv, secret)
  using relinearisation = createRelinearisationKey(bfv, secret)
  const galois = createGaloisKeys(bfv, secret, [{ steps: 1 }, { steps: 'conjugate' }])
  const keys = { relinearisation, galois }
  const round = (): void => {
    using plain = bfv.encode([1, 2, 3])
    using a = encryptSymmetric(bfv, secret, plain)
    using b = bfv.encrypt(publicKey, plain)
    using low = bfv.switchModulus(b, 1)
    using product = bfv.multiply(a, low)
    using linear = bfv.relinearise(product, keys)
    using _square = bfv.square(linear)
    using _turned = bfv.rotateRows(linear, 1, keys)
    using _swapped = bfv.rotateColumns(a, keys)
    using _weighed = bfv.multiplyPlain(low, plain)
    using _higher = bfv.multiplyPlain(a, plain)
    using _sum = bfv.addPlain(low, plain)
    using _dot = bfv.dotPlain([a, low], [plain, plain])
    using _power = bfv.exponentiate(a, 3, keys)
    using _many = bfv.multiplyMany([a, b, low], keys)
    using _polynomial = bfv.evaluatePolynomial(a, [1, 2, 3, 4, 5], keys)
    using _shifted = bfv.addConstant(low, 5)
    using phase = decrypt(bfv, secret, a)
    using _again = bfv.addPlain(b, phase)
    bfv.decode(phase)
    noiseBudget(bfv, secret, a)
  }
  // The first round makes tables while its values are alive.
  for (let i = 0; i < 2; i++) round()
  const { used, peak } = bfv.ring.heap
  const bytes = bfv.ring.backend.memory.buffer.byteLength
  for (let i = 0; i < 40; i++) round()
  expect(bfv.ring.heap.used).toBe(used)
  expect(bfv.ring.heap.peak).toBe(peak)
  expect(bfv.ring.backend.memory.buffer.byteLength).toBe(bytes)
})
