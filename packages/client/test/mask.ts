import { ByteWriter, type Ciphertext, writeCiphertext } from '@glovebox/he'
import { encryptSymmetric, type SecretKey } from '@glovebox/he/secret'
import type { ClientModel } from '../src/model.ts'

/** As a client sends it, and as none should. */
export const maskForms = ['good', 'unseeded', 'three parts', 'level 1'] as const

/** A mask of some form, in bytes; 'level 1' needs a model that has that level. */
export function maskBytes({ context }: ClientModel, secret: SecretKey, form: (typeof maskForms)[number]): Uint8Array {
  const level = form === 'level 1' ? 1 : 0
  const zero = encryptSymmetric(context, secret, context.encodeCoefficients([0], { level, scale: 1 }))
  const made: Ciphertext =
    form === 'unseeded' ? context.add(zero, zero) : form === 'three parts' ? context.multiply(zero, zero) : zero
  const writer = new ByteWriter()
  writeCiphertext(writer, made)
  return writer.done()
}
