import { encodeEvaluationKeys, openBfv } from '@glovebox/he'
import { createGaloisKeys, createRelinearisationKey, createSecretKey, encryptSymmetric } from '@glovebox/he/secret'
import { describe, expect, it } from 'vitest'
import type { SetParamsLiteral } from '../params/params.ts'
import { friendlySet, matrixSet } from '../params/presets.ts'
import { createSetParams } from '../params/set-params.ts'
import { encodeQuery, encodeReply } from '../wire/query.ts'
import { keyBytes, queryBytes, replyFrameBytes } from './sizes.ts'

const subjects: readonly SetParamsLiteral[] = [
  friendlySet({ labelBytes: 11 }),
  matrixSet(1_000_000, { labelBytes: 12 }),
  {
    method: 'powers',
    he: {
      scheme: 'bfv',
      ringDegree: 4096,
      modulusBits: [27, 25, 25],
      specialBits: [27],
      digitSize: 1,
      plaintextModulus: 147457,
    },
    feltsPerItem: 5,
    labelBytes: 0,
    prefixBits: 4,
    powers: { hashFunctions: 3, tableSize: 1638, maxItemsPerBin: 20, queryPowers: [1, 2, 5, 8, 9, 10], psLowDegree: 0 },
  },
]

describe.each(subjects)('$method at N = $he.ringDegree', (literal) => {
  const params = createSetParams(literal)

  it('sends as many bytes as is predicted', () => {
    using bfv = openBfv(params.he)
    using secret = createSecretKey(bfv)
    const ciphertext = encryptSymmetric(bfv, secret, bfv.encode([1]))
    const header = { epoch: 1, bucket: 0, keys: new Uint8Array(32) }
    const ciphertexts = new Array(params.queryCiphertexts).fill(ciphertext)
    expect(encodeQuery(params, { ...header, ciphertexts }).length).toBe(queryBytes(params))

    const keys = encodeEvaluationKeys(bfv, {
      relinearisation: params.relinearise ? createRelinearisationKey(bfv, secret) : undefined,
      galois: createGaloisKeys(
        bfv,
        secret,
        params.rotations.map((steps) => ({ steps })),
      ),
    })
    expect(keyBytes(params)).toBe(params.relinearise || params.rotations.length > 0 ? keys.length : 0)

    const low = bfv.switchModulus(ciphertext, 0)
    const bundles = [{ group: 0 }, { group: 0 }, { group: 0 }]
    const each = params.polynomials * params.pairs
    expect(encodeReply(params, 1, bundles, new Array(3 * each).fill(low)).length).toBe(replyFrameBytes(params, 3))
  })
})
