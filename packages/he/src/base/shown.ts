/**
 * The key under which Node's `console.log` and `util.inspect` look for what to print, by the registry of symbols, so that nothing of Node is
 * touched: values of the public floor show what they are, not their memory.
 */
export const shown: symbol = Symbol.for('nodejs.util.inspect.custom')

/** An inspector that prints `name { field: value, … }` of the value that it is a property of; fields that are undefined are left out. */
export function showAs<T>(name: string, fields: (value: T) => Readonly<Record<string, unknown>>): (this: T) => string {
  return function (this: T): string {
    const entries = Object.entries(fields(this)).filter(([, value]) => value !== undefined)
    return `${name} { ${entries.map(([field, value]) => `${field}: ${String(value)}`).join(', ')} }`
  }
}

/** A scale as a power of two: 2^40, 2^39.99987. */
export function scaleText(scale: number): string {
  return `2^${Number(Math.log2(scale).toFixed(5))}`
}
