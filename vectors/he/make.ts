// node --conditions=@glovebox/source vectors/he/make.ts
// Writes the golden files of the wire format. They are made once a format version: a test reads them for as long as the version lives.
import { mkdirSync, writeFileSync } from 'node:fs'
import { ByteWriter, encodeCiphertext, encodeEvaluationKeys, encodePublicKey, openCkks, writeReply } from '@glovebox/he'
import {
  createGaloisKeys,
  createPublicKey,
  createRelinearisationKey,
  createSecretKey,
  encodeSecretKey,
  encryptSymmetric,
} from '@glovebox/he/secret'
import { goldenLiteral, goldenMessage, goldenScales } from '../../packages/he/src/test-support/golden.ts'
import { forgeFrame, openFrame, reframe } from '../../packages/he/src/test-support/reference-wire.ts'

const ckks = openCkks(goldenLiteral)
const secret = createSecretKey(ckks)
const publicKey = createPublicKey(ckks, secret)
const message = ckks.encode(goldenMessage, { scale: goldenScales.top })
const low = ckks.encode(goldenMessage, { scale: goldenScales.low, level: 0 })
const factor = ckks.encode(goldenMessage, { scale: goldenScales.factor })
const reply = new ByteWriter()
writeReply(reply, encryptSymmetric(ckks, secret, low), { bits: 14, stride: 1 })
const coefficients = ckks.encodeCoefficients(goldenMessage, { scale: goldenScales.low, level: 0 })
const few = new ByteWriter()
writeReply(few, encryptSymmetric(ckks, secret, coefficients), { bits: 14, stride: 3, count: 2 })

const whole = encodeCiphertext(ckks.encrypt(publicKey, message))
const { length } = openFrame(whole).body
const files: Readonly<Record<string, Uint8Array>> = {
  'secret.key': encodeSecretKey(secret),
  'public.key': encodePublicKey(publicKey),
  'evaluation.key': encodeEvaluationKeys(ckks, {
    relinearisation: createRelinearisationKey(ckks, secret),
    galois: createGaloisKeys(ckks, secret, [
      { steps: 1, level: 0 },
      { steps: 'conjugate', level: 0 },
    ]),
  }),
  'ciphertext-seeded.gbx': encodeCiphertext(encryptSymmetric(ckks, secret, message)),
  'ciphertext-whole.gbx': whole,
  'ciphertext-level-0.gbx': encodeCiphertext(encryptSymmetric(ckks, secret, low)),
  'ciphertext-three-parts.gbx': encodeCiphertext(ckks.square(encryptSymmetric(ckks, secret, factor))),
  'reply.gbx': forgeFrame(19, ckks.params.digest, reply.done()),
  'reply-coefficients.gbx': forgeFrame(19, ckks.params.digest, few.done()),
  'corrupt/truncated.gbx': whole.slice(0, whole.length >> 1),
  'corrupt/flipped-bit.gbx': whole.map((byte, i) => (i === 4321 ? byte ^ 16 : byte)),
  'corrupt/residue-too-large.gbx': reframe(whole, (body) => body.fill(255, 2000, 2020)),
  'corrupt/transparent.gbx': reframe(whole, (body) => body.fill(0, 11 + (length - 11) / 2)),
  'corrupt/level-255.gbx': reframe(whole, (body) => body.fill(255, 2, 3)),
}
mkdirSync(new URL('corrupt/', import.meta.url), { recursive: true })
for (const [name, bytes] of Object.entries(files)) {
  writeFileSync(new URL(name, import.meta.url), bytes)
  console.log(`${name.padEnd(32)} ${bytes.length} bytes`)
}
