import { type Bfv, bfvDefault, openBfv, plaintextModulus } from '@glovebox/he'
import {
  createGaloisKeys,
  createPublicKey,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'
import SEAL from 'node-seal'
import { measure, type Row } from './rows.ts'

// BFV on SEAL's default chain, the same primes on both sides.

const ringDegree = 8192
const plaintextBits = 20
const coefficients = Int32Array.from({ length: ringDegree }, (_, i) => (i * 7919) % 500_000)

interface BfvRuns {
  readonly encode: () => void
  readonly decode: () => void
  readonly encrypt: () => void
  readonly encryptSeeded: () => void
  readonly decrypt: () => void
  readonly multiplyPlain: () => void
  readonly multiply: () => void
  readonly square: () => void
  readonly relinearise: () => void
  readonly rotate: () => void
}

function ownRuns(bfv: Bfv, values: Float64Array): BfvRuns {
  const secret = createSecretKey(bfv)
  const publicKey = createPublicKey(bfv, secret)
  const keys = {
    relinearisation: createRelinearisationKey(bfv, secret),
    galois: createGaloisKeys(bfv, secret, [{ steps: 1 }]),
  }
  const plain = bfv.encode(values)
  const a = bfv.encrypt(publicKey, plain)
  const b = bfv.encrypt(publicKey, plain)
  const product = bfv.multiply(a, b)
  const dropped = (make: () => Disposable) => () => make()[Symbol.dispose]()
  return {
    encode: dropped(() => bfv.encode(values)),
    decode: () => void bfv.decode(plain),
    // A new message every time, so that it is scaled to Q/t every time, as SEAL does.
    encrypt: () => {
      using message = bfv.encodeCoefficients(coefficients)
      using _ct = bfv.encrypt(publicKey, message)
    },
    encryptSeeded: () => {
      using message = bfv.encodeCoefficients(coefficients)
      using _ct = encryptSymmetric(bfv, secret, message)
    },
    decrypt: () => {
      using phase = decrypt(bfv, secret, a)
      void bfv.decodeCoefficients(phase)
    },
    multiplyPlain: dropped(() => bfv.multiplyPlain(a, plain)),
    multiply: dropped(() => bfv.multiply(a, b)),
    square: dropped(() => bfv.square(a)),
    relinearise: dropped(() => bfv.relinearise(product, keys)),
    rotate: dropped(() => bfv.rotateRows(a, 1, keys)),
  }
}

async function sealRuns(values: Float64Array): Promise<{ primes: readonly number[]; runs: BfvRuns }> {
  const seal = await SEAL()
  const parms = new seal.EncryptionParameters(seal.SchemeType.bfv)
  parms.setPolyModulusDegree(ringDegree)
  const modulus = seal.CoeffModulus.BFVDefault(ringDegree, seal.SecLevelType.tc128)
  parms.setCoeffModulus(modulus)
  parms.setPlainModulus(seal.PlainModulus.Batching(ringDegree, plaintextBits))
  const context = new seal.SEALContext(parms, true, seal.SecLevelType.tc128)
  const keygen = new seal.KeyGenerator(context)
  const secretKey = keygen.secretKey()
  const relinKeys = keygen.createRelinKeys()
  const galoisKeys = keygen.createGaloisKeysWithSteps(Int32Array.of(1))
  const encoder = new seal.BatchEncoder(context)
  const encryptor = new seal.Encryptor(context, keygen.createPublicKey(), secretKey)
  const decryptor = new seal.Decryptor(context, secretKey)
  const evaluator = new seal.Evaluator(context)
  const integers = BigUint64Array.from(values, BigInt)
  const plain = new seal.Plaintext()
  encoder.encode(integers, plain)
  const [a, b, product, target] = [0, 1, 2, 3].map(() => new seal.Ciphertext())
  encryptor.encrypt(plain, a!)
  encryptor.encrypt(plain, b!)
  evaluator.multiply(a!, b!, product!)
  const plainTarget = new seal.Plaintext()
  return {
    primes: Array.from({ length: modulus.size() }, (_, i) => Number(modulus.get(i)!.value())),
    runs: {
      encode: () => encoder.encode(integers, plainTarget),
      decode: () => void encoder.decodeBigUint64(plain),
      encrypt: () => encryptor.encrypt(plain, target!),
      encryptSeeded: () => encryptor.encryptSymmetricSerializable(plain).delete(),
      decrypt: () => decryptor.decrypt(a!, plainTarget),
      multiplyPlain: () => evaluator.multiplyPlain(a!, plain, target!),
      multiply: () => evaluator.multiply(a!, b!, target!),
      square: () => evaluator.square(a!, target!),
      relinearise: () => evaluator.relinearize(product!, relinKeys, target!),
      rotate: () => evaluator.rotateRows(a!, 1, galoisKeys, target!),
    },
  }
}

/** The rows of set `bfv8192`. */
export async function benchBfv(set: string): Promise<Row[]> {
  const t = plaintextModulus(plaintextBits, ringDegree)
  const bfv = openBfv({ scheme: 'bfv', ...bfvDefault(ringDegree), plaintextModulus: t })
  const values = Float64Array.from({ length: ringDegree }, (_, i) => (i * 7919) % t)
  const own = ownRuns(bfv, values)
  const peer = await sealRuns(values)
  const { params } = bfv
  console.log(
    `set ${set}: N = ${ringDegree}, t = ${t}, log2 Q = ${params.logQ.toFixed(0)}, log2 QP = ${params.logQP.toFixed(0)}, digits of ${params.digitSize}, ${bfv.ring.backend.name}`,
  )
  console.log(`  glovebox  ${params.primes.join(' ')} special ${params.special.join(' ')}`)
  console.log(`  node-seal 7.0.0  ${peer.primes.slice(0, -1).join(' ')} special ${peer.primes.at(-1)}`)
  const both = (op: string, name: keyof BfvRuns): Row =>
    measure(op, set, own[name], { name: 'node-seal 7.0.0', run: peer.runs[name] })
  return [
    both('bfv-encode', 'encode'),
    both('bfv-decode', 'decode'),
    both('bfv-encrypt', 'encrypt'),
    both('bfv-encrypt-seeded', 'encryptSeeded'),
    both('bfv-decrypt', 'decrypt'),
    both('bfv-multiply-plain', 'multiplyPlain'),
    both('bfv-multiply', 'multiply'),
    both('bfv-square', 'square'),
    both('bfv-relinearise', 'relinearise'),
    both('bfv-rotate', 'rotate'),
  ]
}
