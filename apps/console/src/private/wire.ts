import type { Picture } from '../api/models.ts'

/** What a body begins with: its JSON header, in the clear, and then bytes that should look like noise. */
export interface Wire {
  readonly header: string
  readonly noise: Uint8Array
}

/** Takes the beginning of a request's body apart: the header ends where its outermost brace closes. */
export function wireOf(body: Uint8Array): Wire {
  let depth = 0
  let inText = false
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]!
    if (inText) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if (byte === 0x7b) depth++
    else if (byte === 0x7d && --depth === 0) {
      return { header: new TextDecoder().decode(body.subarray(0, i + 1)), noise: body.subarray(i + 1) }
    }
  }
  return { header: '', noise: body }
}

/** Bytes as grey pixels of a square, as many as fit. */
export function noisePicture(bytes: Uint8Array): Picture {
  const side = Math.max(1, Math.floor(Math.sqrt(bytes.length)))
  return { width: side, height: side, pixels: [...bytes.subarray(0, side * side)] }
}

/** Shannon entropy of single bytes, in bits, of at most 8; of n random bytes about 8 − 255 / (2 n ln 2). */
export function entropy(bytes: ArrayLike<number>): number {
  const counts = new Array<number>(256).fill(0)
  for (let i = 0; i < bytes.length; i++) counts[bytes[i]!]!++
  return counts.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / bytes.length) * Math.log2(count / bytes.length)),
    0,
  )
}

/** Bytes as `hexdump -C` shows them, without the column of letters. */
export function hexDump(bytes: Uint8Array, count: number): string {
  const lines: string[] = []
  for (let at = 0; at < Math.min(count, bytes.length); at += 16) {
    const line = Array.from(bytes.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0'))
    lines.push(`${at.toString(16).padStart(4, '0')}  ${line.slice(0, 8).join(' ')}  ${line.slice(8).join(' ')}`)
  }
  return lines.join('\n')
}
