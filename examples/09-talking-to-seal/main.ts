// 09 — Talking to SEAL
//
// Microsoft SEAL 4 is what much of the world computes with, in C++, .NET, Python and, as `node-seal`, here. Glovebox follows its conventions: the same roots of unity,
// the same order of slots and of transformed values. So residues map one to one, and interchange is a matter of framing. In this program
// node-seal is the other side: a SEAL client with a Glovebox server first, and the other way around.
//
//     npm run example -- 09

import { createParams, openCkks } from '@glovebox/he'
import {
  readSealCiphertext,
  readSealGaloisKeys,
  readSealParameters,
  readSealRelinearisationKey,
  writeSealCiphertext,
  writeSealGaloisKeys,
  writeSealParameters,
} from '@glovebox/he/seal'
import { writeSealSecretKey } from '@glovebox/he/seal/secret'
import { createGaloisKeys, createSecretKey, decrypt, encryptSymmetric } from '@glovebox/he/secret'
import SEAL from 'node-seal'
import { bytes, check, numbers, refused, section, show, showCiphertext, timed, title } from '../print.ts'

title('09  Talking to SEAL')

const seal = await SEAL()
/** What SEAL saves, compressed by Zstandard as it is by default. */
const saved = (object: { saveToArray(mode: typeof seal.ComprModeType.zstd): unknown }): Uint8Array =>
  (object.saveToArray(seal.ComprModeType.zstd) as Uint8Array).slice()

// ---- A SEAL client -------------------------------------------------------------------------------------------------

section('SEAL: parameters, keys, a ciphertext')
const parms = new seal.EncryptionParameters(seal.SchemeType.ckks)
parms.setPolyModulusDegree(8192)
// Primes below 2^50, as Glovebox keeps residues in doubles; SEAL itself would go to 60 bits. The last one is the special prime.
parms.setCoeffModulus(seal.CoeffModulus.Create(8192, Int32Array.from([49, 40, 40, 49])))
const peer = timed('open a context in node-seal', () => new seal.SEALContext(parms, true, seal.SecLevelType.tc128))
const keygen = new seal.KeyGenerator(peer)
const encryptor = new seal.Encryptor(peer, keygen.createPublicKey())
const decryptor = new seal.Decryptor(peer, keygen.secretKey())
const encoder = new seal.CKKSEncoder(peer)
const x = Float64Array.from({ length: 4096 }, (_, i) => Math.sin(i))
const plain = new seal.Plaintext()
encoder.encode(x, 2 ** 40, plain)
const encrypted = new seal.Ciphertext()
encryptor.encrypt(plain, encrypted)
const files = {
  parameters: saved(parms),
  ciphertext: saved(encrypted),
  relinearisation: saved(keygen.createRelinKeysSerializable()),
  galois: saved(keygen.createGaloisKeysSerializableWithSteps(Int32Array.from([1]))),
}
for (const [name, file] of Object.entries(files)) show(name, bytes(file.length))

// ---- A Glovebox server ---------------------------------------------------------------------------------------------

// SEAL's file of parameters becomes a literal, which names its primes. The limits of the security tables hold here too.
section('Glovebox: read, square, rotate, write')
const literal = readSealParameters(files.parameters)
const ckks = timed('open a context here', () => openCkks(createParams(literal)))
show('primes', [...ckks.params.primes, ...ckks.params.special].join(', '))
using ct = readSealCiphertext(ckks, files.ciphertext)
using relinearisation = readSealRelinearisationKey(ckks, files.relinearisation)
const galois = readSealGaloisKeys(ckks, files.galois)
const keys = { relinearisation, galois }
showCiphertext('read', ct)
using product = ckks.square(ct)
using shorter = timed('relinearise, with SEAL’s key', () => ckks.relinearise(product, keys))
using square = ckks.rescale(shorter)
using turned = timed('rotate, with SEAL’s key', () => ckks.rotate(square, 1, keys))
const answer = writeSealCiphertext(turned)
show('answer, by zlib', bytes(answer.length))

section('SEAL: decrypt')
const received = new seal.Ciphertext()
received.loadFromArray(peer, answer)
const opened = new seal.Plaintext()
decryptor.decrypt(received, opened)
const result = encoder.decodeFloat64(opened) as Float64Array
const expected = x.map((_, i) => x[(i + 1) % x.length]! ** 2)
show('x², one to the left', numbers(result))
check('x², one to the left', result, expected, 2 ** -18)

// ---- The other way around ------------------------------------------------------------------------------------------

// Glovebox makes the keys. Evaluation keys in SEAL's format have one special prime and digits of one prime, which is what these parameters have; wider
// digits have no name there. The secret key is written by an entry of its own, as always: here, so that the program can check itself.
section('Glovebox client, SEAL server')
using secret = createSecretKey(ckks)
using encoded = ckks.encode(x, { scale: 2 ** 40 })
using mine = encryptSymmetric(ckks, secret, encoded)
const ours = createGaloisKeys(ckks, secret, [{ steps: 1 }])
const toSeal = {
  parameters: writeSealParameters(ckks.params),
  ciphertext: writeSealCiphertext(mine),
  galois: writeSealGaloisKeys(ckks, ours),
}
for (const [name, file] of Object.entries(toSeal)) show(name, bytes(file.length))
const loaded = new seal.Ciphertext()
loaded.loadFromArray(peer, toSeal.ciphertext)
const galoisKeys = new seal.GaloisKeys()
galoisKeys.loadFromArray(peer, toSeal.galois)
const evaluator = new seal.Evaluator(peer)
const rotated = new seal.Ciphertext()
timed('rotate in node-seal, with our key', () => evaluator.rotateVector(loaded, 1, galoisKeys, rotated))
using back = readSealCiphertext(ckks, saved(rotated))
using decrypted = decrypt(ckks, secret, back)
check(
  'rotated by SEAL',
  ckks.decode(decrypted),
  x.map((_, i) => x[(i + 1) % x.length]!),
  2 ** -18,
)
show('secret key, as SEAL takes it', bytes(writeSealSecretKey(secret).length))

// Files from elsewhere are as hostile as any. Compressed ones may be bombs, so limits hold for what they become.
section('refused')
refused('half a file', () => readSealCiphertext(ckks, files.ciphertext.subarray(0, 1000)))
refused('keys in place of a ciphertext', () => readSealCiphertext(ckks, files.relinearisation))
for (const key of [...galois.values(), ...ours.values()]) key[Symbol.dispose]()
