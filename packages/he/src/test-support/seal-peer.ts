import SEAL, { type Ciphertext, type GaloisKeys, type Plaintext, type RelinKeys } from 'node-seal'

// node-seal 7 as the other end of the wire: objects go in and out as bytes.

export const seal = await SEAL()

export const sealCompressions = ['none', 'zlib', 'zstd'] as const
export type PeerCompression = (typeof sealCompressions)[number]

interface Savable {
  saveToArray(mode: (typeof seal.ComprModeType)[PeerCompression]): unknown
}

/** What SEAL saves. */
export function saved(object: Savable, compression: PeerCompression = 'zstd'): Uint8Array {
  return (object.saveToArray(seal.ComprModeType[compression]) as Uint8Array).slice()
}

/** SEAL's parameters of primes of the sizes, the special one last; t of BFV by its size. */
export function sealParameters(
  scheme: 'ckks' | 'bfv',
  ringDegree: number,
  bits: readonly number[],
  plainBits = 0,
): InstanceType<typeof seal.EncryptionParameters> {
  const parms = new seal.EncryptionParameters(seal.SchemeType[scheme])
  parms.setPolyModulusDegree(ringDegree)
  parms.setCoeffModulus(seal.CoeffModulus.Create(ringDegree, Int32Array.from(bits)))
  if (plainBits > 0) parms.setPlainModulus(seal.PlainModulus.Batching(ringDegree, plainBits))
  return parms
}

/** Opens SEAL on parameters that were saved, under a secret key that was saved or a fresh one. */
export function openPeer(parameters: Uint8Array, secretKey?: Uint8Array) {
  const parms = new seal.EncryptionParameters(seal.SchemeType.none)
  parms.loadFromArray(parameters)
  const context = new seal.SEALContext(parms, true, seal.SecLevelType.tc128)
  if (!context.parametersSet()) throw new Error('SEAL refuses the parameters')
  const load = <T extends { loadFromArray(c: typeof context, bytes: Uint8Array): void }>(
    target: T,
    bytes: Uint8Array,
  ): T => {
    target.loadFromArray(context, bytes)
    return target
  }
  const given = secretKey && load(new seal.SecretKey(), secretKey)
  const keygen = given ? new seal.KeyGenerator(context, given) : new seal.KeyGenerator(context)
  const secret = keygen.secretKey()
  const evaluator = new seal.Evaluator(context)
  const decryptor = new seal.Decryptor(context, secret)
  const ckks = parms.scheme().value === seal.SchemeType.ckks.value
  const encoder = ckks ? undefined : new seal.BatchEncoder(context)
  const embedding = ckks ? new seal.CKKSEncoder(context) : undefined
  return {
    parms,
    context,
    keygen,
    secret,
    evaluator,
    decryptor,
    encryptor: (publicKey?: Uint8Array) =>
      new seal.Encryptor(context, publicKey ? load(new seal.PublicKey(), publicKey) : keygen.createPublicKey(), secret),
    ciphertext: (bytes: Uint8Array): Ciphertext => load(new seal.Ciphertext(), bytes),
    plaintext: (bytes: Uint8Array): Plaintext => load(new seal.Plaintext(), bytes),
    relinKeys: (bytes: Uint8Array): RelinKeys => load(new seal.RelinKeys(), bytes),
    galoisKeys: (bytes: Uint8Array): GaloisKeys => load(new seal.GaloisKeys(), bytes),
    /** Values into slots. */
    encode(values: readonly number[], scale: number): Plaintext {
      const plain = new seal.Plaintext()
      if (embedding) embedding.encode(Float64Array.from(values), scale, plain)
      else encoder!.encode(BigUint64Array.from(values, BigInt), plain)
      return plain
    },
    decode(plain: Plaintext): number[] {
      if (embedding) return [...(embedding.decodeFloat64(plain) as Float64Array)]
      return Array.from(encoder!.decodeBigUint64(plain) as BigUint64Array, Number)
    },
    /** A ciphertext of SEAL that `operate` writes. */
    made(operate: (target: Ciphertext) => void): Ciphertext {
      const target = new seal.Ciphertext()
      operate(target)
      return target
    },
    decrypted(ct: Ciphertext): number[] {
      const plain = new seal.Plaintext()
      decryptor.decrypt(ct, plain)
      return this.decode(plain)
    },
  }
}

export type SealPeer = ReturnType<typeof openPeer>
