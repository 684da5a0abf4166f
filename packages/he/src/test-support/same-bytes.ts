import { expect } from 'vitest'

/** Two runs of bytes are one. A failure names the first difference: a listing of all of them would take minutes. */
export function expectSameBytes(got: Uint8Array, expected: Uint8Array): void {
  const at = got.findIndex((byte, i) => byte !== expected[i])
  expect(at < 0 ? 'no difference' : `${got[at]} at ${at}, not ${expected[at]}`).toBe('no difference')
  expect(got.length).toBe(expected.length)
}
