/**
 * ristretto255 (RFC 9496) with SHA-512, as bytes: elements are 32 bytes, scalars 32 bytes little-endian, both canonical. Two implementations compute the
 * same: `nobleGroup`, everywhere, and that of `openSodiumGroup`, for Node.
 */
export interface Group {
  /** The library. */
  readonly name: 'noble' | 'libsodium'
  /** SHA-512 (FIPS 180-4): 64 bytes. */
  hash(message: Uint8Array): Uint8Array
  /** The element that 64 uniform bytes derive (RFC 9496, section 4.3.4), times a scalar other than 0; undefined where that is the identity. */
  multiplyDerived(scalar: Uint8Array, uniform: Uint8Array): Uint8Array | undefined
  /** An element times a scalar other than 0; undefined for bytes that are no canonical element, and for the identity. */
  multiply(scalar: Uint8Array, element: Uint8Array): Uint8Array | undefined
  /** The generator times a scalar other than 0. */
  multiplyBase(scalar: Uint8Array): Uint8Array
  /** Whether bytes are a canonical element, of 32 bytes, other than the identity. */
  isElement(bytes: Uint8Array): boolean
  /** Sum of scalar times element, of as many scalars (0 too) as checked elements: public ones only, as its time may depend on them. The identity is 32 zeros. */
  combine(scalars: readonly Uint8Array[], elements: readonly Uint8Array[]): Uint8Array
  /** 64 bytes, little-endian, modulo the order. */
  reduceScalar(bytes: Uint8Array): Uint8Array
  /** a·b. */
  multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array
  /** a - b. */
  subtractScalars(a: Uint8Array, b: Uint8Array): Uint8Array
  /** Of a scalar other than 0. */
  invertScalar(scalar: Uint8Array): Uint8Array
}

/** Bytes of an element. */
export const elementBytes = 32
/** Bytes of a scalar. */
export const scalarBytes = 32
/** Bytes of an output of the OPRF. */
export const outputBytes = 64
/** Bytes of a proof: two scalars. */
export const proofBytes = 64
