// The entropy coders of Zstandard (RFC 8878, section 4), decoding only.

/** Reads bits backwards, from the last one set in the last byte; bits in front of the first byte are 0 and make `left` negative. */
export interface BackwardBits {
  /** Bits that are left. */
  left: number
  /** The next `count` bits, at most 16, as a number; they stay. */
  peek(count: number): number
  read(count: number): number
}

export function backwardBits(bytes: Uint8Array): BackwardBits {
  const last = bytes.at(-1)
  if (!last) throw new Error('a bit stream has no end mark')
  return {
    left: 8 * bytes.length - Math.clz32(last) + 23,
    peek(count) {
      const at = this.left - count
      if (at < 0) {
        const have = Math.max(0, this.left)
        const word = bytes[0]! | ((bytes[1] ?? 0) << 8)
        return have === 0 ? 0 : (word & ((1 << have) - 1)) << -at
      }
      const i = at >> 3
      const word = bytes[i]! | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16)
      return (word >>> (at & 7)) & ((1 << count) - 1)
    },
    read(count) {
      const value = this.peek(count)
      this.left -= count
      return value
    },
  }
}

/** A decoding table of finite state entropy: in state i the symbol is `symbols[i]`, the next state `bases[i]` plus `bits[i]` bits. */
export interface FseTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
  readonly bases: Uint16Array
}

/** Section 4.1.1, from probabilities to the table; -1 is "less than 1". */
export function fseTable(log: number, probabilities: readonly number[]): FseTable {
  const size = 1 << log
  const symbols = new Uint8Array(size)
  let high = size - 1
  probabilities.forEach((p, symbol) => {
    if (p === -1) symbols[high--] = symbol
  })
  const step = (size >> 1) + (size >> 3) + 3
  let at = 0
  probabilities.forEach((p, symbol) => {
    for (let i = 0; i < p; i++) {
      symbols[at] = symbol
      do at = (at + step) & (size - 1)
      while (at > high)
    }
  })
  const next = probabilities.map((p) => Math.abs(p))
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  for (let i = 0; i < size; i++) {
    const x = next[symbols[i]!]!++
    bits[i] = log - (31 - Math.clz32(x))
    bases[i] = (x << bits[i]!) - size
  }
  return { log, symbols, bits, bases }
}

/** One symbol and no bits at all. */
export function rleTable(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) }
}

/** Reads the description of a table; returns it with the bytes that it took. */
export function readFseTable(
  bytes: Uint8Array,
  mostLog: number,
  mostSymbol: number,
): { table: FseTable; used: number } {
  let at = 0
  const peek = (count: number): number => {
    const i = at >> 3
    const word = (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16)
    return (word >>> (at & 7)) & ((1 << count) - 1)
  }
  const log = peek(4) + 5
  at += 4
  if (log > mostLog) throw new Error(`a table has an accuracy of ${log} bits, at most ${mostLog} are allowed`)
  const probabilities: number[] = []
  let remaining = 1 << log
  while (remaining > 0) {
    if (probabilities.length > mostSymbol) throw new Error('a table has too many symbols')
    // A number from 0 to remaining + 1: the smallest ones take a bit less.
    const count = 32 - Math.clz32(remaining + 1)
    const low = (1 << (count - 1)) - 1
    const short = (1 << count) - 2 - remaining
    let value = peek(count)
    if ((value & low) < short) {
      value &= low
      at += count - 1
    } else {
      if (value > low) value -= short
      at += count
    }
    const p = value - 1
    probabilities.push(p)
    remaining -= Math.abs(p)
    if (p !== 0) continue
    for (let zeros = 3; zeros === 3; ) {
      zeros = peek(2)
      at += 2
      for (let i = 0; i < zeros; i++) probabilities.push(0)
      if (probabilities.length > mostSymbol + 1 || at > 8 * bytes.length)
        throw new Error('a table has too many symbols')
    }
  }
  if (remaining < 0 || at > 8 * bytes.length) throw new Error('a table of probabilities is damaged')
  return { table: fseTable(log, probabilities), used: (at + 7) >> 3 }
}

/** A prefix code by its longest code: the next `log` bits give the symbol and how many bits of them it takes. */
export interface HuffmanTable {
  readonly log: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
}

/** Weights in finite state entropy, two states in turn (section 4.2.1.2). */
function readWeights(bytes: Uint8Array): number[] {
  const { table, used } = readFseTable(bytes, 6, 255)
  const stream = backwardBits(bytes.subarray(used))
  const states = [stream.read(table.log), stream.read(table.log)]
  const weights: number[] = []
  for (let turn = 0; ; turn ^= 1) {
    if (stream.left < 0 || weights.length > 255) throw new Error('the weights of a prefix code are damaged')
    const state = states[turn]!
    weights.push(table.symbols[state]!)
    states[turn] = table.bases[state]! + stream.read(table.bits[state]!)
    if (stream.left < 0) {
      weights.push(table.symbols[states[turn ^ 1]!]!)
      return weights
    }
  }
}

/** Section 4.2.1; returns the table with the bytes that its description took. */
export function readHuffmanTable(bytes: Uint8Array): { table: HuffmanTable; used: number } {
  const header = bytes[0] ?? 0
  const count = header - 127
  const used = 1 + (header < 128 ? header : (count + 1) >> 1)
  if (bytes.length < used) throw new Error('a prefix code is truncated')
  const weights =
    header < 128
      ? readWeights(bytes.subarray(1, used))
      : Array.from({ length: count }, (_, i) => (bytes[1 + (i >> 1)]! >> (i % 2 === 0 ? 4 : 0)) & 15)
  // Longer codes do not exist, and their sum would not fit 32 bits.
  if (weights.length > 255 || weights.some((w) => w > 11)) throw new Error('a prefix code is damaged')
  const sum = weights.reduce((all, w) => all + (w > 0 ? 2 ** (w - 1) : 0), 0)
  const log = sum > 0 ? 32 - Math.clz32(sum) : 12
  const rest = 2 ** log - sum
  if (log > 11 || (rest & (rest - 1)) !== 0) throw new Error('a prefix code is damaged')
  weights.push(32 - Math.clz32(rest))
  const symbols = new Uint8Array(1 << log)
  const bits = new Uint8Array(1 << log)
  let at = 0
  for (let weight = 1; weight <= log; weight++) {
    weights.forEach((w, symbol) => {
      if (w !== weight) return
      const end = at + (1 << (w - 1))
      symbols.fill(symbol, at, end)
      bits.fill(log + 1 - w, at, end)
      at = end
    })
  }
  return { table: { log, symbols, bits }, used }
}

/** Fills `out` from one stream, which must end with it. */
export function decodeHuffman({ log, symbols, bits }: HuffmanTable, bytes: Uint8Array, out: Uint8Array): void {
  const stream = backwardBits(bytes)
  for (let i = 0; i < out.length; i++) {
    const code = stream.peek(log)
    out[i] = symbols[code]!
    stream.left -= bits[code]!
    if (stream.left < 0) throw new Error('a stream of literals is truncated')
  }
  if (stream.left !== 0) throw new Error('a stream of literals is too long')
}
