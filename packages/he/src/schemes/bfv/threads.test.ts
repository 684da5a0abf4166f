import { expect, test } from 'vitest'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { decodeCiphertext, decodeEvaluationKeys, encodeCiphertext, encodeEvaluationKeys } from '../../rlwe/wire.ts'
import { residuesOf } from '../../test-support/small.ts'
import { openBgv } from '../bgv/bgv.ts'
import { openBfv } from './bfv.ts'

test.each([
  ['bfv', openBfv],
  ['bgv', openBgv],
] as const)('%s: the same residues on two threads as on one', async (scheme, open) => {
  const literal = { scheme, ringDegree: 4096, modulusBits: [36, 34], specialBits: [36], plaintextModulus: 40961 }
  using one = open(literal)
  using two = open(literal, { threads: 2 })
  expect(await two.threadsStarted()).toBe(two.threads)
  const secret = createSecretKey(one)
  const values = Array.from({ length: 4096 }, (_, i) => (i * i) % 40961)
  const keys = {
    relinearisation: createRelinearisationKey(one, secret),
    galois: createGaloisKeys(one, secret, [{ steps: 1 }, { steps: 'conjugate' }]),
  }
  const ct = encryptSymmetric(one, secret, one.encode(values))
  const there = decodeCiphertext(two, encodeCiphertext(ct))
  const keysThere = decodeEvaluationKeys(two, encodeEvaluationKeys(one, keys))
  const plain = [one.encode(values), two.encode(values)] as const
  const contexts = [
    [one, ct, keys, plain[0]],
    [two, there, keysThere, plain[1]],
  ] as const
  const results = contexts.map(([context, a, k, m]) =>
    [
      context.multiply(a, a),
      context.multiply(a, context.negate(a)),
      context.relinearise(context.square(a), k),
      context.rotateRows(a, 1, k),
      context.rotateColumns(a, k),
      context.switchModulus(a),
      context.addPlain(context.switchModulus(a), m),
      context.multiplyPlain(a, m),
      context.dotPlain([a, a], [m, m]),
      context.evaluatePolynomial(a, [1, 2, 3], k),
    ].map(residuesOf),
  )
  expect(results[1]).toEqual(results[0])
})
