import { equalBytes, frameOverhead, GloveboxError, peekKind, toHex } from '@glovebox/he'
import type { ContentEnd } from '../store/contents.ts'

/** What stands before the body of a frame, docs/wire-format.md. */
export const headBytes = 44
const ownerAt = 8
const lengthAt = 40
const checksumBytes = 16

/** Digest of the program that a frame of evaluation keys belongs to, by its first 44 bytes. Throws GloveboxError `malformed` for another frame. */
export function programOf(head: Uint8Array): string {
  const kind = peekKind(head)
  if (kind !== 'evaluation keys of a program' || head[4] !== 1)
    throw new GloveboxError(
      'malformed',
      `the set of evaluation keys expected a frame of kind "evaluation keys of a program", got ${kind ? `"${kind}"` : 'none'}`,
    )
  return toHex(head.subarray(ownerAt, ownerAt + 32))
}

/** That a frame is as long as it says and its checksum is right. Throws GloveboxError `malformed`. */
export function verifyFrame({ bytes, head, tail, before }: ContentEnd): void {
  programOf(head)
  const length = new DataView(head.buffer, head.byteOffset).getUint32(lengthAt, true) + frameOverhead
  if (bytes !== length)
    throw new GloveboxError('malformed', `the set of evaluation keys says it has ${length} bytes, got ${bytes}`)
  if (!equalBytes(tail, before.subarray(0, checksumBytes)))
    throw new GloveboxError(
      'malformed',
      'the set of evaluation keys is damaged: its checksum does not match its content',
    )
}
