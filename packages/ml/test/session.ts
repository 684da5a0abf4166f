import { ByteReader, ByteWriter, type Ckks, openCkks, readReply, writeReply } from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'
import {
  bundle,
  decodeClientPart,
  decodeServerPart,
  type Program,
  packInput,
  prepare,
  readOutput,
  runEncrypted,
  type StepTiming,
} from '../src/index.ts'

/** Client and server of one program in one process: everything goes through the bytes of the bundle and of the reply. */
export interface Session {
  readonly ckks: Ckks
  readonly replyBytes: number
  predict(sample: Float64Array, onStep?: (timing: StepTiming) => void): Float64Array
}

export function openSession(compiled: Program): Session {
  const files = bundle(compiled)
  const client = decodeClientPart(files.client)
  const { program } = decodeServerPart(files.server)
  const ckks = openCkks(client.params)
  const secret = createSecretKey(ckks)
  const { rotations, relinearisation: level } = client.keys
  const keys = {
    relinearisation: level === undefined ? undefined : createRelinearisationKey(ckks, secret, { level }),
    galois: createGaloisKeys(ckks, secret, rotations),
  }
  const prepared = prepare(program, ckks)
  const session = {
    ckks,
    replyBytes: 0,
    predict(sample: Float64Array, onStep?: (timing: StepTiming) => void) {
      using message = ckks.encode(packInput(client, sample), client.input)
      using query = encryptSymmetric(ckks, secret, message)
      using answer = runEncrypted(prepared, query, keys, { onStep })
      const writer = new ByteWriter()
      writeReply(writer, answer, client.output.reply)
      session.replyBytes = writer.done().length
      using reply = readReply(new ByteReader(writer.done(), 'the reply'), ckks.ring)
      using decrypted = decrypt(ckks, secret, reply)
      return readOutput(client, ckks.decode(decrypted))
    },
  }
  return session
}
