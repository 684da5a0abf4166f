import { type Ciphertext, GloveboxError, readReply, replyBytes } from '@glovebox/he'
import { decrypt, type SecretKey } from '@glovebox/he/secret'
import { type Answer, type ReplyForm, readOutput, runAfter, samplesPerRun } from '@glovebox/ml'
import { type ClientModel, openFrame } from './model.ts'
import { maxSamples } from './query.ts'

/**
 * Decrypts a frame of kind 'reply' (count u32, then the replies) into the model's raw outputs, a row for each sample. Only what
 * the model's client part announces is decrypted: `count` replies, at its scale, trimmed as it says.
 *
 * The values carry noise that tells about the secret key: do not hand them back to whoever computed them (SECURITY.md).
 */
export function decryptReply(
  model: ClientModel,
  secret: SecretKey,
  bytes: Uint8Array,
  options: { readonly count?: number } = {},
): Float64Array[] {
  const { context, scheme, part } = model
  const { scale, reply } = part.output
  const body = openFrame(model, bytes, 'reply', 'the reply')
  const count = body.u32('count')
  if (count < 1 || count > maxSamples) throw body.malformed('count', `1 to ${maxSamples}`, count)
  if (options.count !== undefined && count !== options.count)
    throw body.malformed('count', `${options.count}, as many as were asked for`, count)
  const most = samplesPerRun(part)
  const { tiles } = part.output.layout
  const expected = Math.ceil(count / most) * tiles * replyBytes(context.ring.n, reply)
  if (body.remaining !== expected)
    throw body.malformed('replies', `${expected} bytes as the client part says`, body.remaining)
  const outputs: Float64Array[] = []
  while (outputs.length < count) {
    const replies = Array.from({ length: tiles }, () => {
      using ciphertext = readReply(body, context.ring)
      requireAnnounced(ciphertext, scheme.borne(scale), reply)
      using plaintext = decrypt(context, secret, ciphertext)
      return scheme.decode(plaintext, scale, part.encoding)
    })
    outputs.push(...readOutput(part, replies, Math.min(most, count - outputs.length)))
  }
  return outputs
}

/** What a prediction says, from the model's raw output: classes, probabilities, contributions, where the model knows of any. As secret as the output. */
export function answerOf({ part }: Pick<ClientModel, 'part'>, output: ArrayLike<number>): Answer {
  return runAfter(part.output.after, output)
}

/** The program ends at one scale; what differs by more than the rounding of a double has been through another one. */
function requireAnnounced(ciphertext: Ciphertext, scale: number, { stride, count }: ReplyForm): void {
  if (Math.abs(ciphertext.scale / scale - 1) > 2 ** -40) {
    throw new GloveboxError(
      'scale-mismatch',
      `the reply has scale ${ciphertext.scale}, the client part says ${scale}: it is no reply of this model`,
    )
  }
  if (ciphertext.stride !== stride || ciphertext.kept !== count) {
    throw new GloveboxError(
      'malformed',
      `the reply is trimmed to ${ciphertext.kept} coefficients, every ${ciphertext.stride}th, the client part says ${count}, every ${stride}th: it is no reply of this model`,
    )
  }
}
