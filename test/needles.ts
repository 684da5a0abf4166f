// Looks for secrets in large memories: bytes of pieces of 64 that chance does not produce, and ternary keys in whatever numbers they are held.

/** Bytes to look for, by the name of their form. */
export type Forms = ReadonlyMap<string, Uint8Array>

const window = 64
const prefix = 6
/** Pieces with fewer different bytes are margins of pictures, and runs of "0,0,0". */
const varied = 7

interface Piece {
  readonly form: string
  readonly bytes: Buffer
  /** Where its first byte other than 0 is; its prefix begins there. */
  readonly start: number
}

/** What is looked for, and what has been found so far. */
export interface Needles {
  /** Pieces of each form that are looked for. */
  readonly looked: ReadonlyMap<string, number>
  /** The forms of which a piece occurs in the bytes, at any offset. */
  search(bytes: Buffer): Set<string>
}

export function needlesOf(forms: Forms): Needles {
  const pieces = new Map<number, Piece[]>()
  const looked = new Map<string, number>()
  // For the first two bytes of each prefix, which fit into a cache, and for the first three: nearly every place of a memory ends here.
  const [two, three] = [new Uint8Array(2 ** 16), new Uint8Array(2 ** 24)]
  for (const [form, needle] of forms) {
    looked.set(form, 0)
    for (let at = 0; at + window <= needle.length; at += window) {
      const bytes = Buffer.from(needle.slice(at, at + window))
      if (new Set(bytes).size < varied) continue
      const start = Math.min(
        bytes.findIndex((byte) => byte !== 0),
        window - prefix,
      )
      const key = bytes.readUIntLE(start, prefix)
      pieces.set(key, [...(pieces.get(key) ?? []), { form, bytes, start }])
      two[bytes.readUInt16LE(start)] = 1
      three[bytes.readUIntLE(start, 3)] = 1
      looked.set(form, looked.get(form)! + 1)
    }
  }
  return {
    looked,
    search(bytes) {
      const found = new Set<string>()
      const end = bytes.length - prefix
      for (let at = 0; at <= end; at++) {
        const first = bytes[at]! | (bytes[at + 1]! << 8)
        if (two[first] === 0 || three[first | (bytes[at + 2]! << 16)] === 0) continue
        for (const { form, bytes: piece, start } of pieces.get(bytes.readUIntLE(at, prefix)) ?? [])
          if (!found.has(form) && piece.equals(bytes.subarray(at - start, at - start + window))) found.add(form)
      }
      return found
    },
  }
}

/** Coefficients of a ternary key in a row that are enough to tell it from others: 3^64. */
const run = 64
/** Of these, as many as make one code: 3^20 < 2^32. */
const coded = 20
const mostCodes = 3 ** (coded - 1)

/** How coefficients 0, 1 and −1 may be held, as unsigned words of 1 or 4 bytes; `step` words each, of which the last one tells. */
const holders = [
  { name: 'signed bytes', width: 1, step: 1, one: 1, minus: 0xff },
  { name: 'bytes 0, 1 and 2', width: 1, step: 1, one: 1, minus: 2 },
  { name: 'i32', width: 4, step: 1, one: 1, minus: 0xffffffff },
  { name: 'f32', width: 4, step: 1, one: 0x3f800000, minus: 0xbf800000 },
  { name: 'f64', width: 4, step: 2, one: 0x3ff00000, minus: 0xbff00000 },
] as const

/**
 * Finds 64 coefficients in a row, at any place that is a multiple of the width of a number, and with `anywhere` at any place at all. `bytes` begin at a multiple
 * of 8.
 */
export function ternarySearch(key: ArrayLike<number>): (bytes: Buffer, anywhere?: boolean) => Set<string> {
  const places = new Map<number, number[]>()
  for (let i = 0; i + run <= key.length; i++) {
    let code = 0
    for (let k = 0; k < coded; k++) code = code * 3 + (key[i + k]! + 1)
    places.set(code, [...(places.get(code) ?? []), i])
  }
  /** In numbers of at least `least` bytes. */
  const search = (bytes: Buffer, least: number, found: Set<string>): void => {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
    for (const { name, width, step, one, minus } of holders) {
      if (width * step < least || found.has(name)) continue
      const [values, count] = [
        width === 1 ? bytes : words,
        Math.floor((width === 1 ? bytes.length : words.length) / step),
      ]
      const runs = width === 1 ? byteRuns(bytes, one, minus) : wordRuns(words, step, one, minus, count)
      for (const [from, to] of runs) {
        const digit = (at: number): number => {
          const value = values[at * step + step - 1]!
          return value === 0 ? 1 : value === one ? 2 : 0
        }
        let code = 0
        for (let at = from; at < to; at++) {
          code = (code % mostCodes) * 3 + digit(at)
          if (at - from < coded - 1) continue
          for (const place of places.get(code) ?? []) {
            const first = at - coded + 1
            let i = coded
            while (i < run && first + i < to && digit(first + i) === key[place + i]! + 1) i++
            if (i === run) found.add(name)
          }
        }
      }
    }
  }
  return (bytes, anywhere = false) => {
    const found = new Set<string>()
    search(bytes, 1, found)
    for (let shift = 1; anywhere && shift < 8; shift++)
      search(Buffer.from(new Uint8Array(bytes.subarray(shift)).buffer), shift < 4 ? 4 : 8, found)
    return found
  }
}

/** Stretches of at least 64 ternary values that are not all 0; most of a memory is passed in steps of 64. */
function* byteRuns(bytes: Uint8Array, one: number, minus: number): Generator<[number, number]> {
  const ternary = (at: number): boolean => {
    const value = bytes[at]!
    return value === 0 || value === one || value === minus
  }
  let end = 0
  for (let at = run - 1; at < bytes.length; at = Math.max(at, end) + run) {
    if (!ternary(at)) continue
    let from = at
    while (from > end && ternary(from - 1)) from--
    let [to, zeros] = [at + 1, true]
    while (to < bytes.length && ternary(to)) to++
    for (let i = from; zeros && i < to; i++) zeros = bytes[i] === 0
    end = to
    if (!zeros && to - from >= run) yield [from, to]
  }
}

function* wordRuns(
  words: Uint32Array,
  step: number,
  one: number,
  minus: number,
  count: number,
): Generator<[number, number]> {
  const ternary = (at: number): boolean => {
    const value = words[at * step + step - 1]!
    return (value === 0 || value === one || value === minus) && (step === 1 || words[at * step] === 0)
  }
  let end = 0
  for (let at = run - 1; at < count; at = Math.max(at, end) + run) {
    if (!ternary(at)) continue
    let from = at
    while (from > end && ternary(from - 1)) from--
    let [to, zeros] = [at + 1, true]
    while (to < count && ternary(to)) to++
    for (let i = from; zeros && i < to; i++) zeros = words[i * step + step - 1] === 0
    end = to
    if (!zeros && to - from >= run) yield [from, to]
  }
}
