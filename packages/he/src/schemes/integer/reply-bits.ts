import { GloveboxError } from '../../base/errors.ts'

/**
 * The fewest bits of a trimmed reply (see `writeReply`, which takes up to 40) whose rounding stays below 1/4 of what decryption can bear, seven standard
 * deviations wide: 2^bits >= 4 * 2t * 7 * sqrt((1 + 2N/3) / 12). The noise that is there already may take 3/4: the noise budget at level 0 must be 1 bit.
 * @throws RangeError for parameters without plaintext modulus: replies of CKKS are cut by precision; GloveboxError `unsupported` where 40 bits are
 * not enough.
 */
export function replyBits(params: {
  readonly ringDegree: number
  readonly plaintextModulus: number | undefined
}): number {
  const { ringDegree, plaintextModulus: t } = params
  if (t === undefined)
    throw new RangeError('"params.plaintextModulus" expected a number, got none: replies of CKKS are cut by precision')
  const bits = Math.ceil(Math.log2(4 * 2 * t * 7 * Math.sqrt((1 + (2 * ringDegree) / 3) / 12)))
  if (bits > 40)
    throw new GloveboxError(
      'unsupported',
      `a trimmed reply modulo t = ${t} at ring degree ${ringDegree} needs ${bits} bits, and 40 is the most: send the whole ciphertext, or use a smaller "plaintextModulus"`,
    )
  return bits
}
