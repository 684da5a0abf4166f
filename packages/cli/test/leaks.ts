/** A window is 64 bytes: long enough that chance does not produce one, short enough for a piece of a secret. */
const window = 64
/** Windows with fewer bytes other than 0 are the margins of pictures and say nothing. */
const varied = 8
const prefix = 6

interface Piece {
  readonly form: string
  readonly bytes: Buffer
  /** Where its first byte other than 0 is, at most 58; its prefix begins there. */
  readonly start: number
}

/** Windows side by side of all needles, by six of their bytes. */
function piecesOf(needles: ReadonlyMap<string, Buffer>): { pieces: Map<number, Piece[]>; looked: Map<string, number> } {
  const pieces = new Map<number, Piece[]>()
  const looked = new Map<string, number>()
  for (const [form, needle] of needles) {
    for (let at = 0; at + window <= needle.length; at += window) {
      const bytes = needle.subarray(at, at + window)
      if (bytes.filter((byte) => byte !== 0).length < varied) continue
      const start = Math.min(
        bytes.findIndex((byte) => byte !== 0),
        window - prefix,
      )
      const key = bytes.readUIntLE(start, prefix)
      pieces.set(key, [...(pieces.get(key) ?? []), { form, bytes, start }])
      looked.set(form, (looked.get(form) ?? 0) + 1)
    }
  }
  return { pieces, looked }
}

/**
 * The forms of which a window occurs in the haystack, at any offset: a form that is not among them has no 127 bytes in a row there.
 * `looked` is how many windows of each form were looked for.
 */
export function findLeaks(
  haystack: Buffer,
  needles: ReadonlyMap<string, Buffer>,
): { found: string[]; looked: ReadonlyMap<string, number> } {
  const { pieces, looked } = piecesOf(needles)
  const found = new Set<string>()
  for (let at = 0; at + prefix <= haystack.length; at++) {
    const candidates = pieces.get(haystack.readUIntLE(at, prefix))
    if (!candidates) continue
    for (const { form, bytes, start } of candidates) {
      if (!found.has(form) && bytes.equals(haystack.subarray(at - start, at - start + window))) found.add(form)
    }
  }
  return { found: [...found], looked }
}
