import { ciphertextBytes, frameOverhead, type Params, replyBytes, switchingKeyBytes } from '@glovebox/he'
import type { Sized } from './request.ts'

// Bytes on the wire, exactly as `wire/query.ts` writes them.

/** epoch, bucket, digest of the keys, count. */
const queryHeader = 4 + 2 + 32 + 2

/** Bytes of one query, with its frame. */
export function queryBytes(params: Sized): number {
  const each = ciphertextBytes(asParams(params.he), params.he.maxLevel, true) - frameOverhead
  return frameOverhead + queryHeader + params.queryCiphertexts * each
}

/** Bytes of the evaluation keys that queries of a receiver need, with their frame; 0 for none. */
export function keyBytes({ he, relinearise, rotations }: Sized): number {
  if (!relinearise && rotations.length === 0) return 0
  const key = switchingKeyBytes(asParams(he), he.maxLevel)
  return frameOverhead + 1 + (relinearise ? key : 0) + 4 + rotations.length * (4 + key)
}

/** Bytes of the reply to one query, with its frame, where `bundles` of all groups together are looked at. */
export function replyFrameBytes(params: Sized, bundles: number): number {
  const each = replyBytes(params.n, { bits: params.replyBits, stride: 1 })
  return frameOverhead + 8 + bundles * (2 + params.polynomials * params.pairs * each)
}

/** Sizes depend on N and on the sizes of the primes alone. */
function asParams(he: Sized['he']): Params {
  return he as Params
}
