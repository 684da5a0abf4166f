/** The most that one call of getRandomValues may fill (Web Cryptography API, section 10.1.1). */
const chunk = 65536

/** Fills with bytes of the platform's cryptographically secure generator, which takes no shared memory: that gets a copy. */
export function fillRandom(target: Uint8Array): void {
  if (!isUnshared(target)) {
    const bytes = new Uint8Array(Math.min(chunk, target.length))
    for (let at = 0; at < target.length; at += chunk) {
      const part = bytes.subarray(0, target.length - at)
      globalThis.crypto.getRandomValues(part)
      target.set(part, at)
    }
    bytes.fill(0)
    return
  }
  for (let at = 0; at < target.length; at += chunk) {
    globalThis.crypto.getRandomValues(target.subarray(at, at + chunk))
  }
}

function isUnshared(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
}

/** `length` bytes of the platform's cryptographically secure generator. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  fillRandom(bytes)
  return bytes
}
