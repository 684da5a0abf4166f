/**
 * The fewest bits of a trimmed reply (see `writeReply`) whose rounding stays below 1/4 of what decryption can bear, seven standard deviations
 * wide: 2^bits >= 4 * 2t * 7/4 * sqrt((1 + 2N/3) / 12). The noise that is there already may take 3/4: the noise budget at level 0 must be 1 bit.
 */
export function replyBits(params: {
  readonly ringDegree: number
  readonly plaintextModulus: number | undefined
}): number {
  const { ringDegree, plaintextModulus: t } = params
  if (t === undefined)
    throw new RangeError('"params.plaintextModulus" expected a number, got none: replies of CKKS are cut by precision')
  return Math.ceil(Math.log2(4 * 2 * t * 7 * Math.sqrt((1 + (2 * ringDegree) / 3) / 12)))
}
