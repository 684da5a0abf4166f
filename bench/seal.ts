import SEAL from 'node-seal'

/** node-seal on one chain of primes: SEAL has one special prime, the last, and digits of one prime. */
export interface Seal {
  readonly name: string
  /** Primes of the chain, base first, the special one last. */
  readonly primes: readonly number[]
  readonly runs: SealRuns
}

/** One closure an operation; all reuse their destination. */
export interface SealRuns {
  readonly nttForward: () => void
  readonly nttInverse: () => void
  readonly encode: () => void
  readonly decode: () => void
  readonly encryptSeeded: () => void
  readonly encryptPublic: () => void
  readonly decrypt: () => void
  readonly add: () => void
  readonly multiplyPlain: () => void
  readonly multiply: () => void
  readonly relinearise: () => void
  readonly rescale: () => void
  readonly rotate: () => void
  readonly keygenGalois: () => void
  readonly openContext: () => void
}

type Instance = Awaited<ReturnType<typeof SEAL>>

/** Parameters that SEAL finds secure, or an error. */
function openContext(seal: Instance, ringDegree: number, bits: readonly number[]) {
  const parms = new seal.EncryptionParameters(seal.SchemeType.ckks)
  parms.setPolyModulusDegree(ringDegree)
  const modulus = seal.CoeffModulus.Create(ringDegree, Int32Array.from(bits))
  parms.setCoeffModulus(modulus)
  const context = new seal.SEALContext(parms, true, seal.SecLevelType.tc128)
  if (!context.parametersSet()) throw new Error(`SEAL refuses N = ${ringDegree}, ${bits.join()}`)
  return { parms, modulus, context }
}

/**
 * A matrix given by its diagonals times an encrypted vector, as one writes it with SEAL: baby steps, one product a diagonal, giant steps, folds, rescaled. All
 * weights are encoded beforehand. Returns the run and a function that decrypts its result.
 */
export async function openSealMatvec(
  ringDegree: number,
  bits: readonly number[],
  scale: number,
  plan: { readonly babies: readonly number[]; readonly giants: readonly number[]; readonly folds: readonly number[] },
  diagonal: (giant: number, baby: number) => Float64Array | undefined,
  vector: Float64Array,
): Promise<{ name: string; run: () => void; result: () => Float64Array }> {
  const seal = await SEAL()
  const { modulus, context } = openContext(seal, ringDegree, bits)
  const weightScale = Number(modulus.get(bits.length - 2)!.value())
  const keygen = new seal.KeyGenerator(context)
  const secretKey = keygen.secretKey()
  const steps = [...plan.babies, ...plan.giants, ...plan.folds].filter((step) => step !== 0)
  const keys = keygen.createGaloisKeysWithSteps(Int32Array.from(steps))
  const encoder = new seal.CKKSEncoder(context)
  const encryptor = new seal.Encryptor(context, keygen.createPublicKey(), secretKey)
  const evaluator = new seal.Evaluator(context)
  const plain = new seal.Plaintext()
  encoder.encode(vector, scale, plain)
  const input = new seal.Ciphertext()
  encryptor.encrypt(plain, input)
  const weights = plan.giants.map((giant) =>
    plan.babies.map((baby) => {
      const values = diagonal(giant, baby)
      if (values === undefined) return undefined
      const encoded = new seal.Plaintext()
      encoder.encode(values, weightScale, encoded)
      return encoded
    }),
  )
  const rotated = plan.babies.map(() => new seal.Ciphertext())
  const [product, sum, turned, total, out] = Array.from({ length: 5 }, () => new seal.Ciphertext())
  const run = (): void => {
    plan.babies.forEach((baby, b) => {
      if (baby !== 0) evaluator.rotateVector(input, baby, keys, rotated[b]!)
    })
    let first = true
    plan.giants.forEach((giant, g) => {
      let empty = true
      plan.babies.forEach((baby, b) => {
        const encoded = weights[g]![b]
        if (encoded === undefined) return
        evaluator.multiplyPlain(baby === 0 ? input : rotated[b]!, encoded, empty ? sum! : product!)
        if (!empty) evaluator.add(sum!, product!, sum!)
        empty = false
      })
      if (empty) return
      if (giant !== 0) evaluator.rotateVector(sum!, giant, keys, turned!)
      const part = giant === 0 ? sum! : turned!
      if (first) total!.assign(part)
      else evaluator.add(total!, part, total!)
      first = false
    })
    for (const fold of plan.folds) {
      evaluator.rotateVector(total!, fold, keys, turned!)
      evaluator.add(total!, turned!, total!)
    }
    evaluator.rescaleToNext(total!, out!)
  }
  const result = (): Float64Array => {
    const opened = new seal.Plaintext()
    new seal.Decryptor(context, secretKey).decrypt(out!, opened)
    return encoder.decodeFloat64(opened)
  }
  return { name: 'node-seal 7.0.0', run, result }
}

/** Opens SEAL on primes of the given sizes, `bits` with the special prime last, and prepares operands at the top level. */
export async function openSeal(
  ringDegree: number,
  bits: readonly number[],
  values: Float64Array,
  scale: number,
): Promise<Seal> {
  const seal = await SEAL()
  const { parms, modulus, context } = openContext(seal, ringDegree, bits)
  const primes = Array.from({ length: modulus.size() }, (_, i) => Number(modulus.get(i)!.value()))
  const keygen = new seal.KeyGenerator(context)
  const secretKey = keygen.secretKey()
  const publicKey = keygen.createPublicKey()
  const relinKeys = keygen.createRelinKeys()
  const steps = Int32Array.of(1)
  const galoisKeys = keygen.createGaloisKeysWithSteps(steps)
  const encoder = new seal.CKKSEncoder(context)
  const encryptor = new seal.Encryptor(context, publicKey, secretKey)
  const decryptor = new seal.Decryptor(context, secretKey)
  const evaluator = new seal.Evaluator(context)

  const plain = new seal.Plaintext()
  encoder.encode(values, scale, plain)
  const a = new seal.Ciphertext()
  const b = new seal.Ciphertext()
  encryptor.encrypt(plain, a)
  encryptor.encrypt(plain, b)
  const product = new seal.Ciphertext()
  evaluator.multiply(a, b, product)
  const wide = new seal.Ciphertext()
  evaluator.multiplyPlain(a, plain, wide)
  const coefficients = new seal.Ciphertext()
  evaluator.cipherTransformFromNtt(a, coefficients)
  const target = new seal.Ciphertext()
  const plainTarget = new seal.Plaintext()

  return {
    name: 'node-seal 7.0.0',
    primes,
    runs: {
      nttForward: () => evaluator.cipherTransformToNtt(coefficients, target),
      nttInverse: () => evaluator.cipherTransformFromNtt(a, target),
      encode: () => encoder.encode(values, scale, plainTarget),
      decode: () => encoder.decodeFloat64(plain),
      encryptSeeded: () => encryptor.encryptSymmetricSerializable(plain).delete(),
      encryptPublic: () => encryptor.encrypt(plain, target),
      decrypt: () => decryptor.decrypt(a, plainTarget),
      add: () => evaluator.add(a, b, target),
      multiplyPlain: () => evaluator.multiplyPlain(a, plain, target),
      multiply: () => evaluator.multiply(a, b, target),
      relinearise: () => evaluator.relinearize(product, relinKeys, target),
      rescale: () => evaluator.rescaleToNext(wide, target),
      rotate: () => evaluator.rotateVector(a, 1, galoisKeys, target),
      keygenGalois: () => keygen.createGaloisKeysWithSteps(steps).delete(),
      openContext: () => new seal.SEALContext(parms, true, seal.SecLevelType.tc128).delete(),
    },
  }
}
