import { createCipheriv } from 'node:crypto'

/** Numbers that look random and are the same in every run: the key stream of ChaCha20 under a label. */
export class Draw {
  readonly #cipher

  constructor(label: string) {
    const key = Buffer.alloc(32)
    key.write(label)
    this.#cipher = createCipheriv('chacha20', key, Buffer.alloc(16))
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(this.#cipher.update(Buffer.alloc(length)))
  }

  /** Uniform in [0, 1). */
  unit(): number {
    const [a, b] = new Uint32Array(this.bytes(8).buffer)
    return ((a! >>> 5) * 2 ** 26 + (b! >>> 6)) / 2 ** 53
  }

  /** An integer in [low, high]. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1))
  }

  /** `count` numbers uniform in [-magnitude, magnitude]. */
  reals(count: number, magnitude = 1): Float64Array {
    const bytes = this.bytes(4 * count)
    return Float64Array.from(
      new Uint32Array(bytes.buffer, bytes.byteOffset, count),
      (x) => (x / 2 ** 31 - 1) * magnitude,
    )
  }
}
