import { InvalidArgumentError } from 'commander'

/** A parser for an option that takes any finite number. */
export function finite(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}

/** A parser for an option that takes a count of many: 1000000, 1e6 or 1,000,000. */
export function count(low: number, high: number): (text: string) => number {
  const plain = integer(low, high)
  return (text) => {
    if (/^\d{1,3}(?:[,_]\d{3})+$/.test(text)) return plain(text.replace(/[,_]/g, ''))
    return plain(/^\d+(?:\.\d+)?e\d{1,2}$/i.test(text) ? String(Number(text)) : text)
  }
}

/** A parser for an option that takes an integer of a range. */
export function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`Expected an integer from ${low} to ${high}.`)
    }
    return value
  }
}
