import { expect, test } from 'vitest'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createRelinearisationKey } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openBfv } from '../schemes/bfv/bfv.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { openPeer, saved, seal, sealParameters } from '../test-support/seal-peer.ts'
import { readSealCiphertext, writeSealCiphertext } from './seal-ciphertext.ts'
import {
  readSealGaloisKeys,
  readSealRelinearisationKey,
  writeSealGaloisKeys,
  writeSealRelinearisationKey,
} from './seal-keys.ts'
import { readSealParameters, writeSealParameters } from './seal-parameters.ts'
import { readSealSecretKey, writeSealSecretKey } from './seal-secret-key.ts'

// Real parameters: N = 8192, three levels and more, primes of up to 49 bits.

const worst = (got: ArrayLike<number>, expected: readonly number[]): number =>
  Math.max(...expected.map((x, i) => Math.abs(got[i]! - x)))

test('CKKS: a square, rescaled and rotated down to the last prime, each half on another side', () => {
  const parms = sealParameters('ckks', 8192, [49, 40, 40, 49])
  const ckks = openCkks(readSealParameters(saved(parms)))
  const peer = openPeer(writeSealParameters(ckks.params))
  const secret = readSealSecretKey(ckks, saved(peer.secret))
  const message = Array.from({ length: 4096 }, (_, i) => Math.cos(i))
  const relin = saved(peer.keygen.createRelinKeysSerializable())
  const galois = saved(peer.keygen.createGaloisKeysSerializableWithSteps(Int32Array.of(5)))
  const keys = {
    relinearisation: readSealRelinearisationKey(ckks, relin),
    galois: readSealGaloisKeys(ckks, galois),
  }
  const fresh = saved(peer.encryptor().encryptSymmetricSerializable(peer.encode(message, 2 ** 40)))
  // Here: square, rescale, rotate. There: the same again.
  const square = ckks.rescale(ckks.relinearise(ckks.square(readSealCiphertext(ckks, fresh)), keys))
  const sent = peer.ciphertext(writeSealCiphertext(ckks.rotate(square, 5, keys)))
  const [relinKeys, galoisKeys] = [peer.relinKeys(relin), peer.galoisKeys(galois)]
  const back = peer.made((out) => {
    const wide = peer.made((z) => peer.evaluator.square(sent, z))
    const narrow = peer.made((z) => peer.evaluator.relinearize(wide, relinKeys, z))
    const low = peer.made((z) => peer.evaluator.rescaleToNext(narrow, z))
    peer.evaluator.rotateVector(low, 5, galoisKeys, out)
  })
  const expected = message.map((_, i) => message[(i + 10) % 4096]! ** 4)
  const read = readSealCiphertext(ckks, saved(back))
  expect(read.level).toBe(0)
  expect(worst(ckks.decode(decrypt(ckks, secret, read)), expected)).toBeLessThan(2 ** -17)
  expect(worst(peer.decrypted(back), expected)).toBeLessThan(2 ** -17)
})

test('BFV on SEAL’s default chain: products and rotations, each half on another side', () => {
  const parms = new seal.EncryptionParameters(seal.SchemeType.bfv)
  parms.setPolyModulusDegree(8192)
  parms.setCoeffModulus(seal.CoeffModulus.BFVDefault(8192, seal.SecLevelType.tc128))
  parms.setPlainModulus(seal.PlainModulus.Batching(8192, 20))
  const bfv = openBfv(readSealParameters(saved(parms), { security: '128-classical-2018' }))
  const t = bfv.plaintextModulus
  const secret = createSecretKey(bfv)
  const peer = openPeer(writeSealParameters(bfv.params), writeSealSecretKey(secret))
  const message = Array.from({ length: 8192 }, (_, i) => (i * 7919) % t)
  const keys = {
    relinearisation: createRelinearisationKey(bfv, secret),
    galois: createGaloisKeys(bfv, secret, [{ steps: 5 }]),
  }
  const relinKeys = peer.relinKeys(writeSealRelinearisationKey(keys.relinearisation, { compression: 'none' }))
  const galoisKeys = peer.galoisKeys(writeSealGaloisKeys(bfv, keys.galois, { compression: 'none' }))
  const fresh = encryptSymmetric(bfv, secret, bfv.encode(message))
  const square = bfv.relinearise(bfv.square(fresh), keys)
  const sent = peer.ciphertext(writeSealCiphertext(bfv.rotateRows(square, 5, keys)))
  const back = peer.made((out) => {
    const wide = peer.made((z) => peer.evaluator.square(sent, z))
    const narrow = peer.made((z) => peer.evaluator.relinearize(wide, relinKeys, z))
    const low = peer.made((z) => peer.evaluator.cipherModSwitchToNext(narrow, z))
    peer.evaluator.rotateRows(low, 5, galoisKeys, out)
  })
  const power = (x: number): number => Number(BigInt(x) ** 4n % BigInt(t))
  const expected = message.map((_, i) => power(message[4096 * Math.floor(i / 4096) + ((i + 10) % 4096)]!))
  const read = readSealCiphertext(bfv, saved(back))
  expect(read.level).toBe(2)
  expect(worst(bfv.decode(decrypt(bfv, secret, read)), expected)).toBe(0)
  expect(worst(peer.decrypted(back), expected)).toBe(0)
})
