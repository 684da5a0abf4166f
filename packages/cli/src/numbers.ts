import { InvalidArgumentError } from 'commander'

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
