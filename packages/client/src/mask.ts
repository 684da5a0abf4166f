import { type ByteWriter, writeCiphertext } from '@glovebox/he'
import { encryptSymmetric, type SecretKey } from '@glovebox/he/secret'
import type { ClientModel } from './model.ts'

/**
 * An encryption of zero at level 0, as from a public key: the server adds a fresh one, made from it, to every reply, so that the reply tells its result and
 * nothing else of the weights (`maskWith` of @glovebox/he). It goes with the evaluation keys, or with the query of a model that needs none.
 */
export function writeMask(writer: ByteWriter, { context }: ClientModel, secret: SecretKey): void {
  using zero = context.encodeCoefficients([0], { level: 0, scale: 1 })
  using ciphertext = encryptSymmetric(context, secret, zero)
  writeCiphertext(writer, ciphertext)
}
