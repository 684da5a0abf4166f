// Checks of arguments at the public floor, for callers without types: what is no argument at all shall not end in an engine's own error.

/** What an error may tell of a value: its type, never the value. */
export function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}

function fail(name: string, expected: string, value: unknown): TypeError {
  return new TypeError(`"${name}" expected ${expected}, got ${typeName(value)}`)
}

/** Throws TypeError for what is no object. */
export function requireObject(name: string, expected: string, value: unknown): void {
  if (value === null || typeof value !== 'object') throw fail(name, expected, value)
}

/** Throws TypeError for what is no array. */
export function requireArray(name: string, expected: string, value: unknown): void {
  if (!Array.isArray(value)) throw fail(name, expected, value)
}

/** Throws TypeError for what is neither an array nor a typed array nor has a length. */
export function requireArrayLike(name: string, expected: string, value: unknown): void {
  requireObject(name, expected, value)
  const { length } = value as ArrayLike<unknown>
  if (!Number.isInteger(length) || length < 0)
    throw new TypeError(`"${name}" expected ${expected}, got an object without a length`)
}

/** Throws TypeError for what cannot be called. */
export function requireFunction(name: string, expected: string, value: unknown): void {
  if (typeof value !== 'function') throw fail(name, expected, value)
}

/** Throws TypeError for what is no context of CKKS, BFV or BGV: what has no ring. */
export function requireContext(name: string, value: unknown): void {
  requireObject(name, 'an open context', value)
  if ((value as { ring?: unknown }).ring === undefined)
    throw new TypeError(`"${name}" expected an open context, got another object`)
}

/** Throws RangeError for what is no power of two from 1. */
export function requirePowerOfTwo(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 1 && value <= 2 ** 30) || !Number.isInteger(Math.log2(value)))
    throw new RangeError(
      `"${name}" expected a power of two, got ${typeof value === 'number' ? value : typeName(value)}`,
    )
}
