import { scryptSync } from 'node:crypto'
import { fromHex } from '@glovebox/he'
import { type Hardening, hardenedBytes } from './hardening.ts'

/** As `harden`, by Node's OpenSSL: half the time. `hardening` is one that was checked. */
export function hardenNode(hardening: Hardening, bytes: Uint8Array): Uint8Array {
  return hardenerOf(hardening)(bytes)
}

/** `hardenNode` for many items of one set. */
export function hardenerOf(hardening: Hardening): (bytes: Uint8Array) => Uint8Array {
  if (hardening.algorithm === 'none') return (bytes) => bytes
  const { N, r, p, salt } = hardening
  const saltBytes = fromHex(salt)
  const options = { N, r, p, maxmem: 128 * r * (N + p + 2) + 2 ** 20 }
  return (bytes) => {
    const { buffer, byteOffset, byteLength } = scryptSync(bytes, saltBytes, hardenedBytes, options)
    return new Uint8Array(buffer, byteOffset, byteLength)
  }
}
