import { decodeCiphertext, encodeCiphertext, openCkks } from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'

/** Squares and rotates by one under encryption, over the wire format; runs in a page. */
export function squareAndRotate(input: readonly number[]): { backend: string; values: number[] } {
  const ckks = openCkks({ scheme: 'ckks', ringDegree: 8192, modulusBits: [49, 40, 40], specialBits: [50] })
  const secret = createSecretKey(ckks)
  const keys = {
    relinearisation: createRelinearisationKey(ckks, secret),
    galois: createGaloisKeys(ckks, secret, [{ steps: 1 }]),
  }
  const received = decodeCiphertext(
    ckks,
    encodeCiphertext(encryptSymmetric(ckks, secret, ckks.encode(input, { scale: 2 ** 40 }))),
  )
  const result = ckks.rotate(ckks.rescale(ckks.relinearise(ckks.square(received), keys)), 1, keys)
  return {
    backend: ckks.ring.backend.name,
    values: [...ckks.decode(decrypt(ckks, secret, result)).slice(0, input.length)],
  }
}
