import {
  ByteReader,
  ByteWriter,
  type Ciphertext,
  type EvaluationKeys,
  maskWith,
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
  openContext,
  type Program,
  packInput,
  prepare,
  readOutput,
  runEncrypted,
  type SchemeContext,
  type StepTiming,
  schemeOf,
} from '../src/index.ts'

/** Client and server of one program in one process: everything goes through the bytes of the bundle and of the reply. */
export interface Session extends Disposable {
  readonly context: SchemeContext
  readonly replyBytes: number
  predict(sample: Float64Array, onStep?: (timing: StepTiming) => void): Float64Array
  /** One run, of as many samples as a run takes at most. */
  predictAll(samples: readonly Float64Array[], onStep?: (timing: StepTiming) => void): Float64Array[]
}

/** The evaluation keys that a program asks for, each at its level. */
export function createKeysFor(context: SchemeContext, secret: SecretKey, { rotations, relinearisation }: KeysNeeded) {
  const level = relinearisation
  return {
    relinearisation: level === undefined ? undefined : createRelinearisationKey(context, secret, { level }),
    galois: createGaloisKeys(context, secret, rotations),
  } satisfies EvaluationKeys
}

/** The ciphertexts of one run. */
export function encryptRun(
  context: SchemeContext,
  secret: SecretKey,
  part: Pick<ClientPart, 'packing' | 'encoding' | 'params' | 'input'>,
  samples: readonly ArrayLike<number>[],
): Ciphertext[] {
  return packInput(part, samples).map((values) => {
    using message = schemeOf(context).encode(values, part.input, part.encoding)
    return encryptSymmetric(context, secret, message)
  })
}

export function openSession(compiled: Program): Session {
  const files = bundle(compiled)
  const client = decodeClientPart(files.client)
  const { program } = decodeServerPart(files.server)
  const context = openContext(client.params)
  const scheme = schemeOf(context)
  const secret = createSecretKey(context)
  const keys = createKeysFor(context, secret, client.keys)
  const prepared = prepare(program, context)
  // Sums of integers may be nothing but a bias: there a mask is what hides them.
  const zero = encryptSymmetric(context, secret, context.encodeCoefficients([0], { level: 0, scale: 1 }))
  const hidden = (ct: Ciphertext): Ciphertext => (context.params.scheme === 'bfv' ? maskWith(context, ct, zero) : ct)
  const session = {
    context,
    replyBytes: 0,
    predict: (sample: Float64Array, onStep?: (timing: StepTiming) => void) => session.predictAll([sample], onStep)[0]!,
    predictAll(samples: readonly Float64Array[], onStep?: (timing: StepTiming) => void) {
      using used = new DisposableStack()
      const query = encryptRun(context, secret, client, samples)
      for (const ciphertext of query) used.use(ciphertext)
      const writer = new ByteWriter()
      const answer = runEncrypted(prepared, query, keys, { onStep })
      for (const ciphertext of answer) writeReply(writer, hidden(used.use(ciphertext)), client.output.reply)
      const bytes = writer.done()
      session.replyBytes = bytes.length
      const reader = new ByteReader(bytes, 'the reply')
      const replies = answer.map(() => {
        using reply = readReply(reader, context.ring)
        using decrypted = decrypt(context, secret, reply)
        return scheme.decode(decrypted, client.output.scale, client.encoding)
      })
      reader.end()
      return readOutput(client, replies, samples.length)
    },
    [Symbol.dispose]: () => context[Symbol.dispose](),
  }
  return session
}
