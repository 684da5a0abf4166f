import { type Group, scalarBytes } from './group.ts'

/** 2^252 + 27742317777372353535851937790883648493, little-endian (RFC 9496, section 4.4). */
const order: Uint8Array = Uint8Array.from([
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0x10,
])

/** Whether 32 bytes, little-endian, are below the order: the borrow of a subtraction, without a branch on a byte. */
export function isScalar(bytes: Uint8Array): boolean {
  if (bytes.length !== scalarBytes) return false
  let borrow = 0
  for (let i = 0; i < scalarBytes; i++) borrow = (bytes[i]! - order[i]! - borrow) >>> 31
  return borrow === 1
}

/** Whether all bytes are 0. */
export function isZero(bytes: Uint8Array): boolean {
  let any = 0
  for (const byte of bytes) any |= byte
  return any === 0
}

/** RandomScalar of RFC 9497, section 2.1: 1 to the order - 1, from 64 bytes of the platform's generator. */
export function randomScalar(group: Group): Uint8Array {
  const bytes = new Uint8Array(64)
  for (;;) {
    globalThis.crypto.getRandomValues(bytes)
    const scalar = group.reduceScalar(bytes)
    bytes.fill(0)
    if (!isZero(scalar)) return scalar
  }
}
