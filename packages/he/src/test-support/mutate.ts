import { createHash } from 'node:crypto'

/** Numbers from a seed, fast: xorshift32. */
export class Dice {
  #state: number

  constructor(seed: number) {
    // Seeds one apart should not give streams alike.
    this.#state = Math.imul(seed + 1, 0x9e3779b1) || 1
    for (let i = 0; i < 8; i++) this.word()
  }

  word(): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return this.#state >>> 0
  }

  /** In [0, count). */
  below(count: number): number {
    return Math.floor((this.word() / 2 ** 32) * count)
  }

  chance(probability: number): boolean {
    return this.word() < probability * 2 ** 32
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }
}

/** Where a number lies in a body that deserves more than flipped bits. */
export interface Field {
  readonly offset: number
  readonly type: 'u8' | 'u16' | 'u32' | 'f64'
}

const corners = {
  u8: [0, 1, 2, 3, 4, 7, 8, 16, 31, 32, 40, 41, 63, 64, 127, 128, 254, 255],
  u16: [0, 1, 255, 256, 0x7fff, 0x8000, 0xffff],
  u32: [0, 1, 2, 3, 4, 63, 64, 127, 255, 256, 4095, 4096, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1],
  f64: [0, -0, 1, -1, 0.5, 2 ** -1074, 2 ** 20, 2 ** 30, 2 ** 49, 2 ** 200, 1e308, Infinity, -Infinity, Number.NaN],
} as const

function writeField(bytes: Uint8Array, { offset, type }: Field, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (type === 'u8') view.setUint8(offset, value)
  else if (type === 'u16') view.setUint16(offset, value, true)
  else if (type === 'u32') view.setUint32(offset, value, true)
  else view.setFloat64(offset, value, true)
}

const widths = { u8: 1, u16: 2, u32: 4, f64: 8 } as const

/** One edit of a body. `others` lend what is spliced in. */
function edit(body: Uint8Array, dice: Dice, fields: readonly Field[], others: readonly Uint8Array[]): Uint8Array {
  const length = body.length
  const at = (): number => (dice.chance(0.5) ? dice.below(Math.min(64, length + 1)) : dice.below(length + 1))
  switch (dice.below(12)) {
    case 0:
    case 1: {
      for (let i = dice.below(4); i >= 0 && length > 0; i--) body[Math.min(at(), length - 1)]! ^= 1 << dice.below(8)
      return body
    }
    case 2: {
      if (length > 0) body[Math.min(at(), length - 1)] = dice.chance(0.5) ? dice.pick(corners.u8) : dice.below(256)
      return body
    }
    case 3:
      return body.slice(0, dice.chance(0.3) ? Math.max(0, length - 1 - dice.below(4)) : at())
    case 4: {
      const longer = new Uint8Array(length + 1 + dice.below(dice.chance(0.1) ? 5000 : 40))
      longer.set(body)
      const fill = dice.pick([0, 255, -1])
      for (let i = length; i < longer.length; i++) longer[i] = fill < 0 ? dice.below(256) : fill
      return longer
    }
    case 5: {
      const other = dice.pick(others)
      const [head, tail] = [at(), dice.below(other.length + 1)]
      return concat(body.subarray(0, head), other.subarray(tail))
    }
    case 6: {
      // Cut out, or say twice.
      const from = at()
      const to = Math.min(length, from + 1 + dice.below(40))
      return concat(body.subarray(0, dice.chance(0.5) ? from : to), body.subarray(dice.chance(0.5) ? from : to))
    }
    case 7:
    case 8: {
      // All ones are above every prime, all zeros are transparent.
      const from = at()
      const to = dice.chance(0.5) ? from + dice.below(16) : dice.chance(0.5) ? length : from + dice.below(length + 1)
      return body.fill(dice.chance(0.7) ? 255 : 0, from, to)
    }
    case 9: {
      const patch = dice.pick(others)
      const from = dice.below(patch.length + 1)
      const piece = patch.subarray(from, from + dice.below(64))
      body.set(
        piece.subarray(0, Math.max(0, length - piece.length)),
        Math.max(0, Math.min(at(), length - piece.length)),
      )
      return body
    }
    default: {
      if (fields.length === 0) return body
      const field = dice.pick(fields)
      if (field.offset + widths[field.type] > length) return body
      const value = dice.chance(0.8)
        ? dice.pick<number>(corners[field.type])
        : field.type === 'f64'
          ? 2 ** (dice.below(200) - 100) * (1 + dice.below(1000) / 1000)
          : dice.word()
      writeField(body, field, value)
      return body
    }
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

/** One to four edits of a body. */
export function mutateBody(
  golden: Uint8Array,
  dice: Dice,
  fields: readonly Field[],
  others: readonly Uint8Array[],
): Uint8Array {
  let body: Uint8Array = new Uint8Array(golden)
  for (let i = dice.pick([1, 1, 1, 2, 2, 4]); i > 0; i--) body = edit(body, dice, fields, others)
  return body
}

const headerBytes = 44

/** Edits a frame: mostly its body, with length and checksum made right again, so that something behind them is reached. */
export function mutateFrame(
  golden: Uint8Array,
  dice: Dice,
  fields: readonly Field[],
  others: readonly Uint8Array[],
): Uint8Array {
  const kind = dice.below(20)
  if (kind === 0) return mutateBody(golden, dice, [], others)
  const bodyOf = (frame: Uint8Array): Uint8Array => frame.subarray(headerBytes, frame.length - 16)
  let body: Uint8Array = bodyOf(golden).slice()
  if (kind > 2) body = mutateBody(body, dice, fields, others.map(bodyOf))
  const frame = new Uint8Array(headerBytes + body.length + 16)
  const view = new DataView(frame.buffer)
  frame.set(golden.subarray(0, headerBytes))
  frame.set(body, headerBytes)
  view.setUint32(40, body.length, true)
  if (kind <= 2) {
    // Of the header: magic, version, kind, reserved, owner, length; the body stays.
    const field = dice.pick<Field>([
      { offset: 0, type: 'u32' },
      { offset: 4, type: 'u8' },
      { offset: 5, type: 'u8' },
      { offset: 6, type: 'u16' },
      { offset: 8 + dice.below(32), type: 'u8' },
      { offset: 40, type: 'u32' },
    ])
    if (field.offset === 40 && dice.chance(0.5)) view.setUint32(40, body.length + dice.below(5) - 2, true)
    else writeField(frame, field, dice.pick<number>(corners[field.type]))
  }
  return sealed(frame)
}

/** The frame with the checksum of what it holds. */
export function sealed(frame: Uint8Array): Uint8Array {
  const end = Math.max(0, frame.length - 16)
  frame.set(
    createHash('sha256')
      .update(frame.subarray(0, end))
      .digest()
      .subarray(0, frame.length - end),
    end,
  )
  return frame
}

/** The failing input with as much of the golden one put back as it takes to still fail; `repair` makes checksums right again. */
export function minimise(
  golden: Uint8Array,
  failing: Uint8Array,
  fails: (bytes: Uint8Array) => boolean,
  repair: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
): Uint8Array {
  let best = failing
  for (let size = best.length; size >= 1; size = size >> 1) {
    for (let from = 0; from < Math.min(best.length, golden.length); from += size) {
      const attempt = best.slice()
      attempt.set(golden.subarray(from, Math.min(from + size, attempt.length)), from)
      repair(attempt)
      if (!attempt.every((byte, i) => byte === best[i]) && fails(attempt)) best = attempt
    }
  }
  return best
}
