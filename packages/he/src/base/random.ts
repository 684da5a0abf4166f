/** The most that one call of getRandomValues may fill (Web Cryptography API, section 10.1.1). */
const chunk = 65536

/** Fills with bytes of the platform's cryptographically secure generator. */
export function fillRandom(target: Uint8Array<ArrayBuffer>): void {
  for (let at = 0; at < target.length; at += chunk) {
    globalThis.crypto.getRandomValues(target.subarray(at, at + chunk))
  }
}

/** `length` bytes of the platform's cryptographically secure generator. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  fillRandom(bytes)
  return bytes
}
