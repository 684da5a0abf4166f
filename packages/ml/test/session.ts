import {
  ByteReader,
  ByteWriter,
  type Ciphertext,
  type Ckks,
  type EvaluationKeys,
  openCkks,
  readReply,
  writeReply,
} from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
  type SecretKey,
} from '@glovebox/he/secret'
import {
  bundle,
  type ClientPart,
  decodeClientPart,
  decodeServerPart,
  type KeysNeeded,
  type Program,
  packInput,
  prepare,
  readOutput,
  runEncrypted,
  type StepTiming,
} from '../src/index.ts'

/** Client and server of one program in one process: everything goes through the bytes of the bundle and of the reply. */
export interface Session extends Disposable {
  readonly ckks: Ckks
  readonly replyBytes: number
  predict(sample: Float64Array, onStep?: (timing: StepTiming) => void): Float64Array
  /** One run, of as many samples as a run takes at most. */
  predictAll(samples: readonly Float64Array[], onStep?: (timing: StepTiming) => void): Float64Array[]
}

/** The evaluation keys that a program asks for, each at its level. */
export function createKeysFor(ckks: Ckks, secret: SecretKey, { rotations, relinearisation }: KeysNeeded) {
  const level = relinearisation
  return {
    relinearisation: level === undefined ? undefined : createRelinearisationKey(ckks, secret, { level }),
    galois: createGaloisKeys(ckks, secret, rotations),
  } satisfies EvaluationKeys
}

/** The ciphertexts of one run. */
export function encryptRun(
  ckks: Ckks,
  secret: SecretKey,
  part: Pick<ClientPart, 'packing' | 'encoding' | 'params' | 'input'>,
  samples: readonly ArrayLike<number>[],
): Ciphertext[] {
  return packInput(part, samples).map((values) => {
    using message =
      part.encoding === 'slots' ? ckks.encode(values, part.input) : ckks.encodeCoefficients(values, part.input)
    return encryptSymmetric(ckks, secret, message)
  })
}

export function openSession(compiled: Program): Session {
  const files = bundle(compiled)
  const client = decodeClientPart(files.client)
  const { program } = decodeServerPart(files.server)
  const ckks = openCkks(client.params)
  const secret = createSecretKey(ckks)
  const keys = createKeysFor(ckks, secret, client.keys)
  const prepared = prepare(program, ckks)
  const session = {
    ckks,
    replyBytes: 0,
    predict: (sample: Float64Array, onStep?: (timing: StepTiming) => void) => session.predictAll([sample], onStep)[0]!,
    predictAll(samples: readonly Float64Array[], onStep?: (timing: StepTiming) => void) {
      using used = new DisposableStack()
      const query = encryptRun(ckks, secret, client, samples)
      for (const ciphertext of query) used.use(ciphertext)
      const writer = new ByteWriter()
      const answer = runEncrypted(prepared, query, keys, { onStep })
      for (const ciphertext of answer) writeReply(writer, used.use(ciphertext), client.output.reply)
      const bytes = writer.done()
      session.replyBytes = bytes.length
      const reader = new ByteReader(bytes, 'the reply')
      const replies = answer.map(() => {
        using reply = readReply(reader, ckks.ring)
        using decrypted = decrypt(ckks, secret, reply)
        return client.encoding === 'slots' ? ckks.decode(decrypted) : ckks.decodeCoefficients(decrypted)
      })
      reader.end()
      return readOutput(client, replies, samples.length)
    },
    [Symbol.dispose]: () => ckks[Symbol.dispose](),
  }
  return session
}
