import { GloveboxError } from './errors.ts'

/** Reads little-endian fields, one after the other; every read is checked against the end before anything is allocated. */
export class ByteReader {
  /** What is read, from its first byte to its last; not copied. */
  readonly bytes: Uint8Array
  /** What the bytes are, for errors: "the ciphertext". */
  readonly what: string
  /** Of the next byte to be read, 0 to `bytes.length`. */
  offset = 0
  readonly #view: DataView

  /** `what` names in errors what is read. */
  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes
    this.what = what
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes from the offset to the end, 0 or more. */
  get remaining(): number {
    return this.bytes.length - this.offset
  }

  #take(length: number, field: string): number {
    if (!(length >= 0) || length > this.remaining) {
      throw new GloveboxError(
        'malformed',
        `${this.what} is truncated: "${field}" needs ${length} bytes at offset ${this.offset}, ${this.remaining} are left`,
      )
    }
    const at = this.offset
    this.offset += length
    return at
  }

  /**
   * Takes nothing: a check for whoever is about to allocate for `length` more bytes.
   * @throws GloveboxError `malformed` where fewer are left, and for a length that is negative or NaN.
   */
  ensure(length: number, field: string): void {
    this.#take(length, field)
    this.offset -= length
  }

  /**
   * One byte, 0 to 255.
   * @throws GloveboxError `malformed` at the end.
   */
  u8(field: string): number {
    return this.#view.getUint8(this.#take(1, field))
  }
  /**
   * Two bytes, 0 to 65535.
   * @throws GloveboxError `malformed` at the end.
   */
  u16(field: string): number {
    return this.#view.getUint16(this.#take(2, field), true)
  }
  /**
   * Four bytes, 0 to 2^32 - 1.
   * @throws GloveboxError `malformed` at the end.
   */
  u32(field: string): number {
    return this.#view.getUint32(this.#take(4, field), true)
  }
  /**
   * Eight bytes, any double of IEEE 754: NaN and infinities are for the caller to refuse.
   * @throws GloveboxError `malformed` at the end.
   */
  f64(field: string): number {
    return this.#view.getFloat64(this.#take(8, field), true)
  }
  /**
   * The next `length` bytes, 0 or more: a view, not a copy.
   * @throws GloveboxError `malformed` where fewer are left.
   */
  slice(length: number, field: string): Uint8Array {
    const at = this.#take(length, field)
    return this.bytes.subarray(at, at + length)
  }
  /**
   * UTF-8 text (RFC 3629) with its length in bytes, a u32, before it: 0 to `limit`.
   * @throws GloveboxError `malformed` for a length above `limit`, for other bytes than UTF-8, and at the end.
   */
  text(field: string, limit: number): string {
    const length = this.u32(field)
    if (length > limit) throw this.malformed(field, `at most ${limit} bytes`, length)
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.slice(length, field))
    } catch (cause) {
      if (cause instanceof GloveboxError) throw cause
      throw this.malformed(field, 'UTF-8 text', 'other bytes')
    }
  }
  /** The GloveboxError `malformed` for a field, for the caller to throw; its message shows `got`, which may be no secret. */
  malformed(field: string, expected: string, got: unknown): GloveboxError {
    return new GloveboxError('malformed', `${this.what}: "${field}" expected ${expected}, got ${got}`)
  }
  /**
   * For behind the last field.
   * @throws GloveboxError `malformed` where bytes are left.
   */
  end(): void {
    if (this.remaining !== 0) {
      throw new GloveboxError('malformed', `${this.what} has ${this.remaining} bytes after its end`)
    }
  }
}

/** Writes little-endian fields, one after the other, into a buffer that grows; methods return the writer. */
export class ByteWriter {
  #buffer: Uint8Array
  #view: DataView
  #length = 0

  /** `capacity`: bytes to begin with, 0 or more; default 256. What is outgrown is not wiped. */
  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity)
    this.#view = new DataView(this.#buffer.buffer)
  }

  #reserve(length: number): number {
    const at = this.#length
    const need = at + length
    if (need > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(need, 2 * this.#buffer.length))
      grown.set(this.#buffer.subarray(0, at))
      this.#buffer = grown
      this.#view = new DataView(grown.buffer)
    }
    this.#length = need
    return at
  }

  /** One byte; the value is cut to an integer and taken modulo 2^8. */
  u8(value: number): this {
    const at = this.#reserve(1)
    this.#view.setUint8(at, value)
    return this
  }
  /** Two bytes; the value is cut to an integer and taken modulo 2^16. */
  u16(value: number): this {
    const at = this.#reserve(2)
    this.#view.setUint16(at, value, true)
    return this
  }
  /** Four bytes; the value is cut to an integer and taken modulo 2^32. */
  u32(value: number): this {
    const at = this.#reserve(4)
    this.#view.setUint32(at, value, true)
    return this
  }
  /** Eight bytes: any double of IEEE 754. */
  f64(value: number): this {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value, true)
    return this
  }
  /** Bytes as they are, without their length: any number of them. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }
  /** UTF-8 (RFC 3629) with its length in bytes, a u32, before it. */
  text(value: string): this {
    const bytes = new TextEncoder().encode(value)
    return this.u32(bytes.length).raw(bytes)
  }
  /** The bytes so far, without the rest of the buffer: a view, so do not write afterwards. */
  done(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }
}
